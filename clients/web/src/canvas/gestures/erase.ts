// The eraser: what it passes over fades, and goes when the hand goes up.

import type { Easel } from "../canvasEditor";
import { distance, type Point, touches } from "../geometry";
import { type Gesture, SLACK, type Touch } from "./gesture";

export class Erase implements Gesture {
  readonly name = "erase";

  constructor(
    private readonly easel: Easel,
    readonly fading: ReadonlySet<string>,
    private readonly last: Point,
  ) {}

  static begin(easel: Easel, touch: Touch, at: Point): Gesture {
    return new Erase(easel, new Set(), at).drag(touch, at);
  }

  drag(touch: Touch, at: Point): Gesture {
    return new Erase(this.easel, new Set([...this.fading, ...this.passed(touch, at)]), at);
  }

  finish(): void {
    this.easel.board.remove(this.fading);
  }

  private passed(touch: Touch, to: Point): Set<string> {
    const from = this.last;
    const slack = SLACK[touch.kind] / this.easel.camera.value.scale;
    const steps = Math.max(1, Math.ceil(distance(from, to, to) / slack));
    const ids = new Set<string>();
    for (const object of this.easel.board.ordered.value) {
      // A frame is taken away on purpose only: by its own button, or selected.
      if (object.locked || object.type === "frame") continue;
      for (let step = 0; step <= steps && !ids.has(object.id); step += 1) {
        const part = step / steps;
        const at = { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
        if (touches(object, at, slack)) ids.add(object.id);
      }
    }
    return ids;
  }
}
