import assert from "node:assert/strict";
import { test } from "node:test";
import { bounds, inside, middle, rotate, scaled } from "../../src/canvas/geometry";
import { type BoardObject, readObject } from "../../src/canvas/objects";
import { kindOf } from "../../src/canvas/pictures/fileKinds";
import { keyOf } from "../../src/editor/input/keyOf";
import { seeded } from "../support";

const bytes = (text: string) => Uint8Array.from(text, (each) => each.charCodeAt(0) & 255);
const object = (fields: Record<string, unknown>): BoardObject => {
  const read = readObject("id", (name) => ({ z: "V", x: 0, y: 0, ...fields })[name]);
  assert.ok(read);
  return read;
};
const near = (actual: number, expected: number, by = 1e-6) =>
  assert.ok(Math.abs(actual - expected) <= by, `${actual} is not ${expected}`);

test("files are known by what they hold, whatever their names say", () => {
  for (const [start, name, picture, label] of [
    ["\x89PNG\r\n", "a.txt", true, "PNG"],
    ["\xff\xd8\xff\xe0", "photo", true, "JPEG"],
    ["RIFF\0\0\0\0WEBPVP8 ", "a.webp", true, "WebP"],
    ["\0\0\0\x20ftypavif", "a.avif", true, "AVIF"],
    ["\0\0\0\x18ftypheic", "IMG_1.HEIC", true, "HEIF"],
    ["\0\0\0\x18ftypmif1\0\0\0\0avifmif1", "a", true, "AVIF"],
    ["<?xml version='1.0'?>\n<!-- x -->\n<svg xmlns=", "a.svg", true, "SVG"],
    ["\xef\xbb\xbf<svg>", "a", true, "SVG"],
    ["<html><svg>", "a.html", false, "HTML"],
    ["%PDF-1.7", "a.pdf", false, "PDF"],
    ["8BPS\0\x01", "a.psd", false, "Photoshop"],
    ['{"type": "excalidraw"}', "board.excalidraw", false, "Excalidraw"],
    ["", "nothing", false, ""],
  ] as const)
    assert.deepEqual(kindOf(bytes(start), name), { picture, label }, name);
});

test("a shortcut is the letter that a Latin layout gives, else the place of the key", () => {
  for (const [key, code, is] of [
    ["z", "KeyZ", "z"],
    ["Z", "KeyZ", "z"],
    ["я", "KeyZ", "z"],
    ["ф", "KeyA", "a"],
    ["a", "KeyQ", "a"],
    ["х", "BracketLeft", "["],
    ["б", "Comma", ","],
    ["ю", "Period", "."],
    [".", "Slash", "."],
    ["Process", "KeyP", "p"],
    ["ㅔ", "KeyP", "p"],
    ["Delete", "Delete", "Delete"],
    ["é", "Digit2", "2"],
    ["ß", "", "ß"],
  ] as const)
    assert.equal(keyOf({ key, code }), is, key);
});

test("what is turned grows along its own axes", () => {
  const from = { x: 0, y: 0, w: 200, h: 100 };
  const to = { x: 0, y: 0, w: 600, h: 100 };
  const upright = object({ type: "shape", shape: "rectangle", x: 20, y: 30, w: 100, h: 40, size: 2 });
  const lying = object({ ...upright, rotation: 90 });
  const [a, b] = [scaled(upright, from, to), scaled(lying, from, to)];
  near(Number(a.w), 300);
  near(Number(a.h), 40);
  near(Number(b.w), 100);
  near(Number(b.h), 120);
  const random = seeded(5);
  for (let count = 0; count < 200; count += 1) {
    const one = object({ ...upright, rotation: Math.floor(random() * 360) - 180 });
    const factor = 0.2 + random() * 3;
    const even = scaled(one, from, { x: 5, y: 5, w: 200 * factor, h: 100 * factor });
    near(Number(even.w), 100 * factor);
    near(Number(even.h), 40 * factor);
    const stretched = scaled(one, from, { ...from, w: 200 * factor });
    const middleIs = {
      x: Number(stretched.x) + Number(stretched.w) / 2,
      y: Number(stretched.y) + Number(stretched.h) / 2,
    };
    near(middleIs.x, middle(one).x * factor);
    near(middleIs.y, middle(one).y);
  }
});

test("an export holds an arrow's head and a stroke's full width", () => {
  for (const size of [2, 18, 60]) {
    for (const rotation of [0, 30, 90, 135]) {
      const arrow = object({ type: "shape", shape: "arrow", x: 50, y: 50, w: 200, h: 0, size, rotation });
      const head = Math.min(100, 6 + size * 3);
      const box = bounds(arrow);
      for (const side of [-1, 1]) {
        const wing = rotate({ x: 250 - head, y: 50 + side * head * 0.6 }, middle(arrow), rotation);
        assert.ok(wing.x >= box.x && wing.y >= box.y && wing.x <= box.x + box.w && wing.y <= box.y + box.h);
      }
    }
    const stroke = object({ type: "stroke", points: [0, 0, 1, 100, 0, 1], size });
    assert.ok(bounds(stroke).h >= size * 1.6 - 1e-9);
  }
});

test("what is dropped lies where it falls, and in view", () => {
  const view = { x: 10, y: 10, w: 780, h: 580 };
  assert.deepEqual(inside({ x: 100, y: 100, w: 50, h: 50 }, view), { x: 100, y: 100, w: 50, h: 50 });
  assert.deepEqual(inside({ x: -40, y: 570, w: 50, h: 50 }, view), { x: 10, y: 540, w: 50, h: 50 });
  assert.deepEqual(inside({ x: 700, y: 0, w: 2000, h: 50 }, view), { x: 10, y: 10, w: 2000, h: 50 });
});
