// One person at the board: the tool in hand, what is selected, what is being drawn, and where they look. Pointers and
// keys come in; finished things go to the board.

import { computed, signal } from "@preact/signals";
import type { Board } from "./board";
import {
  around,
  type Box,
  bounds,
  boxOf,
  type Camera,
  distance,
  fit,
  keepRatio,
  lineFields,
  moved,
  overlaps,
  type Point,
  panBy,
  scaled,
  toCanvas,
  touches,
  zoomAt,
} from "./geometry";
import { type BoardObject, extent, type Fields, LINE, readObject } from "./objects";

export const TOOLS = [
  "select",
  "hand",
  "pen",
  "eraser",
  "rectangle",
  "ellipse",
  "line",
  "text",
  "frame",
] as const;
export type Tool = (typeof TOOLS)[number];
export type Corner = "nw" | "ne" | "se" | "sw";

export const COLORS = [
  "#22282a",
  "#d0402b",
  "#e08a12",
  "#f0c52e",
  "#3d8b5a",
  "#2a6fb8",
  "#7b4fb0",
  "#ffffff",
];
export const SIZES = [2, 4, 8, 18];

/** A pointer on the board; `at` is in pixels of the view. */
export interface Touch {
  id: number;
  kind: "mouse" | "pen" | "touch";
  at: Point;
  pressure: number;
  /** Adds to the selection, keeps a shape square. */
  shift: boolean;
  /** Space or the middle button: moves the view whatever the tool. */
  pan: boolean;
}

type Gesture =
  | { name: "pan"; last: Point }
  | { name: "draw"; points: number[] }
  | { name: "shape"; from: Point; to: Point }
  | { name: "erase"; ids: Set<string>; last: Point }
  | { name: "move"; from: Point; to: Point }
  | { name: "scale"; corner: Corner; from: Box; to: Box }
  | { name: "marquee"; from: Point; to: Point };

/** Pixels: a finger is broader than a mouse. */
const SLACK = { mouse: 6, pen: 6, touch: 14 };
const SMALLEST = 4;
const FRAME_SIDE = 256;

export class Easel {
  readonly tool = signal<Tool>("select");
  readonly color = signal(COLORS[0] as string);
  readonly size = signal(4);
  readonly camera = signal<Camera>({ x: 0, y: 0, scale: 1 });
  readonly view = signal({ width: 1, height: 1 });
  readonly selection = signal<ReadonlySet<string>>(new Set());
  /** The text that is being written: an object, or a new one at a place. */
  readonly writing = signal<{ id: string | null; at: Point } | null>(null);
  readonly gesture = signal<Gesture | null>(null);
  /** Width over height of what the model paints. */
  frameRatio = 1;
  frameSide = FRAME_SIDE;
  private readonly touchesDown = new Map<number, Touch>();
  private penSeen = false;

  constructor(
    readonly board: Board,
    private readonly options: {
      canEdit(): boolean;
      maxPoints(): number;
      /** Where our hand is, and what it draws. */
      onHand(at: Point, draft: Fields | null): void;
    },
  ) {}

  /** The fields of what is being drawn, as it would be placed now. */
  readonly draft = computed<Fields | null>(() => {
    const gesture = this.gesture.value;
    if (gesture?.name === "draw") return strokeFields(gesture.points, this.color.value, this.size.value);
    return gesture?.name === "shape" ? this.shapeFields(gesture.from, gesture.to) : null;
  });

  readonly draftObject = computed<BoardObject | null>(() => {
    const fields = this.draft.value;
    return fields && readObject("draft", (name) => (name === "z" ? "z" : fields[name]));
  });

  /** The board as this person sees it: with what they are moving already there, and what they rub out fading. */
  readonly shown = computed<BoardObject[]>(() => {
    const gesture = this.gesture.value;
    const objects = this.board.ordered.value;
    if (gesture?.name === "erase") {
      return objects.map((each) =>
        gesture.ids.has(each.id) ? { ...each, opacity: each.opacity * 0.25 } : each,
      );
    }
    const changes = this.pending();
    return changes
      ? objects.map((each) => {
          const fields = changes.get(each.id);
          return fields ? ({ ...each, ...fields } as BoardObject) : each;
        })
      : objects;
  });

  readonly selected = computed(() =>
    this.shown.value.filter((object) => this.selection.value.has(object.id)),
  );
  readonly selectionBox = computed(() => around(this.selected.value.map(bounds)));

  choose(tool: Tool): void {
    this.tool.value = tool;
    if (tool !== "select") this.selection.value = new Set();
  }

  down(touch: Touch): void {
    if (touch.kind === "pen") this.penSeen = true;
    this.touchesDown.set(touch.id, touch);
    if (this.touchesDown.size > 1) {
      // A second finger: the hand moves the view, what it had begun to draw was not meant.
      this.gesture.value = null;
      return;
    }
    const at = this.at(touch);
    // Where a pen is used, the hand that rests on the board draws nothing.
    const resting = touch.kind === "touch" && this.penSeen && this.tool.value !== "select";
    if (touch.pan || resting || this.tool.value === "hand") {
      this.gesture.value = { name: "pan", last: touch.at };
    } else if (this.tool.value === "select") {
      this.grab(touch, at);
    } else if (this.options.canEdit()) {
      this.begin(touch, at);
    }
    this.tell(at);
  }

  move(touch: Touch): void {
    const before = this.touchesDown.get(touch.id);
    if (before) this.touchesDown.set(touch.id, touch);
    if (before && this.touchesDown.size > 1) {
      this.pinch(before, touch);
      return;
    }
    const at = this.at(touch);
    const gesture = this.gesture.value;
    if (before && gesture) this.drag(gesture, touch, at);
    this.tell(at);
  }

  up(touch: Touch): void {
    if (!this.touchesDown.delete(touch.id) || this.touchesDown.size > 0) return;
    const gesture = this.gesture.value;
    if (gesture) this.finish(gesture);
    this.gesture.value = null;
    this.tell(this.at(touch));
  }

  /** The system took the pointer away: nothing of what was begun stays. */
  cancel(id: number): void {
    this.touchesDown.delete(id);
    this.gesture.value = null;
  }

  zoom(factor: number, at: Point = { x: this.view.value.width / 2, y: this.view.value.height / 2 }): void {
    this.camera.value = zoomAt(this.camera.value, at, factor);
  }

  pan(dx: number, dy: number): void {
    this.camera.value = panBy(this.camera.value, dx, dy);
  }

  showAll(): void {
    const box = around(this.board.ordered.value.map(bounds));
    const { width, height } = this.view.value;
    this.camera.value = box ? fit(box, width, height) : { x: 0, y: 0, scale: 1 };
  }

  select(ids: Iterable<string>): void {
    this.selection.value = new Set(ids);
  }

  selectAll(): void {
    this.tool.value = "select";
    this.select(this.board.ordered.value.filter((each) => !each.locked).map((each) => each.id));
  }

  /** Goes through the objects, for hands on the keyboard. */
  selectNext(step: 1 | -1): void {
    const objects = this.board.ordered.value;
    const at = objects.findIndex((object) => this.selection.value.has(object.id));
    const next = objects.at((at < 0 ? (step > 0 ? 0 : -1) : at + step) % Math.max(1, objects.length));
    this.tool.value = "select";
    if (next) this.select([next.id]);
  }

  nudge(dx: number, dy: number): void {
    if (!this.options.canEdit()) return;
    this.board.change(new Map(this.movable().map((object) => [object.id, moved(object, dx, dy)])));
  }

  remove(): void {
    if (!this.options.canEdit()) return;
    this.board.remove(this.movable().map((object) => object.id));
    this.select([]);
  }

  reorder(where: "front" | "back"): void {
    if (this.options.canEdit()) this.board.reorder(this.selection.value, where);
  }

  recolor(color: string): void {
    this.color.value = color;
    this.restyle((object) => ("color" in object ? { color } : null));
  }

  resize(size: number): void {
    this.size.value = size;
    this.restyle((object) => ("size" in object ? { size } : null));
  }

  /** Places what the tool in hand makes in the middle of the view: drawing with the keyboard. */
  placeHere(): void {
    if (!this.options.canEdit()) return;
    const { width, height } = this.view.value;
    const centre = toCanvas(this.camera.value, { x: width / 2, y: height / 2 });
    const half = this.tool.value === "frame" ? this.frameSide / 2 : 60;
    const from = { x: centre.x - half, y: centre.y - half / this.frameRatio };
    const to = { x: centre.x + half, y: centre.y + half / this.frameRatio };
    if (this.tool.value === "text") this.writing.value = { id: null, at: from };
    else this.placeShape(from, to);
  }

  /** Puts an AI frame over a picture, to go on from it. */
  frameOver(box: Box, prompt: string): void {
    this.settle(this.board.place({ type: "frame", ...box, prompt, task: "image_to_image" }));
  }

  /** Begins a new text at a place of the view. */
  beginText(at: Point): void {
    this.writing.value = { id: null, at: toCanvas(this.camera.value, at) };
  }

  /** Takes the text that was written; empty text is no object. */
  write(text: string, measured: { w: number; h: number }, fontSize: number): void {
    const writing = this.writing.value;
    this.writing.value = null;
    if (!writing || !this.options.canEdit()) return;
    const words = text.replace(/\s+$/u, "");
    if (writing.id === null) {
      if (!words) return;
      const { x, y } = writing.at;
      const color = this.color.value;
      const fields = {
        type: "text",
        text: words,
        x,
        y,
        ...measured,
        color,
        font: "sans",
        font_size: fontSize,
      };
      this.settle(this.board.place(fields));
    } else if (words) {
      this.board.change(new Map([[writing.id, { text: words, ...measured }]]));
    } else {
      this.board.remove([writing.id]);
    }
  }

  /** Begins to change a text, if it is one. */
  rewrite(at: Point): void {
    const object = this.under(toCanvas(this.camera.value, at), SLACK.mouse);
    if (object?.type !== "text" || !this.options.canEdit()) return;
    this.select([]);
    this.writing.value = { id: object.id, at: { x: object.x, y: object.y } };
  }

  grabCorner(corner: Corner, touch: Touch): void {
    const box = this.selectionBox.value;
    if (!box || !this.options.canEdit()) return;
    this.touchesDown.set(touch.id, touch);
    this.gesture.value = { name: "scale", corner, from: box, to: box };
  }

  private begin(touch: Touch, at: Point): void {
    switch (this.tool.value) {
      case "pen":
        this.gesture.value = { name: "draw", points: [at.x, at.y, touch.pressure] };
        break;
      case "eraser":
        this.gesture.value = { name: "erase", ids: this.rubbed(at, at, touch), last: at };
        break;
      case "text":
        break; // on the way up, when the page gives the focus to what is written in
      default:
        this.gesture.value = { name: "shape", from: at, to: at };
    }
  }

  private grab(touch: Touch, at: Point): void {
    const slack = SLACK[touch.kind];
    const box = this.selectionBox.value;
    const found = this.under(at, slack);
    const inside = box && overlaps(box, { ...at, w: 0, h: 0 });
    if (found && touch.shift) {
      const ids = new Set(this.selection.value);
      if (!ids.delete(found.id)) ids.add(found.id);
      this.selection.value = ids;
    } else if (found && !this.selection.value.has(found.id)) {
      this.select([found.id]);
    }
    if (found || (inside && !touch.shift)) this.gesture.value = { name: "move", from: at, to: at };
    else this.gesture.value = { name: "marquee", from: at, to: at };
  }

  private drag(gesture: Gesture, touch: Touch, at: Point): void {
    switch (gesture.name) {
      case "pan":
        this.pan(touch.at.x - gesture.last.x, touch.at.y - gesture.last.y);
        this.gesture.value = { name: "pan", last: touch.at };
        break;
      case "draw":
        this.extend(gesture.points, touch, at);
        break;
      case "shape":
        this.gesture.value = { ...gesture, to: this.cornerOf(gesture.from, at, touch.shift) };
        break;
      case "erase":
        this.gesture.value = {
          name: "erase",
          ids: new Set([...gesture.ids, ...this.rubbed(gesture.last, at, touch)]),
          last: at,
        };
        break;
      case "scale":
        this.gesture.value = {
          ...gesture,
          to: this.stretched(gesture.from, gesture.corner, at, touch.shift),
        };
        break;
      default:
        this.gesture.value = { ...gesture, to: at };
    }
  }

  private extend(points: number[], touch: Touch, at: Point): void {
    const [x = 0, y = 0] = points.slice(-3);
    if (Math.hypot(at.x - x, at.y - y) * this.camera.value.scale < 1) return;
    const longer = [...points, at.x, at.y, touch.pressure];
    if (longer.length / 3 <= this.options.maxPoints()) {
      this.gesture.value = { name: "draw", points: longer };
      return;
    }
    // One object holds so many points and no more; the hand goes on in the next.
    this.board.place(strokeFields(points, this.color.value, this.size.value));
    this.gesture.value = { name: "draw", points: longer.slice(-6) };
  }

  private finish(gesture: Gesture): void {
    switch (gesture.name) {
      case "draw":
        this.board.place(strokeFields(gesture.points, this.color.value, this.size.value));
        break;
      case "shape": {
        const far = Math.hypot(gesture.to.x - gesture.from.x, gesture.to.y - gesture.from.y);
        if (far * this.camera.value.scale >= SMALLEST) this.placeShape(gesture.from, gesture.to);
        break;
      }
      case "erase":
        this.board.remove(gesture.ids);
        break;
      case "marquee": {
        const box = boxOf(gesture.from, gesture.to);
        const inside = this.board.ordered.value.filter(
          (object) => !object.locked && overlaps(box, bounds(object)) && contains(box, bounds(object)),
        );
        this.select(inside.map((object) => object.id));
        break;
      }
      case "move":
      case "scale": {
        const changes = this.pending();
        if (changes && this.options.canEdit()) this.board.change(changes);
        break;
      }
      case "pan":
        break;
    }
  }

  /** What moving or stretching would change now; null when nothing is. */
  private pending(): Map<string, Fields> | null {
    const gesture = this.gesture.value;
    if (gesture?.name !== "move" && gesture?.name !== "scale") return null;
    if (!this.options.canEdit()) return null;
    const changes = new Map<string, Fields>();
    for (const object of this.movable()) {
      if (gesture.name === "scale") {
        changes.set(object.id, scaled(object, gesture.from, gesture.to));
        continue;
      }
      const [dx, dy] = [gesture.to.x - gesture.from.x, gesture.to.y - gesture.from.y];
      if (dx !== 0 || dy !== 0) changes.set(object.id, moved(object, dx, dy));
    }
    return changes;
  }

  private pinch(before: Touch, now: Touch): void {
    const other = [...this.touchesDown.values()].find((each) => each.id !== now.id);
    if (!other) return;
    const span = (touch: Touch) => Math.hypot(touch.at.x - other.at.x, touch.at.y - other.at.y);
    const centre = (touch: Touch) => ({ x: (touch.at.x + other.at.x) / 2, y: (touch.at.y + other.at.y) / 2 });
    const [was, is] = [centre(before), centre(now)];
    this.pan(is.x - was.x, is.y - was.y);
    this.zoom(span(now) / Math.max(1, span(before)), is);
  }

  private placeShape(from: Point, to: Point): void {
    const fields = this.shapeFields(from, to);
    if (fields) this.settle(this.board.place(fields));
  }

  private shapeFields(from: Point, to: Point): Fields | null {
    const tool = this.tool.value;
    if (tool === "frame") return { type: "frame", ...boxOf(from, to), prompt: "", task: "text_to_image" };
    if (tool !== "rectangle" && tool !== "ellipse" && tool !== "line") return null;
    const form = tool === "line" ? lineFields(from, to) : boxOf(from, to);
    return { type: "shape", shape: tool, ...form, color: this.color.value, size: this.size.value };
  }

  private cornerOf(from: Point, at: Point, square: boolean): Point {
    if (this.tool.value === "frame") return keepRatio(from, at, this.frameRatio);
    return square && this.tool.value !== "line" ? keepRatio(from, at, 1) : at;
  }

  /** Pictures, texts and frames keep their proportions; so does everything else while Shift is held. */
  private stretched(from: Box, corner: Corner, at: Point, even: boolean): Box {
    const fixed = {
      x: corner === "nw" || corner === "sw" ? from.x + from.w : from.x,
      y: corner === "nw" || corner === "ne" ? from.y + from.h : from.y,
    };
    const rigid = this.movable().some((object) => !["stroke", "shape"].includes(object.type));
    const keeps = (even || rigid) && from.w > 0 && from.h > 0;
    const far = keeps ? keepRatio(fixed, at, from.w / from.h) : at;
    const least = SMALLEST / this.camera.value.scale;
    const box = boxOf(fixed, far);
    return { ...box, w: Math.max(least, box.w), h: Math.max(least, box.h) };
  }

  private rubbed(from: Point, to: Point, touch: Touch): Set<string> {
    const slack = SLACK[touch.kind] / this.camera.value.scale;
    const steps = Math.max(1, Math.ceil(distance(from, to, to) / slack));
    const ids = new Set<string>();
    for (const object of this.board.ordered.value) {
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

  private under(at: Point, slack: number): BoardObject | undefined {
    const units = slack / this.camera.value.scale;
    return this.board.ordered.value.findLast((object) => !object.locked && touches(object, at, units));
  }

  private movable(): BoardObject[] {
    return this.board.ordered.value.filter((object) => this.selection.value.has(object.id) && !object.locked);
  }

  private restyle(change: (object: BoardObject) => Fields | null): void {
    if (!this.options.canEdit()) return;
    const changes = new Map<string, Fields>();
    for (const object of this.movable()) {
      const fields = change(object);
      if (fields) changes.set(object.id, fields);
    }
    if (changes.size > 0) this.board.change(changes);
  }

  /** After something was placed: it is selected, to be moved or asked for at once. */
  private settle(id: string): void {
    this.tool.value = "select";
    this.select([id]);
  }

  private at(touch: Touch): Point {
    return toCanvas(this.camera.value, touch.at);
  }

  private tell(at: Point): void {
    this.options.onHand(at, this.draft.value);
  }
}

const contains = (outer: Box, inner: Box) =>
  inner.x >= outer.x &&
  inner.y >= outer.y &&
  inner.x + inner.w <= outer.x + outer.w &&
  inner.y + inner.h <= outer.y + outer.h;

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

/** The size of a text as it comes out on this machine, in canvas units. */
export function measure(text: string, font: string, size: number): { w: number; h: number } {
  const context = document.createElement("canvas").getContext("2d");
  const lines = text.split("\n");
  if (context) context.font = `${size}px ${font}`;
  const widths = lines.map((line) => context?.measureText(line).width ?? 0);
  return { w: Math.max(size / 2, ...widths), h: lines.length * size * LINE };
}
