// Pictures as pixels in the browser: their size, copies in other sizes, masks to files and back.

import type { Box } from "../geometry";
import { Mask } from "../masks/mask";
import type { Size } from "./extend";

const WHITE = [255, 255, 255, 255];
const BLACK = [0, 0, 0, 255];

/** A PNG of a picture drawn into `inner` of a ground of `size`; around it, its own border pixels go on. */
export async function placedPng(picture: Blob, size: Size, inner: Box): Promise<Blob> {
  const bitmap = await createImageBitmap(picture, { premultiplyAlpha: "none", colorSpaceConversion: "none" });
  const canvas = ground(size);
  const context = contextOf(canvas);
  const { x, y, w, h } = inner;
  // At its own size the picture is not resampled: its pixels stay the same.
  context.imageSmoothingEnabled = w !== bitmap.width || h !== bitmap.height;
  context.imageSmoothingQuality = "high";
  const [right, bottom] = [size.width - x - w, size.height - y - h];
  const edge = (sx: number, sy: number, sw: number, sh: number, to: [number, number, number, number]) =>
    to[2] > 0 && to[3] > 0 && context.drawImage(bitmap, sx, sy, sw, sh, ...to);
  const [bw, bh] = [bitmap.width, bitmap.height];
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, size.width, size.height);
  edge(0, 0, 1, bh, [0, y, x, h]);
  edge(bw - 1, 0, 1, bh, [x + w, y, right, h]);
  edge(0, 0, bw, 1, [x, 0, w, y]);
  edge(0, bh - 1, bw, 1, [x, y + h, w, bottom]);
  context.drawImage(bitmap, x, y, w, h);
  bitmap.close();
  return png(canvas);
}

export function maskPng(mask: Mask): Promise<Blob> {
  const canvas = ground(mask);
  const data = new ImageData(mask.painted(WHITE, BLACK), mask.width, mask.height);
  contextOf(canvas).putImageData(data, 0, 0);
  return png(canvas);
}

export async function readMask(file: Blob): Promise<Mask> {
  const bitmap = await createImageBitmap(file);
  const { width, height } = bitmap;
  const context = contextOf(ground({ width, height }));
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return Mask.of(width, height, context.getImageData(0, 0, width, height).data);
}

export async function sizeOf(file: Blob): Promise<Size> {
  const bitmap = await createImageBitmap(file);
  const { width, height } = bitmap;
  bitmap.close();
  return { width, height };
}

function ground({ width, height }: Size): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser draws no pictures");
  return context;
}

function png(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error("the picture is too large"))),
      "image/png",
    );
  });
}
