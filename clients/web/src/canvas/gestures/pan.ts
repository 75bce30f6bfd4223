// Moves the view.

import type { Point } from "../geometry";
import type { CanvasSurface } from "../surface";
import type { Gesture, Touch } from "./gesture";

export class Pan implements Gesture {
  readonly name = "pan";

  constructor(
    private readonly surface: CanvasSurface,
    private readonly last: Point,
  ) {}

  drag(touch: Touch): Gesture {
    this.surface.pan(touch.at.x - this.last.x, touch.at.y - this.last.y);
    return new Pan(this.surface, touch.at);
  }

  finish(): void {}
}
