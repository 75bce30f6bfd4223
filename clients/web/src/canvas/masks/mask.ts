// A mask: one byte for each pixel of the picture, 1 where the model may paint.

import type { Box, Point } from "../geometry";

export class Mask {
  readonly bits: Uint8Array;

  constructor(
    readonly width: number,
    readonly height: number,
    bits?: Uint8Array,
  ) {
    this.bits = bits ?? new Uint8Array(width * height);
  }

  get empty(): boolean {
    return !this.bits.includes(1);
  }

  /** Moves a round brush of `radius` pixels from one place to another. Pixels count by their centres. */
  stroke(from: Point, to: Point, radius: number, on: boolean): void {
    const { width, height, bits } = this;
    const value = on ? 1 : 0;
    const left = Math.max(0, Math.floor(Math.min(from.x, to.x) - radius));
    const right = Math.min(width - 1, Math.ceil(Math.max(from.x, to.x) + radius));
    const top = Math.max(0, Math.floor(Math.min(from.y, to.y) - radius));
    const bottom = Math.min(height - 1, Math.ceil(Math.max(from.y, to.y) + radius));
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    const length = dx * dx + dy * dy;
    const reach = radius * radius;
    for (let y = top; y <= bottom; y += 1) {
      const py = y + 0.5 - from.y;
      for (let x = left; x <= right; x += 1) {
        const px = x + 0.5 - from.x;
        const t = length > 0 ? Math.min(1, Math.max(0, (px * dx + py * dy) / length)) : 0;
        const [ex, ey] = [px - t * dx, py - t * dy];
        if (ex * ex + ey * ey <= reach) bits[y * width + x] = value;
      }
    }
  }

  /** Whole pixels of a box. */
  fill(box: Box, on: boolean): void {
    const value = on ? 1 : 0;
    for (let y = Math.max(0, box.y); y < Math.min(this.height, box.y + box.h); y += 1) {
      const row = y * this.width;
      this.bits.fill(value, row + Math.max(0, box.x), row + Math.min(this.width, box.x + box.w));
    }
  }

  invert(): void {
    for (let index = 0; index < this.bits.length; index += 1) this.bits[index] = this.bits[index] ? 0 : 1;
  }

  clear(): void {
    this.bits.fill(0);
  }

  /** RGBA pixels, each of one of two colours. */
  painted(on: readonly number[], off: readonly number[]): Uint8ClampedArray<ArrayBuffer> {
    const out = new Uint8ClampedArray(this.bits.length * 4);
    for (let index = 0; index < this.bits.length; index += 1) out.set(this.bits[index] ? on : off, index * 4);
    return out;
  }

  /** The mask of RGBA pixels: 1 where a pixel is light and opaque, as the server reads it. */
  static of(width: number, height: number, rgba: ArrayLike<number>): Mask {
    const mask = new Mask(width, height);
    for (let index = 0; index < mask.bits.length; index += 1) {
      const at = index * 4;
      const light = ((rgba[at] ?? 0) * 299 + (rgba[at + 1] ?? 0) * 587 + (rgba[at + 2] ?? 0) * 114) / 1000;
      mask.bits[index] = (light * (rgba[at + 3] ?? 0)) / 255 >= 128 ? 1 : 0;
    }
    return mask;
  }

  /** The same mask in another size; a pixel is taken from the nearest. */
  resized(width: number, height: number): Mask {
    const mask = new Mask(width, height);
    for (let y = 0; y < height; y += 1) {
      const row = Math.min(this.height - 1, Math.floor(((y + 0.5) * this.height) / height)) * this.width;
      for (let x = 0; x < width; x += 1) {
        const from = Math.min(this.width - 1, Math.floor(((x + 0.5) * this.width) / width));
        mask.bits[y * width + x] = this.bits[row + from] ?? 0;
      }
    }
    return mask;
  }
}
