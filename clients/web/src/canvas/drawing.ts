// How objects look: one description, used by the page and for SVG files.

import { getStroke } from "perfect-freehand";
import { ARROW_WING, arrowHead, liveBox, middle, outline, strokePoints } from "./geometry";
import { type BoardObject, type Label, LINE, type Shape, type Stroke } from "./objects";

export interface Part {
  tag: "path" | "image" | "text" | "rect" | "ellipse";
  attributes: Record<string, string | number>;
  text?: string;
}

/** The board's own colour, in every theme: colours that people choose must look the same to all, and to the model. */
export const PAPER = "#fdfbf6";

const FONTS: Record<Label["font"], string> = {
  sans: "ui-sans-serif, system-ui, 'Segoe UI', Roboto, sans-serif",
  serif: "Georgia, 'Times New Roman', serif",
  mono: "ui-monospace, Menlo, Consolas, monospace",
  hand: "'Segoe Print', 'Bradley Hand', Chilanka, cursive",
};
export const fontOf = (label: Pick<Label, "font">): string => FONTS[label.font];

/** The shapes that draw an object. `picture` returns the address of an asset; a picture without one is not shown. */
export function parts(object: BoardObject, picture: (asset: string) => string | null): Part[] {
  switch (object.type) {
    case "stroke":
      return [{ tag: "path", attributes: { d: strokePath(object), fill: inkOf(object) } }];
    case "shape":
      return [shapePart(object)];
    case "text":
      return textParts(object);
    case "image":
    case "frame": {
      const href = object.asset ? picture(object.asset) : null;
      if (!href) return [];
      const { x, y, w, h } = object.type === "frame" ? liveBox(object) : object;
      return [{ tag: "image", attributes: { x, y, width: w, height: h, href, preserveAspectRatio: "none" } }];
    }
  }
}

export function turn(object: BoardObject): string | undefined {
  if (object.rotation === 0) return undefined;
  const { x, y } = middle(object);
  return `rotate(${object.rotation} ${x} ${y})`;
}

const inkOf = (stroke: Stroke) => (stroke.tool === "eraser" ? PAPER : stroke.color);

/** Objects are plain values that are replaced when they change: the outline of one is worked out once. */
const outlines = new WeakMap<Stroke, string>();

function strokePath(stroke: Stroke): string {
  const known = outlines.get(stroke) ?? outlined(stroke);
  outlines.set(stroke, known);
  return known;
}

function outlined(stroke: Stroke): string {
  const points = strokePoints(stroke);
  // A mouse reports a constant pressure of one half; its speed is used instead.
  const even = points.every(([, , pressure]) => pressure === 0.5);
  const outline = getStroke(points, {
    size: stroke.size * 1.6,
    thinning: stroke.tool === "marker" ? 0 : 0.55,
    smoothing: 0.5,
    streamline: 0.35,
    simulatePressure: even,
    last: true,
  }) as [number, number][];
  const [first] = outline;
  if (!first) return "";
  const mid = (a: number, b: number) => short((a + b) / 2);
  let path = `M${short(first[0])} ${short(first[1])}Q`;
  outline.forEach(([x, y], index) => {
    const [nextX, nextY] = outline[(index + 1) % outline.length] ?? [x, y];
    path += `${short(x)} ${short(y)} ${mid(x, nextX)} ${mid(y, nextY)} `;
  });
  return `${path}Z`;
}

const short = (value: number) => Math.round(value * 100) / 100;

function shapePart(shape: Shape): Part {
  const { x, y, w, h } = shape;
  const line = {
    stroke: shape.color,
    "stroke-width": shape.size,
    fill: shape.fill || "none",
    "stroke-linejoin": "round",
    "stroke-linecap": "round",
  };
  switch (shape.shape) {
    case "rectangle":
      return {
        tag: "rect",
        attributes: { x, y, width: w, height: h, rx: Math.min(3, w / 4, h / 4), ...line },
      };
    case "ellipse":
      return {
        tag: "ellipse",
        attributes: { cx: x + w / 2, cy: y + h / 2, rx: w / 2, ry: h / 2, ...line },
      };
    case "triangle":
    case "diamond": {
      const corners = outline(shape).map((corner) => `${corner.x} ${corner.y}`);
      return path(`M${corners.join("L")}Z`, line);
    }
    case "line":
      return path(`M${x} ${y}l${w} ${h}`, line);
    case "arrow": {
      const head = arrowHead(shape);
      const wing = head * ARROW_WING;
      const [tipX, tipY] = [x + w, y + h];
      return path(
        `M${x} ${y}L${tipX} ${tipY}M${tipX - head} ${tipY - wing}L${tipX} ${tipY}L${tipX - head} ${tipY + wing}`,
        { ...line, fill: "none" },
      );
    }
  }
}

const path = (d: string, line: Part["attributes"]): Part => ({ tag: "path", attributes: { d, ...line } });

function textParts(label: Label): Part[] {
  const anchor = { left: "start", center: "middle", right: "end" }[label.align];
  const x = label.x + { left: 0, center: label.w / 2, right: label.w }[label.align];
  return label.text.split("\n").map((line, index) => ({
    tag: "text",
    attributes: {
      x,
      y: label.y + label.font_size * (LINE * index + 1),
      fill: label.color,
      "font-family": fontOf(label),
      "font-size": label.font_size,
      "text-anchor": anchor,
      "xml:space": "preserve",
    },
    text: line,
  }));
}
