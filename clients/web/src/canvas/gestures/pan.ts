// Moving the view.

import type { Easel } from "../canvasEditor";
import type { Point } from "../geometry";
import type { Gesture, Touch } from "./gesture";

export class Pan implements Gesture {
  readonly name = "pan";

  constructor(
    private readonly easel: Easel,
    private readonly last: Point,
  ) {}

  drag(touch: Touch): Gesture {
    this.easel.pan(touch.at.x - this.last.x, touch.at.y - this.last.y);
    return new Pan(this.easel, touch.at);
  }

  finish(): void {}
}
