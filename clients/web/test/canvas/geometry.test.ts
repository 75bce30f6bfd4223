import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bounds,
  distance,
  fit,
  keepRatio,
  lineFields,
  scaled,
  toCanvas,
  toScreen,
  touches,
  zoomAt,
} from "../../src/canvas/geometry";
import { type BoardObject, readObject } from "../../src/canvas/objects";

const object = (fields: Record<string, unknown>): BoardObject => {
  const read = readObject("id", (name) => ({ z: "V", x: 0, y: 0, ...fields })[name]);
  assert.ok(read);
  return read;
};

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} is not ${expected}`);

test("the camera keeps what lies under the pointer, and shows a whole box", () => {
  const camera = { x: 10, y: -20, scale: 1.5 };
  const pointer = { x: 200, y: 120 };
  const after = zoomAt(camera, pointer, 1.7);
  near(toCanvas(after, pointer).x, toCanvas(camera, pointer).x);
  near(toCanvas(after, pointer).y, toCanvas(camera, pointer).y);
  assert.equal(zoomAt(camera, pointer, 1e9).scale, 16);
  assert.equal(zoomAt(camera, pointer, 1e-9).scale, 0.05);
  const box = { x: -500, y: 100, w: 4000, h: 900 };
  const fitted = fit(box, 800, 600);
  const [a, b] = [toScreen(fitted, box), toScreen(fitted, { x: box.x + box.w, y: box.y + box.h })];
  assert.ok(a.x >= 0 && a.y >= 0 && b.x <= 800 && b.y <= 600);
});

test("what a point touches", () => {
  const stroke = object({ type: "stroke", points: [0, 0, 0.5, 100, 0, 0.5], size: 4, color: "#000000" });
  assert.ok(touches(stroke, { x: 50, y: 3 }, 2));
  assert.ok(!touches(stroke, { x: 50, y: 9 }, 2));
  const ellipse = object({ type: "shape", shape: "ellipse", w: 100, h: 60, size: 2 });
  assert.ok(touches(ellipse, { x: 50, y: 1 }, 3));
  assert.ok(!touches(ellipse, { x: 50, y: 30 }, 3), "hollow");
  assert.ok(!touches(ellipse, { x: 3, y: 3 }, 3), "its corner is outside");
  assert.ok(touches({ ...ellipse, fill: "#ffffff" } as BoardObject, { x: 50, y: 30 }, 3));
  const frame = object({ type: "frame", w: 200, h: 200 });
  assert.ok(touches(frame, { x: 2, y: 100 }, 4));
  assert.ok(!touches(frame, { x: 100, y: 100 }, 4), "what lies in a frame can be reached");
  const turned = object({ type: "shape", shape: "rectangle", w: 100, h: 10, size: 2, rotation: 90 });
  assert.ok(touches(turned, { x: 50, y: 50 }, 6));
  assert.ok(!touches(turned, { x: 5, y: 5 }, 2));
  near(bounds(turned).h, 102);
  assert.ok(!touches({ ...stroke, hidden: true }, { x: 50, y: 0 }, 5));
  near(distance({ x: 0, y: 5 }, { x: 0, y: 0 }, { x: 0, y: 0 }), 5);
});

test("a line stands as a turned box and keeps its ends when it is stretched", () => {
  const line = object({
    type: "shape",
    shape: "line",
    ...lineFields({ x: 10, y: 10 }, { x: 40, y: 50 }),
    size: 2,
  });
  near(line.w, 50);
  const box = bounds(line);
  near(box.x + 1, 10);
  near(box.y + box.h - 1, 50);
  const from = { x: 10, y: 10, w: 30, h: 40 };
  const larger = object({ ...line, ...scaled(line, from, { x: 10, y: 10, w: 60, h: 40 }) });
  near(bounds(larger).x + bounds(larger).w - 1, 70);
  near(bounds(larger).y + 1, 10);
});

test("stretching: strokes and shapes follow the box, texts and pictures keep their form", () => {
  const from = { x: 0, y: 0, w: 100, h: 100 };
  const to = { x: 50, y: 0, w: 200, h: 50 };
  const shape = object({ type: "shape", shape: "rectangle", x: 50, y: 50, w: 50, h: 50 });
  assert.deepEqual(scaled(shape, from, to), { x: 150, y: 25, w: 100, h: 25 });
  const text = object({ type: "text", text: "a", w: 20, h: 30, font_size: 20 });
  const fields = scaled(text, from, { x: 0, y: 0, w: 200, h: 200 });
  assert.deepEqual([fields.w, fields.h, fields.font_size], [40, 60, 40]);
  assert.deepEqual(keepRatio({ x: 0, y: 0 }, { x: -10, y: 100 }, 2), { x: -200, y: 100 });
});
