// A frame's mask while one person paints it, and their brush.

import { signal } from "@preact/signals";
import { type Box, middle, type Point, rotate } from "../geometry";
import type { Mask } from "./mask";

/** Of the longer side of the picture. */
export const BRUSHES = { least: 0.01, most: 0.35, first: 0.09 };

export class MaskBrush {
  readonly mode = signal<"add" | "erase">("add");
  /** Width of the brush, as a part of the longer side. */
  readonly brush = signal(BRUSHES.first);
  /** Rises with every change of the mask. */
  readonly version = signal(0);

  constructor(
    /** The frame's id. */
    readonly frame: string,
    readonly mask: Mask,
    /** Something was finished: the others may see it. */
    readonly onStroke: () => void,
  ) {}

  /** Of the brush, in pixels of the mask. */
  get radius(): number {
    return Math.max(0.5, (this.brush.value * Math.max(this.mask.width, this.mask.height)) / 2);
  }

  changed(): void {
    this.version.value += 1;
  }

  /** Replaces the mask by another one of the same size. */
  replace(bits: Uint8Array): void {
    this.mask.bits.set(bits);
    this.changed();
  }

  invert(): void {
    this.mask.invert();
    this.changed();
    this.onStroke();
  }

  clear(): void {
    this.mask.clear();
    this.changed();
    this.onStroke();
  }
}

/** Where a point of the board lies in the mask of a frame, in pixels. */
export function toPixels(
  frame: Box & { rotation: number },
  size: { width: number; height: number },
  at: Point,
): Point {
  const flat = rotate(at, middle(frame), -frame.rotation);
  return {
    x: ((flat.x - frame.x) / Math.max(1e-6, frame.w)) * size.width,
    y: ((flat.y - frame.y) / Math.max(1e-6, frame.h)) * size.height,
  };
}
