// The canvas as one person edits it: tool, gesture in progress, view. Pointers and keys come in, finished objects go
// to the board. Gestures are in `gestures/`, the selection is in `selection.ts`.

import { computed, signal } from "@preact/signals";
import type { Board } from "./board";
import { fontOf } from "./drawing";
import {
  around,
  type Box,
  bounds,
  type Camera,
  fit,
  middle,
  overlaps,
  type Point,
  panBy,
  rotate,
  toCanvas,
  touches,
  zoomAt,
} from "./geometry";
import { type Corner, Move, Stretch, Turn } from "./gestures/arrange";
import { Brush } from "./gestures/brush";
import { Draw } from "./gestures/draw";
import { Erase } from "./gestures/erase";
import { type Gesture, SLACK, type Touch } from "./gestures/gesture";
import { Marquee } from "./gestures/marquee";
import { Pan } from "./gestures/pan";
import { Span } from "./gestures/span";
import type { MaskBrush } from "./masks/maskBrush";
import { type BoardObject, type Fields, type Label, LINE, readObject } from "./objects";
import { Selection } from "./selection";
import type { CanvasSurface, SurfaceOptions } from "./surface";
import { TextEditing } from "./textEditing";
import { COLORS, isShape, type Tool } from "./tools";

const FRAME_SIDE = 256;
/** Of a new text. */
export const FONT_SIZE = 24;

export interface CanvasEditorOptions extends SurfaceOptions {
  /** Where our hand is, and what it draws. */
  onHand(at: Point, draft: Fields | null): void;
}

export class CanvasEditor implements CanvasSurface {
  readonly tool = signal<Tool>("select");
  readonly color = signal(COLORS[0] as string);
  readonly size = signal(4);
  readonly camera = signal<Camera>({ x: 0, y: 0, scale: 1 });
  readonly view = signal({ width: 1, height: 1 });
  readonly gesture = signal<Gesture | null>(null);
  readonly selection: Selection;
  /** The text that is being written. */
  readonly writing = signal<TextEditing | null>(null);
  /** A frame that was just made: its words are asked for. */
  readonly fresh = signal<string | null>(null);
  /** The mask that is being painted, while the tool is `mask`. */
  readonly maskBrush = signal<MaskBrush | null>(null);
  /** Width over height of what the model paints. */
  frameRatio = 1;
  frameSide = FRAME_SIDE;
  private readonly touchesDown = new Map<number, Touch>();
  private penSeen = false;
  private looked = false;

  constructor(
    readonly board: Board,
    readonly options: CanvasEditorOptions,
  ) {
    this.selection = new Selection(board, options.canEdit, () => this.shown.value);
  }

  /** The fields of what is being drawn, as it would be placed now. */
  readonly draft = computed<Fields | null>(() => this.gesture.value?.draft?.() ?? null);

  readonly draftObject = computed<BoardObject | null>(() => {
    const fields = this.draft.value;
    return fields && readObject("draft", (name) => (name === "z" ? "z" : fields[name]));
  });

  /** The board as this person sees it: moved objects at their new place, erased ones faded. */
  readonly shown = computed<BoardObject[]>(() => {
    const gesture = this.gesture.value;
    const objects = this.board.ordered.value;
    const changes = gesture?.changes?.();
    if (!changes && !gesture?.fading) return objects;
    return objects.map((each) => {
      const fields = changes?.get(each.id);
      if (fields) return { ...each, ...fields } as BoardObject;
      return gesture?.fading?.has(each.id) ? { ...each, opacity: each.opacity * 0.25 } : each;
    });
  });

  choose(tool: Tool): void {
    this.tool.value = tool;
    if (tool !== "mask") this.maskBrush.value = null;
    if (tool !== "select" && tool !== "mask") this.selection.select([]);
  }

  // Pointers ------------------------------------------------------------------------------------------

  down(touch: Touch): void {
    if (touch.kind === "pen") this.penSeen = true;
    this.touchesDown.set(touch.id, touch);
    if (this.touchesDown.size > 1) {
      // A second finger moves the view; the drawing that the first one began is cancelled.
      this.abandon();
      return;
    }
    const at = this.at(touch);
    this.gesture.value = this.begin(touch, at);
    this.showHand(at);
  }

  move(touch: Touch): void {
    const before = this.touchesDown.get(touch.id);
    if (before) this.touchesDown.set(touch.id, touch);
    if (before && this.touchesDown.size > 1) {
      this.pinch(before, touch);
      return;
    }
    const at = this.at(touch);
    if (before && this.gesture.value) this.gesture.value = this.gesture.value.drag(touch, at);
    this.showHand(at);
  }

  up(touch: Touch): void {
    if (!this.touchesDown.delete(touch.id) || this.touchesDown.size > 0) return;
    const gesture = this.gesture.value;
    gesture?.finish();
    this.gesture.value = null;
    this.showHand(this.at(touch));
  }

  /** The system cancelled the pointer: the gesture is cancelled too. */
  cancel(id: number): void {
    this.touchesDown.delete(id);
    this.abandon();
  }

  /** A handle of the selection was grabbed: corners scale, the other one rotates. */
  grabHandle(handle: Corner | "turn", touch: Touch): void {
    const box = this.selection.box.value;
    if (!box || !this.options.canEdit()) return;
    this.touchesDown.set(touch.id, touch);
    const turned = this.selection.turned.value;
    this.gesture.value =
      handle === "turn" ? Turn.begin(this, box, this.at(touch)) : new Stretch(this, handle, box, box, turned);
  }

  private begin(touch: Touch, at: Point): Gesture | null {
    const tool = this.tool.value;
    // Where a pen is used, the hand that rests on the board draws nothing.
    const resting = touch.kind === "touch" && this.penSeen && tool !== "select";
    if (touch.pan || resting || tool === "hand") return new Pan(this, touch.at);
    if (tool === "select") return this.grab(touch, at);
    if (!this.options.canEdit()) return null;
    if (tool !== "mask") this.selection.select([]);
    if (tool === "pen") return new Draw(this, [at.x, at.y, touch.pressure]);
    if (tool === "eraser") return Erase.begin(this, touch, at);
    if (isShape(tool) || tool === "frame") return new Span(this, tool, at, at);
    if (tool === "mask") return this.beginMask(touch, at);
    return null; // a text begins on pointer up, when the page moves the focus to its field
  }

  private beginMask(touch: Touch, at: Point): Gesture | null {
    const maskBrush = this.maskBrush.value;
    const frame = maskBrush && this.board.get(maskBrush.frame);
    return maskBrush && frame?.type === "frame" ? Brush.begin(maskBrush, frame, touch, at) : null;
  }

  private grab(touch: Touch, at: Point): Gesture {
    const box = this.selection.box.value;
    const found = this.under(at, SLACK[touch.kind]);
    const own = box && rotate(at, middle(box), -this.selection.turned.value);
    const inside = box && own && overlaps(box, { ...own, w: 0, h: 0 });
    if (found && touch.shift) this.selection.toggle(found.id);
    else if (found && !this.selection.has(found.id)) this.selection.select([found.id]);
    return found || (inside && !touch.shift)
      ? new Move(this, at, at)
      : new Marquee(this, at, at, touch.shift ? this.selection.ids.value : new Set());
  }

  private abandon(): void {
    this.gesture.value?.abandon?.();
    this.gesture.value = null;
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

  // The view ------------------------------------------------------------------------------------------

  zoom(factor: number, at: Point = { x: this.view.value.width / 2, y: this.view.value.height / 2 }): void {
    this.camera.value = zoomAt(this.camera.value, at, factor);
  }

  pan(dx: number, dy: number): void {
    this.camera.value = panBy(this.camera.value, dx, dy);
  }

  showAll(): void {
    const box = around(this.board.ordered.value.map(bounds));
    this.camera.value = box ? this.fitted(box) : { x: 0, y: 0, scale: 1 };
  }

  /** When the board is first seen: shows all that is on it. */
  lookFirst(): void {
    const box = around(this.board.ordered.peek().map(bounds));
    if (this.looked || this.view.peek().width <= 1) return;
    this.looked = true;
    if (box) this.camera.value = this.fitted(box);
  }

  /** Brings objects into sight, if none of them is. */
  bringIntoView(ids: readonly string[]): void {
    const boxes = ids.flatMap((id) => this.board.get(id) ?? []).map(bounds);
    const { width, height } = this.view.peek();
    const { x, y, scale } = this.camera.peek();
    const seen = { x, y, w: width / scale, h: height / scale };
    const box = around(boxes);
    if (!box || boxes.some((each) => overlaps(each, seen))) return;
    const large = box.w > seen.w || box.h > seen.h;
    const centred = { x: box.x + box.w / 2 - seen.w / 2, y: box.y + box.h / 2 - seen.h / 2, scale };
    this.camera.value = large ? this.fitted(box) : centred;
  }

  private fitted(box: Box): Camera {
    const { width, height } = this.view.value;
    return fit(box, width, height);
  }

  // Placing -------------------------------------------------------------------------------------------

  recolor(color: string): void {
    this.color.value = color;
    this.selection.recolor(color);
  }

  resize(size: number): void {
    this.size.value = size;
    this.selection.resize(size);
  }

  /** Places an object of the current tool in the middle of the view: drawing with the keyboard. */
  placeHere(): void {
    const tool = this.tool.value;
    if (!this.options.canEdit()) return;
    const { width, height } = this.view.value;
    const centre = toCanvas(this.camera.value, { x: width / 2, y: height / 2 });
    const half = tool === "frame" ? this.frameSide / 2 : 60;
    const from = { x: centre.x - half, y: centre.y - half / this.frameRatio };
    const to = { x: centre.x + half, y: centre.y + half / this.frameRatio };
    if (tool === "text") this.write(null, from);
    else if (isShape(tool) || tool === "frame") new Span(this, tool, from, to).place();
  }

  /** After something was placed: it is selected, to be moved or asked for at once. */
  settle(id: string): void {
    this.choose("select");
    this.selection.select([id]);
  }

  /** Begins a new text at a place of the view. */
  beginText(at: Point): void {
    this.write(null, toCanvas(this.camera.value, at));
  }

  /** Ends the text that is being written. */
  written(): void {
    const writing = this.writing.value;
    this.writing.value = null;
    if (!writing || !this.options.canEdit()) return;
    const id = writing.close();
    if (id !== null) this.settle(id);
  }

  /** Begins to change a text, if it is one. */
  rewrite(at: Point): void {
    const object = this.under(toCanvas(this.camera.value, at), SLACK.mouse);
    if (object?.type === "text" && this.options.canEdit()) this.write(object, { x: object.x, y: object.y });
  }

  private write(label: Label | null, at: Point): void {
    const font = label?.font ?? "sans";
    const size = label?.font_size ?? FONT_SIZE;
    this.selection.select([]);
    this.writing.value = new TextEditing({
      board: this.board,
      id: label?.id ?? null,
      at,
      look: { color: label?.color ?? this.color.value, font, font_size: size },
      measure: (text) => measure(text, fontOf({ font }), size),
    });
  }

  private under(at: Point, slack: number): BoardObject | undefined {
    const units = slack / this.camera.value.scale;
    return this.board.ordered.value.findLast((object) => !object.locked && touches(object, at, units));
  }

  private at(touch: Touch): Point {
    return toCanvas(this.camera.value, touch.at);
  }

  private showHand(at: Point): void {
    this.options.onHand(at, this.draft.value);
  }
}

/** The size of a text as this machine renders it, in canvas units. */
function measure(text: string, font: string, size: number): { w: number; h: number } {
  const context = document.createElement("canvas").getContext("2d");
  const lines = text.split("\n");
  if (context) context.font = `${size}px ${font}`;
  const widths = lines.map((line) => context?.measureText(line).width ?? 0);
  return { w: Math.max(size / 2, ...widths), h: lines.length * size * LINE };
}
