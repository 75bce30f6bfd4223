// The pen: a stroke that grows, and goes on in a new object when one is full.

import type { Easel } from "../canvasEditor";
import type { Point } from "../geometry";
import { extent, type Fields } from "../objects";
import type { Gesture, Touch } from "./gesture";

export class Draw implements Gesture {
  readonly name = "draw";

  constructor(
    private readonly easel: Easel,
    private readonly points: readonly number[],
  ) {}

  drag(touch: Touch, at: Point): Gesture {
    const [x = 0, y = 0] = this.points.slice(-3);
    if (Math.hypot(at.x - x, at.y - y) * this.easel.camera.value.scale < 1) return this;
    const longer = [...this.points, at.x, at.y, touch.pressure];
    if (longer.length / 3 <= this.easel.options.maxPoints()) return new Draw(this.easel, longer);
    this.finish();
    return new Draw(this.easel, longer.slice(-6));
  }

  draft(): Fields {
    return strokeFields(this.points, this.easel.color.value, this.easel.size.value);
  }

  finish(): void {
    this.easel.board.place(this.draft());
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
