// Painting a frame's mask.

import type { Point } from "../geometry";
import { type Masking, toPixels } from "../masks/maskBrush";
import type { Frame } from "../objects";
import type { Gesture, Touch } from "./gesture";

export class Brush implements Gesture {
  readonly name = "brush";

  private constructor(
    private readonly masking: Masking,
    private readonly frame: Frame,
    private readonly last: Point,
    /** The mask as it was when the hand came down. */
    private readonly before: Uint8Array,
  ) {}

  static begin(masking: Masking, frame: Frame, touch: Touch, at: Point): Gesture {
    const place = toPixels(frame, masking.mask, at);
    return new Brush(masking, frame, place, masking.mask.bits.slice()).drag(touch, at);
  }

  drag(_touch: Touch, at: Point): Gesture {
    const { masking } = this;
    const place = toPixels(this.frame, masking.mask, at);
    masking.mask.stroke(this.last, place, masking.radius, masking.mode.value === "add");
    masking.changed();
    return new Brush(masking, this.frame, place, this.before);
  }

  finish(): void {
    this.masking.onStroke();
  }

  abandon(): void {
    this.masking.mask.bits.set(this.before);
    this.masking.changed();
  }
}
