// The objects of the board, as antiphon_proto/document/canvas.py defines them: plain fields, in canvas units, y downwards.

import { Array as YArray, type Map as YMap, Text as YText } from "yjs";
import { MAX_TEXT } from "./boardText";

export type ShapeKind = "rectangle" | "ellipse" | "triangle" | "diamond" | "line" | "arrow";
export type FrameTask = "text_to_image" | "image_to_image" | "inpaint";

interface Common {
  id: string;
  z: string;
  x: number;
  y: number;
  w: number;
  h: number;
  /** Degrees clockwise about the middle. */
  rotation: number;
  opacity: number;
  hidden: boolean;
  locked: boolean;
  /** What people call it; mostly empty. */
  name: string;
}
export interface Stroke extends Common {
  type: "stroke";
  /** x, y, pressure; relative to the object's corner; stretched to `w` and `h`. */
  points: readonly number[];
  color: string;
  size: number;
  tool: "pen" | "marker" | "eraser";
}
export interface Shape extends Common {
  type: "shape";
  shape: ShapeKind;
  color: string;
  fill: string;
  size: number;
}
export interface Label extends Common {
  type: "text";
  text: string;
  color: string;
  font: "sans" | "serif" | "mono" | "hand";
  font_size: number;
  align: "left" | "center" | "right";
}
export interface Picture extends Common {
  type: "image";
  asset: string;
  /** What it shows, in somebody's words; empty: nobody said. */
  alt: string;
  /** What the model was asked for; empty for people's pictures, as everything that follows. */
  prompt: string;
  negative_prompt: string;
  style: string;
  run: string;
  model: string;
  seed: number;
  /** JSON: the frame that it replaced. */
  frame: string;
  /** The participant who asked. */
  asker: string;
}
/** The parameters of a request to the model; null: the model's default. */
export interface Request {
  prompt: string;
  negative_prompt: string;
  task: FrameTask;
  strength: number | null;
  steps: number | null;
  guidance: number | null;
  /** Null: another one every time. */
  seed: number | null;
  sampler: string;
  /** Of `styles.ts`. */
  style: string;
  /** A low-rank adapter that the server offers, by name, and how strongly it colours the picture. */
  adapter: string;
  adapter_scale: number | null;
}
export interface Frame extends Common, Request {
  type: "frame";
  /** The asset of the source picture; empty: what is drawn inside the frame. */
  source: string;
  /** White where paint may go. */
  mask: string;
  live: boolean;
  /** The participant whose page asks for the live frame. */
  holder: string;
  /** Its last picture, of a live frame. */
  asset: string;
  run: string;
}
export type BoardObject = Stroke | Shape | Label | Picture | Frame;
/** Fields as they are written; what is left out keeps its default. */
export type Fields = Record<string, string | number | boolean | readonly number[]>;
/** Null removes the field. */
export type Changed = Record<string, Fields[string] | null>;

const SHAPES: readonly string[] = ["rectangle", "ellipse", "triangle", "diamond", "line", "arrow"];
const TASKS: readonly string[] = ["text_to_image", "image_to_image", "inpaint"];
const COLOR = /^#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?$/;
const LIMIT = 1_000_000;
/** UTF-16 units of what somebody says that a picture shows. */
export const MAX_ALT = 1000;
const MAX_POINTS = 12_000;

/** Reads an object through `get`; null when it is invalid (a peer of another version, a hostile presence). */
export function readObject(id: string, get: (name: string) => unknown): BoardObject | null {
  const number = (name: string, fallback: number, low = -LIMIT, high = LIMIT) => {
    const value = get(name);
    return typeof value === "number" && value >= low && value <= high ? value : fallback;
  };
  const maybe = (name: string, low: number, high: number) => {
    const value = number(name, Number.NaN, low, high);
    return Number.isNaN(value) ? null : value;
  };
  const text = (name: string, fallback = "") => {
    const value = get(name);
    if (value instanceof YText) return value.toString();
    return typeof value === "string" ? value : fallback;
  };
  const one = <T extends string>(name: string, known: readonly string[], fallback: T): T =>
    known.includes(text(name)) ? (text(name) as T) : fallback;
  const color = (name: string, fallback: string) => (COLOR.test(text(name)) ? text(name) : fallback);
  const z = text("z");
  const x = number("x", Number.NaN);
  const y = number("y", Number.NaN);
  if (!z || Number.isNaN(x + y)) return null;
  const common = {
    id,
    z,
    x,
    y,
    w: number("w", 0, 0),
    h: number("h", 0, 0),
    rotation: number("rotation", 0, -360, 360),
    opacity: number("opacity", 1, 0, 1),
    hidden: get("hidden") === true,
    locked: get("locked") === true,
    name: text("name").slice(0, 200),
  };
  switch (get("type")) {
    case "stroke": {
      const points = numbers(get("points"));
      if (!points) return null;
      return {
        ...common,
        ...(get("w") === undefined ? extent(points) : {}),
        type: "stroke",
        points,
        color: color("color", "#22282a"),
        size: number("size", 4, 0, 1000),
        tool: one("tool", ["pen", "marker", "eraser"], "pen"),
      };
    }
    case "shape":
      return {
        ...common,
        type: "shape",
        shape: one("shape", SHAPES, "rectangle"),
        color: color("color", "#22282a"),
        fill: color("fill", ""),
        size: number("size", 4, 0, 1000),
      };
    case "text": {
      const size = number("font_size", 24, 1, 1000);
      const words = text("text").slice(0, MAX_TEXT);
      return {
        ...common,
        ...(common.w > 0 ? {} : guessedSize(words, size)),
        type: "text",
        text: words,
        color: color("color", "#22282a"),
        font: one("font", ["sans", "serif", "mono", "hand"], "sans"),
        font_size: size,
        align: one("align", ["left", "center", "right"], "left"),
      };
    }
    case "image":
      if (!assetOf(text("asset"))) return null;
      return {
        ...common,
        type: "image",
        asset: text("asset"),
        alt: text("alt").slice(0, MAX_ALT),
        prompt: text("prompt"),
        negative_prompt: text("negative_prompt"),
        style: text("style"),
        run: text("run"),
        model: text("model"),
        seed: number("seed", 0, 0, Number.MAX_SAFE_INTEGER),
        frame: text("frame"),
        asker: text("asker"),
      };
    case "frame":
      return {
        ...common,
        type: "frame",
        prompt: text("prompt"),
        negative_prompt: text("negative_prompt"),
        task: one("task", TASKS, "text_to_image"),
        strength: maybe("strength", 0, 1),
        steps: maybe("steps", 1, 100),
        guidance: maybe("guidance", 0, 30),
        seed: maybe("seed", 0, Number.MAX_SAFE_INTEGER),
        sampler: text("sampler"),
        style: text("style"),
        adapter: text("adapter"),
        adapter_scale: maybe("adapter_scale", -2, 2),
        source: assetOf(text("source")),
        mask: assetOf(text("mask")),
        live: get("live") === true,
        holder: text("holder"),
        asset: assetOf(text("asset")),
        run: text("run"),
      };
    default:
      return null;
  }
}

export const readMap = (id: string, map: YMap<unknown>): BoardObject | null =>
  readObject(id, (name) => map.get(name));

/** The fields of an object, to place another one like it. */
export const fieldsOf = (object: BoardObject): Fields =>
  Object.fromEntries(
    Object.entries(object).filter(([name, value]) => name !== "id" && name !== "z" && value !== null),
  );

/** What an object shows, for people who do not see it: somebody's words, or what the model was asked for. */
export const shownBy = (object: BoardObject): string =>
  object.type === "image"
    ? object.alt || object.prompt
    : object.type === "frame" && object.asset
      ? object.prompt
      : "";

/** Labels and what pictures show, a line for each, from the back to the front. */
export const wordsOf = (objects: readonly BoardObject[]): string =>
  objects
    .map((object) => (object.type === "text" ? object.text : shownBy(object)))
    .filter(Boolean)
    .join("\n");

const assetOf = (value: string): string => (/^[0-9a-f]{64}$/.test(value) ? value : "");

/** Height of a line of text, in its font sizes. */
export const LINE = 1.3;

/** For text whose writer did not say how large it came out. */
function guessedSize(text: string, size: number): { w: number; h: number } {
  const lines = text.split("\n");
  const longest = Math.max(1, ...lines.map((line) => line.length));
  return { w: longest * size * 0.55, h: lines.length * size * LINE };
}

/** How far the points reach from the object's corner. */
export function extent(points: readonly number[]): { w: number; h: number } {
  let w = 0;
  let h = 0;
  for (let index = 0; index + 1 < points.length; index += 3) {
    w = Math.max(w, points[index] ?? 0);
    h = Math.max(h, points[index + 1] ?? 0);
  }
  return { w, h };
}

function numbers(value: unknown): number[] | null {
  const list = value instanceof YArray ? value.toArray() : value;
  if (!Array.isArray(list) || list.length > MAX_POINTS) return null;
  const sound = list.every((each) => typeof each === "number" && Math.abs(each) <= LIMIT);
  return sound && list.length >= 3 ? (list as number[]).slice(0, list.length - (list.length % 3)) : null;
}
