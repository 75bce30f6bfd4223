// The pictures of a film, decoded when they are first drawn: assets of the room, and figures of DiceBear.

import type { Room } from "../room/room";
import { drawerOf } from "./dicebear";
import type { Pictures } from "./draw";
import { EYES, type Figure, MOUTHS } from "./looks";

/** Pictures, and faces of figures, that are kept decoded. */
const MAX_PICTURES = 60;
const MAX_FIGURES = 400;

export class FilmPictures implements Pictures {
  private decoded = 0;
  private readonly assets = new Map<string, HTMLImageElement>();
  private readonly figures = new Map<string, HTMLImageElement>();
  private readonly drawers = new Map<string, Awaited<ReturnType<typeof drawerOf>> | null>();

  constructor(private readonly room: Room) {}

  /** Counts pictures that came: the screen is drawn anew. */
  get version(): number {
    return this.decoded + this.room.pictures.version;
  }

  asset(asset: string): CanvasImageSource | null {
    const url = this.room.pictures.url(asset);
    if (!url) return null;
    let image = this.assets.get(asset);
    if (!image) {
      if (this.assets.size >= MAX_PICTURES) this.assets.clear();
      image = this.load(url);
      this.assets.set(asset, image);
    }
    return ready(image);
  }

  figure(figure: Figure): CanvasImageSource | null {
    const found = this.face(figure);
    if (found) return found;
    // Its other faces are better than none while this one is decoded.
    for (const mouth of MOUTHS)
      for (const eyes of EYES) {
        const other = this.figures.get(keyOf({ ...figure, mouth, eyes }));
        if (other && ready(other)) return other;
      }
    return null;
  }

  /** All faces of a figure, so that none is missed when it speaks. */
  prepare(figure: Figure): void {
    for (const mouth of MOUTHS) for (const eyes of EYES) this.face({ ...figure, mouth, eyes });
  }

  private face(figure: Figure): HTMLImageElement | null {
    const key = keyOf(figure);
    const known = this.figures.get(key);
    if (known) return ready(known);
    const draw = this.drawer(figure);
    if (!draw) return null;
    if (this.figures.size >= MAX_FIGURES) this.figures.clear();
    const image = this.load(`data:image/svg+xml;charset=utf-8,${encodeURIComponent(sized(draw(figure)))}`);
    this.figures.set(key, image);
    return ready(image);
  }

  private drawer({ style }: Figure) {
    const known = this.drawers.get(style);
    if (known !== undefined || style === "drawing") return known ?? null;
    this.drawers.set(style, null);
    drawerOf(style).then(
      (draw) => {
        this.drawers.set(style, draw);
        this.decoded += 1;
      },
      (error: unknown) => {
        console.warn("the figures could not be loaded", error);
        // A later picture asks again.
        setTimeout(() => this.drawers.delete(style), 5000);
      },
    );
    return null;
  }

  private load(url: string): HTMLImageElement {
    const image = new Image();
    image.onload = () => {
      this.decoded += 1;
    };
    image.src = url;
    return image;
  }
}

const ready = (image: HTMLImageElement): HTMLImageElement | null =>
  image.complete && image.naturalWidth > 0 ? image : null;

/** Firefox draws no SVG on a canvas without a size of its own. */
const sized = (svg: string): string => svg.replace("<svg ", '<svg width="512" height="512" ');

const keyOf = ({ style, seed, skin, hair, coat, eyes, mouth }: Figure): string =>
  JSON.stringify([style, seed, skin, hair, coat, eyes, mouth]);
