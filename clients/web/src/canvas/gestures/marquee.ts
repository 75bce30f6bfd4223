// Selects by spanning a box.

import { type Box, bounds, boxOf, contains, type Point } from "../geometry";
import type { CanvasSurface } from "../surface";
import type { Gesture, Touch } from "./gesture";

export class Marquee implements Gesture {
  readonly name = "marquee";

  constructor(
    private readonly surface: CanvasSurface,
    private readonly from: Point,
    private readonly to: Point,
    /** Objects that stay selected: with Shift the previous selection. */
    private readonly others: ReadonlySet<string> = new Set(),
  ) {}

  drag(_touch: Touch, at: Point): Gesture {
    return new Marquee(this.surface, this.from, at, this.others);
  }

  area(): { kind: "marquee"; box: Box } {
    return { kind: "marquee", box: boxOf(this.from, this.to) };
  }

  finish(): void {
    const { box } = this.area();
    const inside = this.surface.board.ordered.value.filter(
      (object) => !object.locked && contains(box, bounds(object)),
    );
    this.surface.selection.select([...this.others, ...inside.map((object) => object.id)]);
  }
}
