// The eraser: objects that it passes over fade, and are removed when the pointer goes up.

import { distance, type Point, touches } from "../geometry";
import type { CanvasSurface } from "../surface";
import { type Gesture, SLACK, type Touch } from "./gesture";

export class Erase implements Gesture {
  readonly name = "erase";

  constructor(
    private readonly surface: CanvasSurface,
    readonly fading: ReadonlySet<string>,
    private readonly last: Point,
  ) {}

  static begin(surface: CanvasSurface, touch: Touch, at: Point): Gesture {
    return new Erase(surface, new Set(), at).drag(touch, at);
  }

  drag(touch: Touch, at: Point): Gesture {
    return new Erase(this.surface, new Set([...this.fading, ...this.passed(touch, at)]), at);
  }

  finish(): void {
    this.surface.board.remove(this.fading);
  }

  private passed(touch: Touch, to: Point): Set<string> {
    const from = this.last;
    const slack = SLACK[touch.kind] / this.surface.camera.value.scale;
    const steps = Math.max(1, Math.ceil(distance(from, to, to) / slack));
    const ids = new Set<string>();
    for (const object of this.surface.board.ordered.value) {
      // A frame is removed by its own button only, or when it is selected.
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
