// The pen: a stroke that grows, and continues in a new object when one is full.

import type { Point } from "../geometry";
import { extent, type Fields } from "../objects";
import type { CanvasSurface } from "../surface";
import type { Gesture, Touch } from "./gesture";

export class Draw implements Gesture {
  readonly name = "draw";

  constructor(
    private readonly surface: CanvasSurface,
    private readonly points: readonly number[],
  ) {}

  drag(touch: Touch, at: Point): Gesture {
    const [x = 0, y = 0] = this.points.slice(-3);
    if (Math.hypot(at.x - x, at.y - y) * this.surface.camera.value.scale < 1) return this;
    const longer = [...this.points, at.x, at.y, touch.pressure];
    if (longer.length / 3 <= this.surface.options.maxPoints()) return new Draw(this.surface, longer);
    this.finish();
    return new Draw(this.surface, longer.slice(-6));
  }

  draft(): Fields {
    return strokeFields(this.points, this.surface.color.value, this.surface.size.value);
  }

  finish(): void {
    this.surface.board.place(this.draft());
  }
}

/** A stroke's fields: its corner, and its points counted from there. */
export function strokeFields(points: readonly number[], color: string, size: number): Fields {
  const at = (offset: number) => points.filter((_, index) => index % 3 === offset);
  const x = Math.min(...at(0));
  const y = Math.min(...at(1));
  const own = points.map((value, index) =>
    index % 3 === 0 ? value - x : index % 3 === 1 ? value - y : value,
  );
  return { type: "stroke", tool: "pen", x, y, ...extent(own), points: own, color, size };
}
