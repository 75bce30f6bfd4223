// The source picture of a frame: the picture that it holds, or what is drawn inside it.

import { pngFile } from "../canvas/export";
import { type Box, bounds, overlaps } from "../canvas/geometry";
import type { BoardObject, Frame } from "../canvas/objects";
import { fitted, type Size } from "../canvas/pictures/extend";
import { placedPng } from "../canvas/pictures/pixels";
import type { ImageModel } from "../protocol/messages";
import type { Pictures } from "../room/http/pictures";

/** Longest side of the source picture, when the model does not state its size. */
const SOURCE_SIDE = 512;
const MAX_PIXELS = 1024 * 1024;

export const maxPixels = (model: ImageModel | null): number => model?.max_pixels ?? MAX_PIXELS;

/** The size in pixels of the drawing in a frame, as the model gets it. */
export function drawnSize({ w, h }: Box, model: ImageModel | null): Size {
  const longest = Math.max(model?.width ?? 0, model?.height ?? 0) || SOURCE_SIDE;
  const scale = longest / Math.max(w, h, 1e-6);
  // Latents have an eighth of the side; pictures of other sizes would be cut or refused.
  const eighths = (units: number) => Math.max(16, Math.round((units * scale) / 8) * 8);
  return { width: eighths(w), height: eighths(h) };
}

/** What is drawn inside a frame, from back to front: not frames, and nothing that is hidden. */
export function drawnIn(frame: Frame, objects: readonly BoardObject[]): BoardObject[] {
  const area = bounds(frame);
  return objects.filter(
    (object) => object.type !== "frame" && !object.hidden && overlaps(bounds(object), area),
  );
}

/** Pixels of a frame's source. */
export async function sourceSize(pictures: Pictures, frame: Frame, model: ImageModel | null): Promise<Size> {
  if (!frame.source) return drawnSize(frame, model);
  return fitted(await pictures.size(frame.source), maxPixels(model));
}

/** The asset that a frame's picture starts from. Throws ApiError. */
export async function sourceOf(
  pictures: Pictures,
  frame: Frame,
  objects: readonly BoardObject[],
  model: ImageModel | null,
): Promise<string> {
  const size = await sourceSize(pictures, frame, model);
  if (!frame.source) {
    const load = (asset: string) => pictures.blob(asset);
    return (await pictures.upload(await pngFile(drawnIn(frame, objects), frame, size, load, frame.rotation)))
      .sha256;
  }
  const natural = await pictures.size(frame.source);
  if (natural.width === size.width && natural.height === size.height) return frame.source;
  const whole = { x: 0, y: 0, w: size.width, h: size.height };
  const smaller = await placedPng(await pictures.blob(frame.source), size, whole);
  return (await pictures.upload(smaller)).sha256;
}
