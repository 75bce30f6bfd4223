// Points, boxes, the camera; where objects are, what a point touches, and how they move and grow.

import { type BoardObject, extent, type Fields, type Frame, type Shape } from "./objects";

export interface Point {
  x: number;
  y: number;
}
export interface Box extends Point {
  w: number;
  h: number;
}
/** `x`, `y` is the canvas point in the view's upper left corner; `scale` is pixels per canvas unit. */
export interface Camera extends Point {
  scale: number;
}

const MIN_SCALE = 0.05;
const MAX_SCALE = 16;

export const toCanvas = (camera: Camera, at: Point): Point => ({
  x: at.x / camera.scale + camera.x,
  y: at.y / camera.scale + camera.y,
});
export const toScreen = (camera: Camera, at: Point): Point => ({
  x: (at.x - camera.x) * camera.scale,
  y: (at.y - camera.y) * camera.scale,
});

/** Zooms so that the canvas point under the screen point `at` stays there. */
export function zoomAt(camera: Camera, at: Point, factor: number): Camera {
  const scale = Math.min(MAX_SCALE, Math.max(MIN_SCALE, camera.scale * factor));
  const fixed = toCanvas(camera, at);
  return { scale, x: fixed.x - at.x / scale, y: fixed.y - at.y / scale };
}

export const panBy = (camera: Camera, dx: number, dy: number): Camera => ({
  ...camera,
  x: camera.x - dx / camera.scale,
  y: camera.y - dy / camera.scale,
});

/** Shows the whole box in a view of `width` x `height` pixels, at most at its own size. */
export function fit(box: Box, width: number, height: number): Camera {
  const margin = 48;
  const room = (pixels: number, units: number) => Math.max(1, pixels - 2 * margin) / Math.max(1, units);
  const scale = Math.min(
    1,
    MAX_SCALE,
    Math.max(MIN_SCALE, Math.min(room(width, box.w), room(height, box.h))),
  );
  return { scale, x: box.x + box.w / 2 - width / scale / 2, y: box.y + box.h / 2 - height / scale / 2 };
}

export const boxOf = (a: Point, b: Point): Box => ({
  x: Math.min(a.x, b.x),
  y: Math.min(a.y, b.y),
  w: Math.abs(a.x - b.x),
  h: Math.abs(a.y - b.y),
});

/** The far corner, moved so that the box between has the given ratio of width to height. */
export function keepRatio(a: Point, b: Point, ratio: number): Point {
  const w = Math.max(Math.abs(b.x - a.x), Math.abs(b.y - a.y) * ratio);
  return { x: a.x + w * (b.x < a.x ? -1 : 1), y: a.y + (w / ratio) * (b.y < a.y ? -1 : 1) };
}

/** Degrees between the angles that Shift turns to. */
export const TURN_STEP = 15;

/** The end of a line from `a`, moved so that its angle is a round one. */
export function snapped(a: Point, b: Point): Point {
  const step = (TURN_STEP * Math.PI) / 180;
  const angle = Math.round(Math.atan2(b.y - a.y, b.x - a.x) / step) * step;
  const length = Math.hypot(b.x - a.x, b.y - a.y);
  return { x: a.x + length * Math.cos(angle), y: a.y + length * Math.sin(angle) };
}

export const contains = (outer: Box, inner: Box): boolean =>
  inner.x >= outer.x &&
  inner.y >= outer.y &&
  inner.x + inner.w <= outer.x + outer.w &&
  inner.y + inner.h <= outer.y + outer.h;

export const overlaps = (a: Box, b: Box): boolean =>
  a.x <= b.x + b.w && b.x <= a.x + a.w && a.y <= b.y + b.h && b.y <= a.y + a.h;

/** Pixels that a card over the board takes, at most. */
const CARD = { width: 360, small: 220, usual: 330, open: 520, least: 690 };

/**
 * Where a card of an object leaves the object to be seen: below it, else beside it. `area` is in pixels of the view;
 * a card is small while a mask is brushed, and `open` with its settings.
 */
export function cardPlace(
  area: Box,
  width: number,
  height: number,
  card: "small" | "usual" | "open" = "usual",
): "below" | "left" | "right" {
  if (area.y + area.h < height - CARD[card] || width < CARD.least) return "below";
  const [left, right] = [area.x, width - area.x - area.w];
  // Where neither side has room it covers the side with more space.
  return right >= Math.min(CARD.width, left) ? "right" : "left";
}

/** The smallest box around all; null around nothing. */
export function around(boxes: readonly Box[]): Box | null {
  const [first] = boxes;
  if (!first) return null;
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  const right = Math.max(...boxes.map((box) => box.x + box.w));
  const bottom = Math.max(...boxes.map((box) => box.y + box.h));
  return { x, y, w: right - x, h: bottom - y };
}

export function rotate(at: Point, about: Point, degrees: number): Point {
  const angle = (degrees * Math.PI) / 180;
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
  const [dx, dy] = [at.x - about.x, at.y - about.y];
  return { x: about.x + dx * cos - dy * sin, y: about.y + dx * sin + dy * cos };
}

export const middle = (box: Box): Point => ({ x: box.x + box.w / 2, y: box.y + box.h / 2 });

/** The box, moved so that it lies in `area`; one that is too large begins where the area does. */
export const inside = (box: Box, area: Box): Box => ({
  ...box,
  x: Math.max(area.x, Math.min(box.x, area.x + area.w - box.w)),
  y: Math.max(area.y, Math.min(box.y, area.y + area.h - box.h)),
});

/** How far the head of an arrow reaches back along it. */
export const arrowHead = ({ w, size }: Shape): number => Math.min(w / 2, 6 + size * 3);
/** How far it reaches to either side, of that. */
export const ARROW_WING = 0.6;

/** Where an object is, with its rotation, the width of its line and the head of an arrow. */
export function bounds(object: BoardObject): Box {
  const pad = object.type === "stroke" ? object.size * 0.8 : object.type === "shape" ? object.size / 2 : 0;
  const wings = object.type === "shape" && object.shape === "arrow" ? arrowHead(object) * ARROW_WING : 0;
  const corners = [
    { x: object.x, y: object.y - wings },
    { x: object.x + object.w, y: object.y - wings },
    { x: object.x, y: object.y + object.h + wings },
    { x: object.x + object.w, y: object.y + object.h + wings },
  ].map((corner) => rotate(corner, middle(object), object.rotation));
  const box = around(corners.map((corner) => ({ ...corner, w: 0, h: 0 }))) as Box;
  return { x: box.x - pad, y: box.y - pad, w: box.w + 2 * pad, h: box.h + 2 * pad };
}

/** How far `at` is from the segment between `a` and `b`. */
export function distance(at: Point, a: Point, b: Point): number {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = dx * dx + dy * dy;
  const along = length > 0 ? ((at.x - a.x) * dx + (at.y - a.y) * dy) / length : 0;
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(at.x - a.x - t * dx, at.y - a.y - t * dy);
}

/** The points of a stroke in canvas units, before its rotation. */
export function strokePoints(stroke: Extract<BoardObject, { type: "stroke" }>): [number, number, number][] {
  const natural = extent(stroke.points);
  const sx = natural.w > 0 && stroke.w > 0 ? stroke.w / natural.w : 1;
  const sy = natural.h > 0 && stroke.h > 0 ? stroke.h / natural.h : 1;
  const out: [number, number, number][] = [];
  for (let index = 0; index + 2 < stroke.points.length; index += 3) {
    const [x = 0, y = 0, pressure = 0.5] = stroke.points.slice(index, index + 3);
    out.push([stroke.x + x * sx, stroke.y + y * sy, pressure]);
  }
  return out;
}

/** Whether a point touches an object, within `slack` canvas units. A frame is touched at its border only. */
export function touches(object: BoardObject, point: Point, slack: number): boolean {
  if (object.hidden) return false;
  const at = rotate(point, middle(object), -object.rotation);
  const outside = boxDistance(object, at);
  switch (object.type) {
    case "stroke": {
      const reach = slack + object.size / 2;
      if (outside > reach) return false;
      const points = strokePoints(object);
      return points.some(([x, y], index) => {
        const [px, py] = points[Math.max(0, index - 1)] ?? [x, y];
        return distance(at, { x: px, y: py }, { x, y }) <= reach;
      });
    }
    case "shape": {
      const reach = slack + object.size / 2;
      return outside <= reach && touchesShape(object, at, reach);
    }
    case "frame":
      return outside <= slack && -outside <= slack * 1.5;
    default:
      return outside <= slack;
  }
}

/** How far a point is outside a box; 0 or less inside. */
function boxDistance(box: Box, at: Point): number {
  const dx = Math.max(box.x - at.x, at.x - box.x - box.w);
  const dy = Math.max(box.y - at.y, at.y - box.y - box.h);
  return Math.max(dx, dy);
}

/** Whether a point, turned back already, is on the line of a shape, or inside one that is filled. */
function touchesShape(shape: Shape, at: Point, reach: number): boolean {
  const open = shape.shape === "line" || shape.shape === "arrow";
  if (shape.shape === "ellipse" && shape.w > 0 && shape.h > 0) {
    const centre = middle(shape);
    const [rx, ry] = [shape.w / 2, shape.h / 2];
    const radius = Math.hypot((at.x - centre.x) / rx, (at.y - centre.y) / ry);
    return (shape.fill !== "" && radius <= 1) || Math.abs(1 - radius) * Math.min(rx, ry) <= reach;
  }
  const corners = outline(shape);
  const near = corners.some((corner, index) => {
    const next = corners[(index + 1) % corners.length] ?? corner;
    return (!open || index === 0) && distance(at, corner, next) <= reach;
  });
  return near || (!open && shape.fill !== "" && encloses(corners, at));
}

/** The corners of a shape with straight sides, before its rotation. */
export function outline({ shape, x, y, w, h }: Shape): Point[] {
  const [right, bottom, midX, midY] = [x + w, y + h, x + w / 2, y + h / 2];
  const points: Record<Shape["shape"], [number, number][]> = {
    triangle: [
      [midX, y],
      [right, bottom],
      [x, bottom],
    ],
    diamond: [
      [midX, y],
      [right, midY],
      [midX, bottom],
      [x, midY],
    ],
    line: [
      [x, y],
      [right, bottom],
    ],
    arrow: [
      [x, y],
      [right, bottom],
    ],
    rectangle: [
      [x, y],
      [right, y],
      [right, bottom],
      [x, bottom],
    ],
    ellipse: [
      [x, y],
      [right, y],
      [right, bottom],
      [x, bottom],
    ],
  };
  return points[shape].map(([px, py]) => ({ x: px, y: py }));
}

/** Whether a point is inside a polygon: a ray from it crosses an odd number of sides. */
function encloses(corners: readonly Point[], at: Point): boolean {
  let odd = false;
  corners.forEach((a, index) => {
    const b = corners[(index + 1) % corners.length] ?? a;
    if (a.y > at.y !== b.y > at.y && at.x < ((b.x - a.x) * (at.y - a.y)) / (b.y - a.y) + a.x) odd = !odd;
  });
  return odd;
}

/** The fields of a line from `a` to `b`: a box without height, rotated about its middle. */
export function lineFields(
  a: Point,
  b: Point,
): { x: number; y: number; w: number; h: number; rotation: number } {
  const w = Math.hypot(b.x - a.x, b.y - a.y);
  const rotation = (Math.atan2(b.y - a.y, b.x - a.x) * 180) / Math.PI;
  return { x: (a.x + b.x - w) / 2, y: (a.y + b.y) / 2, w, h: 0, rotation };
}

const BESIDE = 16;

/** The place of a frame's picture: that of a live frame is beside it, so that people see what they draw. */
export function liveBox(frame: Frame): Box {
  const { x, y, w, h } = frame;
  return frame.live ? { x: x + w + BESIDE, y, w, h } : { x, y, w, h };
}

/** The fields that change when an object moves. */
export const moved = (object: BoardObject, dx: number, dy: number): Fields => ({
  x: object.x + dx,
  y: object.y + dy,
});

/** The fields that change when an object is turned about a point. */
export function turned(object: BoardObject, about: Point, degrees: number): Fields {
  const centre = rotate(middle(object), about, degrees);
  return {
    x: centre.x - object.w / 2,
    y: centre.y - object.h / 2,
    rotation: upright(object.rotation + degrees),
  };
}

/** The same angle above -180 and up to 180 degrees. */
export function upright(degrees: number): number {
  const turned = ((degrees % 360) + 360) % 360;
  return turned > 180 ? turned - 360 : turned;
}

/**
 * The fields that change when an object is scaled from box `from` to box `to`. A rotated object is scaled along its own
 * axes, as far as the scaling acts in their directions, and keeps its angle; texts keep their form.
 */
export function scaled(object: BoardObject, from: Box, to: Box): Fields {
  const sx = from.w > 0 ? to.w / from.w : 1;
  const sy = from.h > 0 ? to.h / from.h : 1;
  const carry = (at: Point): Point => ({ x: to.x + (at.x - from.x) * sx, y: to.y + (at.y - from.y) * sy });
  if (object.type === "shape" && object.h === 0) {
    const ends = [object.x, object.x + object.w].map((x) =>
      carry(rotate({ x, y: object.y }, middle(object), object.rotation)),
    );
    return lineFields(ends[0] as Point, ends[1] as Point);
  }
  const angle = (object.rotation * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const own = [Math.hypot(sx * cos, sy * sin), Math.hypot(sx * sin, sy * cos)];
  const even = Math.sqrt(sx * sy);
  const [kx = 1, ky = 1] = object.type === "text" ? [even, even] : own;
  const centre = carry(middle(object));
  const [w, h] = [object.w * kx, object.h * ky];
  const fields: Fields = { x: centre.x - w / 2, y: centre.y - h / 2, w, h };
  if (object.type === "text") fields.font_size = Math.min(1000, Math.max(1, object.font_size * kx));
  return fields;
}
