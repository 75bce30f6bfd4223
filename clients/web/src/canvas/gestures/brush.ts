// Paints a frame's mask.

import type { Point } from "../geometry";
import { type MaskBrush, toPixels } from "../masks/maskBrush";
import type { Frame } from "../objects";
import type { Gesture, Touch } from "./gesture";

export class Brush implements Gesture {
  readonly name = "brush";

  private constructor(
    private readonly maskBrush: MaskBrush,
    private readonly frame: Frame,
    private readonly last: Point,
    /** The mask as it was when the hand came down. */
    private readonly before: Uint8Array,
  ) {}

  static begin(maskBrush: MaskBrush, frame: Frame, touch: Touch, at: Point): Gesture {
    const place = toPixels(frame, maskBrush.mask, at);
    return new Brush(maskBrush, frame, place, maskBrush.mask.bits.slice()).drag(touch, at);
  }

  drag(_touch: Touch, at: Point): Gesture {
    const { maskBrush } = this;
    const place = toPixels(this.frame, maskBrush.mask, at);
    maskBrush.mask.stroke(this.last, place, maskBrush.radius, maskBrush.mode.value === "add");
    maskBrush.changed();
    return new Brush(maskBrush, this.frame, place, this.before);
  }

  finish(): void {
    this.maskBrush.onStroke();
  }

  abandon(): void {
    this.maskBrush.mask.bits.set(this.before);
    this.maskBrush.changed();
  }
}
