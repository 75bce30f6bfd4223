import assert from "node:assert/strict";
import { test } from "node:test";
import { PAPER } from "../../src/canvas/drawing";
import { exported, svgFile } from "../../src/canvas/export";
import { around, bounds } from "../../src/canvas/geometry";
import { strokeFields } from "../../src/canvas/gestures/draw";
import { type BoardObject, readObject } from "../../src/canvas/objects";
import { readHand, thinned, writeHand } from "../../src/canvas/presenceHand";
import { suggestedPrompts } from "../../src/generate/promptExamples";

const object = (fields: Record<string, unknown>): BoardObject => {
  const read = readObject("id", (name) => ({ z: "V", x: 0, y: 0, ...fields })[name]);
  assert.ok(read);
  return read;
};

test("a hand's state is small, and a hostile one is nobody's", () => {
  const points = Array.from({ length: 9000 }, (_, index) => index * 1.2345);
  const draft = thinned(strokeFields(points, "#22282a", 4));
  assert.ok(JSON.stringify(draft).length <= 2800);
  const hand = readHand(
    JSON.parse(JSON.stringify(writeHand({ x: 1, y: 2 }, strokeFields([5, 6, 0.5, 9, 8, 1], "#000000", 2)))),
  );
  assert.deepEqual(hand?.at, { x: 1, y: 2 });
  assert.ok(hand?.draft?.type === "stroke");
  for (const value of [null, 7, {}, { at: [1] }, { at: ["1", 2] }, { at: [1, Number.NaN] }]) {
    assert.equal(readHand(value), null);
  }
  assert.equal(readHand({ at: [1, 2], draft: { type: "stroke", points: "x" } })?.draft, null);
});

test("an SVG file holds vectors, and nothing of what was written breaks out of it", () => {
  const objects = [
    object({ type: "text", text: "<script>&\"'\u0000", color: "#22282a", w: 50, h: 30 }),
    object({ type: "stroke", points: [0, 0, 0.5, 10, 10, 0.5], color: "#d0402b", size: 4 }),
    object({ type: "frame", w: 100, h: 100 }),
    object({ type: "image", w: 10, h: 10, asset: "a".repeat(64) }),
  ];
  const out = exported(objects);
  assert.ok(out);
  assert.equal(out.objects.length, 3);
  assert.deepEqual(around([out.box, ...out.objects.map(bounds)]), out.box);
  const file = svgFile(out.objects, out.box, { width: 100, height: 50 }, () => "data:image/png;base64,AA==");
  assert.ok(file.startsWith("<svg ") && file.includes(PAPER));
  assert.match(file, /<path d="M[^"]+Z" fill="#d0402b"\/>/);
  assert.ok(file.includes("&#60;script&#62;&#38;&#34;"));
  assert.ok(!file.includes("<script") && !file.includes("\u0000"));
  assert.ok(file.includes('href="data:image/png;base64,AA=="'));
  assert.equal(exported([]), null);
});

test("a model's note names prompts after a colon", () => {
  const model = (note: string) => ({
    modality: "image" as const,
    name: "m",
    device: "cpu",
    ready: true,
    note,
    image: null,
    audio: null,
    backend: "torch",
    building: [],
    choices: [],
    coming: "",
    refused: "",
    note_key: "",
    note_values: [],
    better: null,
    beside: [],
    speech: null,
  });
  assert.deepEqual(suggestedPrompts(model('simple objects; try: ice cream, "red apple"; bear')), [
    "ice cream",
    "red apple",
    "bear",
  ]);
  assert.deepEqual(suggestedPrompts(model("anything at all")), []);
  assert.deepEqual(suggestedPrompts(undefined), []);
});
