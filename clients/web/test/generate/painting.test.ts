import assert from "node:assert/strict";
import { test } from "node:test";
import { cardPlace, middle, rotate } from "../../src/canvas/geometry";
import { type Frame, type Picture, readObject } from "../../src/canvas/objects";
import { extension, fitted } from "../../src/canvas/pictures/extend";
import { ownWords, type Provenance, provenanceFile } from "../../src/canvas/pictures/provenance";
import { kept, requestOf, settingsOf } from "../../src/generate/request";
import { drawnIn, drawnSize } from "../../src/generate/source";
import { styled } from "../../src/generate/styles";
import type { ImageModel } from "../../src/protocol/messages";

const MODEL: ImageModel = {
  width: 128,
  height: 128,
  steps: 8,
  guidance: 3,
  max_pixels: 1 << 20,
  samplers: ["dpmpp_2m", "ddim"],
  strength: 0.4,
  adapters: ["pixels"],
  styles: [],
};
const read = (fields: Record<string, unknown>) =>
  readObject("id", (name) => ({ z: "V", x: 0, y: 0, w: 100, h: 100, ...fields })[name]);
const frame = (fields: Record<string, unknown> = {}) => read({ type: "frame", ...fields }) as Frame;
const picture = (fields: Record<string, unknown> = {}) =>
  read({ type: "image", asset: "a".repeat(64), ...fields }) as Picture;

test("a frame asks for what was set, and leaves the rest to the model", () => {
  assert.deepEqual(requestOf(frame({ prompt: " a fox " }), MODEL), { prompt: "a fox", params: {} });
  const all = { prompt: "a fox", negative_prompt: "rain", task: "image_to_image", steps: 12, guidance: 2.5 };
  assert.deepEqual(requestOf(frame({ ...all, seed: 7, sampler: "ddim", style: "ink" }), MODEL), {
    prompt: "a fox, black ink drawing, clean lines",
    params: {
      negative_prompt: "rain, colour, photo",
      strength: 0.4,
      steps: 12,
      guidance: 2.5,
      seed: 7,
      sampler: "ddim",
    },
  });
  const adapted = requestOf(frame({ prompt: "x", adapter: "pixels", adapter_scale: 0.5 }), MODEL);
  assert.deepEqual(adapted.params.adapters, [{ name: "pixels", scale: 0.5 }]);
  assert.deepEqual(requestOf(frame({ prompt: "x", adapter: "pixels" }), MODEL).params.adapters, [
    { name: "pixels", scale: 1 },
  ]);
  // Nor is an adapter that this server does not offer.
  assert.equal(requestOf(frame({ prompt: "x", adapter: "gone" }), MODEL).params.adapters, undefined);
  // A sampler of another model is not asked for; under a mask nothing of the source need stay.
  const masked = requestOf(frame({ prompt: "x", task: "inpaint", sampler: "scm" }), MODEL);
  assert.deepEqual(masked.params, { strength: 1 });
  assert.equal(requestOf(frame({ task: "image_to_image", strength: 0.7 }), MODEL).params.strength, 0.7);
});

test("an unknown style adds nothing", () => {
  assert.deepEqual(styled("of another version", "a", "", []), { prompt: "a", negative_prompt: "" });
  // The embedded model knows a few styles; words of others spoil its pictures.
  const known = ["flat sticker", "logo"];
  assert.deepEqual(styled("logo", "fox", "", known), { prompt: "fox, logo", negative_prompt: "" });
  assert.deepEqual(styled("ink", "fox", "red", known), { prompt: "fox", negative_prompt: "red" });
});

test("a person's settings go from one frame to the next, and only those", () => {
  let settings = kept({}, { style: "ink", steps: 12, prompt: "a fox", strength: 0.5, seed: 4 });
  assert.deepEqual(settings, { style: "ink", steps: 12 });
  settings = kept(settings, { style: null, guidance: 2 });
  assert.deepEqual(settings, { steps: 12, guidance: 2 });
  assert.deepEqual(settingsOf({ steps: 1e9, guidance: "2", style: 7, sampler: "ddim", more: 1 }), {
    sampler: "ddim",
  });
  assert.deepEqual(settingsOf(null), {});
});

test("a picture grows by whole steps at the sides that were chosen, its own pixels one to one", () => {
  const wide = extension(
    { x: 10, y: 20, w: 200, h: 100, rotation: 0 },
    { width: 400, height: 200 },
    { left: 0, top: 0, right: 0.5, bottom: 0.25 },
    1 << 20,
  );
  assert.deepEqual(wide.size, { width: 600, height: 248 });
  assert.deepEqual(wide.inner, { x: 0, y: 0, w: 400, h: 200 });
  assert.deepEqual(wide.box, { x: 10, y: 20, w: 300, h: 124 });
});

test("a turned picture grows in its own directions: it stays where it was", () => {
  const old = { x: 10, y: 20, w: 200, h: 100, rotation: 30 };
  const sides = { left: 0.5, top: 0, right: 0, bottom: 0 };
  const { box } = extension(old, { width: 400, height: 200 }, sides, 1 << 20);
  const corner = (of: typeof old, x: number) => rotate({ x, y: of.y }, middle(of), 30);
  const before = corner(old, old.x + old.w);
  const after = corner({ ...box, rotation: 30 }, box.x + box.w);
  assert.ok(Math.hypot(before.x - after.x, before.y - after.y) < 1e-9);
});

test("more pixels than the model paints are made fewer, in the same shape", () => {
  assert.deepEqual(fitted({ width: 300, height: 200 }, 1 << 20), { width: 300, height: 200 });
  const small = fitted({ width: 4000, height: 2000 }, 1 << 20);
  assert.ok(small.width * small.height <= 1 << 20);
  assert.ok(Math.abs(small.width / small.height - 2) < 0.05);
  const grown = extension(
    { x: 0, y: 0, w: 100, h: 100, rotation: 0 },
    { width: 1024, height: 1024 },
    { left: 1, top: 0, right: 1, bottom: 0 },
    1 << 20,
  );
  assert.ok(grown.size.width * grown.size.height <= 1 << 20);
  assert.ok(grown.inner.x + grown.inner.w < grown.size.width);
});

test("the model is shown what is drawn in a frame, in its own size", () => {
  assert.deepEqual(drawnSize({ x: 0, y: 0, w: 300, h: 150 }, MODEL), { width: 128, height: 64 });
  const inside = picture();
  const others = [picture({ x: 500 }), picture({ hidden: true }), frame()];
  assert.deepEqual(drawnIn(frame(), [inside, ...others]), [inside]);
});

test("a picture remembers the words of its asker, those of the style apart", () => {
  const stored = JSON.stringify({ id: "f", fields: { type: "frame", prompt: "a fox", style: "ink" } });
  const made = picture({
    run: "r1",
    prompt: "a fox, black ink drawing, clean lines",
    negative_prompt: "colour, photo",
    frame: stored,
  });
  assert.deepEqual(ownWords(made), { prompt: "a fox", negative_prompt: "" });
  const known = {
    origin: "generated",
    digital_source_type: null,
    run: null,
    sources: [],
    source_authors: [],
  };
  assert.deepEqual(provenanceFile(made, known as Provenance), {
    ...known,
    asked_with: { prompt: "a fox", negative_prompt: "", style: "" },
  });
  for (const hostile of ["", "{", "7", '{"fields":7}', "null"]) {
    const odd = picture({ prompt: "p", negative_prompt: "n", frame: hostile });
    assert.deepEqual(ownWords(odd), { prompt: "p", negative_prompt: "n" });
  }
});

test("a card stands where its object is still seen", () => {
  assert.equal(cardPlace({ x: 400, y: 100, w: 200, h: 200 }, 1000, 800), "below");
  assert.equal(cardPlace({ x: 400, y: 100, w: 200, h: 200 }, 1000, 800, "open"), "right");
  assert.equal(cardPlace({ x: 300, y: 400, w: 200, h: 200 }, 1000, 800), "right");
  assert.equal(cardPlace({ x: 750, y: 400, w: 200, h: 200 }, 1000, 800), "left");
  assert.equal(cardPlace({ x: 100, y: 400, w: 200, h: 200 }, 400, 800), "below", "a telephone has no sides");
});
