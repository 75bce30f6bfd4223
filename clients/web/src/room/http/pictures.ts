// Upload and download of the room's pictures. A picture's name is the hash of its content, so a picture is downloaded
// once.

import { signal } from "@preact/signals";
import type { Size } from "../../canvas/pictures/extend";
import { sizeOf } from "../../canvas/pictures/pixels";
import type { Provenance } from "../../canvas/pictures/provenance";
import type { RoomHttp } from "./roomHttp";

export interface Asset {
  sha256: string;
  width: number;
  height: number;
  /** Width and height of the uploaded file, if it was scaled down. */
  scaled_from?: [number, number];
  /** Number of pictures in the uploaded file, if more than one; the first is kept. */
  frames?: number;
}

/** Delay before a failed download is tried again. */
const AGAIN_MS = 5000;

/** Most picture sizes that are cached. */
const MAX_SIZES = 500;

export class Pictures {
  private readonly sizes = new Map<string, Promise<Size>>();
  /** Object URLs of downloaded pictures. */
  private readonly here = signal<ReadonlyMap<string, string>>(new Map());
  private readonly asked = new Set<string>();
  private closed = false;
  /** Counts downloads that came or failed: a loop that draws looks here, where a component subscribes to `url`. */
  version = 0;

  constructor(private readonly http: RoomHttp) {}

  /** The object URL of a picture; null until it is downloaded. Reading it in a component or an effect subscribes to it. */
  url(asset: string): string | null {
    const url = this.here.value.get(asset) ?? null;
    if (!url) void this.load(asset);
    return url;
  }

  /** Throws ApiError. */
  async blob(asset: string): Promise<Blob> {
    return (await this.http.request(`assets/${asset}`)).blob();
  }

  /** Throws ApiError. */
  async upload(file: Blob): Promise<Asset> {
    return (await (await this.http.post("assets", file)).json()) as Asset;
  }

  /** Width and height of a picture in pixels. Throws ApiError. */
  size(asset: string): Promise<Size> {
    const known = this.sizes.get(asset);
    if (known) return known;
    const asked = this.blob(asset).then(sizeOf);
    asked.catch(() => this.sizes.delete(asset));
    if (this.sizes.size >= MAX_SIZES) this.sizes.clear();
    this.sizes.set(asset, asked);
    return asked;
  }

  /** The server's record of where a picture comes from. Throws ApiError. */
  async provenance(asset: string): Promise<Provenance> {
    return this.http.json<Provenance>(`assets/${asset}/provenance`);
  }

  /** Makes an asset of twice the width and height by interpolation. Throws ApiError. */
  async enlarge(asset: string): Promise<Asset> {
    return (await (await this.http.post(`assets/${asset}/enlarge`)).json()) as Asset;
  }

  /** The picture as an SVG file of outlines. Throws ApiError. */
  async trace(asset: string): Promise<Blob> {
    return (await this.http.post(`assets/${asset}/trace`)).blob();
  }

  close(): void {
    this.closed = true;
    for (const url of this.here.peek().values()) URL.revokeObjectURL(url);
    this.here.value = new Map();
  }

  private async load(asset: string): Promise<void> {
    if (this.asked.has(asset) || this.closed) return;
    this.asked.add(asset);
    try {
      const url = URL.createObjectURL(await this.blob(asset));
      const image = new Image();
      image.src = url;
      await image.decode();
      if (this.closed) URL.revokeObjectURL(url);
      else this.tell(new Map(this.here.peek()).set(asset, url));
    } catch {
      setTimeout(() => {
        this.asked.delete(asset);
        // Components that still show it request it again.
        if (!this.closed) this.tell(new Map(this.here.peek()));
      }, AGAIN_MS);
    }
  }

  private tell(here: ReadonlyMap<string, string>): void {
    this.version += 1;
    this.here.value = here;
  }
}
