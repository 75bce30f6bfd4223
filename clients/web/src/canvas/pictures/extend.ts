// Outpainting: a picture on a larger canvas, and which part of that is new.

import { type Box, middle, rotate } from "../geometry";

export interface Size {
  width: number;
  height: number;
}
/** Parts of the picture's width or height that are added at each side. */
export interface Sides {
  left: number;
  top: number;
  right: number;
  bottom: number;
}
export interface Extension {
  /** Of the larger ground on the board. */
  box: Box;
  /** Its pixels. */
  size: Size;
  /** Where in them the picture lies. */
  inner: Box;
}

/** Latents have an eighth of the side. */
const STEP = 8;

/** As many pixels as a picture has, or fewer in its shape where that is over the bound; sides in whole steps then. */
export function fitted({ width, height }: Size, maxPixels: number): Size {
  if (width * height <= maxPixels) return { width, height };
  const scale = Math.sqrt(maxPixels / (width * height));
  const side = (pixels: number) => Math.max(STEP, Math.floor((pixels * scale) / STEP) * STEP);
  return { width: side(width), height: side(height) };
}

/** The picture keeps its pixels, one to one, unless the whole has more of them than the model paints. */
export function extension(
  picture: Box & { rotation: number },
  natural: Size,
  sides: Sides,
  maxPixels: number,
): Extension {
  const add = (pixels: number, part: number) => Math.round((pixels * part) / STEP) * STEP;
  const strip = {
    left: add(natural.width, sides.left),
    right: add(natural.width, sides.right),
    top: add(natural.height, sides.top),
    bottom: add(natural.height, sides.bottom),
  };
  const whole = {
    width: natural.width + strip.left + strip.right,
    height: natural.height + strip.top + strip.bottom,
  };
  const size = fitted(whole, maxPixels);
  const [sx, sy] = [size.width / whole.width, size.height / whole.height];
  const inner = {
    x: Math.round(strip.left * sx),
    y: Math.round(strip.top * sy),
    w: Math.round(natural.width * sx),
    h: Math.round(natural.height * sy),
  };
  const [ux, uy] = [picture.w / natural.width, picture.h / natural.height];
  const [w, h] = [whole.width * ux, whole.height * uy];
  // The new middle lies beside the old one, in the picture's own directions.
  const old = middle(picture);
  const beside = {
    x: old.x + ((strip.right - strip.left) * ux) / 2,
    y: old.y + ((strip.bottom - strip.top) * uy) / 2,
  };
  const centre = rotate(beside, old, picture.rotation);
  return { box: { x: centre.x - w / 2, y: centre.y - h / 2, w, h }, size, inner };
}
