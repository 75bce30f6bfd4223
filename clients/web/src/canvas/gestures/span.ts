// Draws shapes, lines and AI frames between where the pointer came down and where it is.

import { type Box, boxOf, keepRatio, lineFields, type Point, snapped } from "../geometry";
import type { Fields } from "../objects";
import type { CanvasSurface } from "../surface";
import { isShape, type ShapeTool } from "../tools";
import { type Gesture, SMALLEST, type Touch } from "./gesture";

export class Span implements Gesture {
  readonly name = "span";

  constructor(
    private readonly surface: CanvasSurface,
    private readonly tool: ShapeTool | "frame",
    private readonly from: Point,
    private readonly to: Point,
  ) {}

  drag(touch: Touch, at: Point): Gesture {
    return new Span(this.surface, this.tool, this.from, this.cornerOf(at, touch.shift));
  }

  draft(): Fields {
    const { from, to, tool, surface } = this;
    if (!isShape(tool)) return { ...surface.options.frameFields(), type: "frame", ...boxOf(from, to) };
    const form = isLine(tool) ? lineFields(from, to) : boxOf(from, to);
    return { type: "shape", shape: tool, ...form, color: surface.color.value, size: surface.size.value };
  }

  area(): { kind: "frame"; box: Box } | null {
    return this.tool === "frame" ? { kind: "frame", box: boxOf(this.from, this.to) } : null;
  }

  finish(): void {
    const far = Math.hypot(this.to.x - this.from.x, this.to.y - this.from.y);
    if (far * this.surface.camera.value.scale >= SMALLEST) this.place();
  }

  place(): void {
    const id = this.surface.board.place(this.draft());
    this.surface.settle(id);
    if (this.tool === "frame") this.surface.fresh.value = id;
  }

  private cornerOf(at: Point, even: boolean): Point {
    if (this.tool === "frame") return keepRatio(this.from, at, this.surface.frameRatio);
    if (!even) return at;
    return isLine(this.tool) ? snapped(this.from, at) : keepRatio(this.from, at, 1);
  }
}

const isLine = (tool: ShapeTool) => tool === "line" || tool === "arrow";
