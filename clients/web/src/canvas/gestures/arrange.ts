// Moves, scales and rotates the selection.

import {
  type Box,
  boxOf,
  keepRatio,
  middle,
  moved,
  type Point,
  rotate,
  scaled,
  TURN_STEP,
  turned,
} from "../geometry";
import type { BoardObject, Fields } from "../objects";
import type { CanvasSurface } from "../surface";
import { type Gesture, SMALLEST, type Touch } from "./gesture";

export type Corner = "nw" | "ne" | "se" | "sw";

abstract class Arrange implements Gesture {
  abstract readonly name: string;

  constructor(protected readonly surface: CanvasSurface) {}

  abstract drag(touch: Touch, at: Point): Gesture;
  protected abstract changed(object: BoardObject): Fields | null;

  changes(): ReadonlyMap<string, Fields> {
    const changes = new Map<string, Fields>();
    if (!this.surface.options.canEdit()) return changes;
    for (const object of this.surface.selection.movable()) {
      const fields = this.changed(object);
      if (fields) changes.set(object.id, fields);
    }
    return changes;
  }

  finish(): void {
    this.surface.board.change(this.changes());
  }
}

export class Move extends Arrange {
  readonly name = "move";

  constructor(
    surface: CanvasSurface,
    private readonly from: Point,
    private readonly to: Point,
  ) {
    super(surface);
  }

  drag(_touch: Touch, at: Point): Gesture {
    return new Move(this.surface, this.from, at);
  }

  protected changed(object: BoardObject): Fields | null {
    const [dx, dy] = [this.to.x - this.from.x, this.to.y - this.from.y];
    return dx !== 0 || dy !== 0 ? moved(object, dx, dy) : null;
  }
}

export class Stretch extends Arrange {
  readonly name = "stretch";

  /** `degrees`: the box is turned by so much about its middle, and is stretched along its own sides. */
  constructor(
    surface: CanvasSurface,
    private readonly corner: Corner,
    private readonly from: Box,
    private readonly to: Box,
    private readonly degrees = 0,
  ) {
    super(surface);
  }

  drag(touch: Touch, at: Point): Gesture {
    const upright = rotate(at, middle(this.from), -this.degrees);
    const to = this.stretched(upright, touch.shift);
    return new Stretch(this.surface, this.corner, this.from, to, this.degrees);
  }

  protected changed(object: BoardObject): Fields {
    if (this.degrees === 0) return scaled(object, this.from, this.to);
    const fields = scaled({ ...object, rotation: 0 }, this.from, this.to);
    const [w, h] = [Number(fields.w), Number(fields.h)];
    const own = { x: Number(fields.x) + w / 2, y: Number(fields.y) + h / 2 };
    const centre = rotate(own, middle(this.from), this.degrees);
    return { ...fields, x: centre.x - w / 2, y: centre.y - h / 2 };
  }

  /** Pictures, texts and frames keep their proportions; so does everything else while Shift is held. */
  private stretched(at: Point, even: boolean): Box {
    const { from, corner } = this;
    const fixed = {
      x: corner === "nw" || corner === "sw" ? from.x + from.w : from.x,
      y: corner === "nw" || corner === "ne" ? from.y + from.h : from.y,
    };
    const rigid = this.surface.selection
      .movable()
      .some((object) => object.type !== "stroke" && object.type !== "shape");
    const keeps = (even || rigid) && from.w > 0 && from.h > 0;
    const far = keeps ? keepRatio(fixed, at, from.w / from.h) : at;
    const least = SMALLEST / this.surface.camera.value.scale;
    const box = boxOf(fixed, far);
    return { ...box, w: Math.max(least, box.w), h: Math.max(least, box.h) };
  }
}

/** Rotates about the middle of the selection; with Shift in steps, a single object to round angles. */
export class Turn extends Arrange {
  readonly name = "turn";

  constructor(
    surface: CanvasSurface,
    private readonly about: Point,
    private readonly start: number,
    private readonly degrees = 0,
  ) {
    super(surface);
  }

  static begin(surface: CanvasSurface, box: Box, at: Point): Gesture {
    const about = middle(box);
    return new Turn(surface, about, angle(about, at));
  }

  drag(touch: Touch, at: Point): Gesture {
    const free = angle(this.about, at) - this.start;
    return new Turn(this.surface, this.about, this.start, touch.shift ? this.even(free) : free);
  }

  protected changed(object: BoardObject): Fields {
    return turned(object, this.about, this.degrees);
  }

  private even(degrees: number): number {
    const [only, ...others] = this.surface.selection.movable();
    const from = only && others.length === 0 ? only.rotation : 0;
    return Math.round((from + degrees) / TURN_STEP) * TURN_STEP - from;
  }
}

const angle = (about: Point, at: Point) => (Math.atan2(at.y - about.y, at.x - about.x) * 180) / Math.PI;
