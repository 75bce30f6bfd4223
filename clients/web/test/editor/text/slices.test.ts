import assert from "node:assert/strict";
import { test } from "node:test";
import Delta from "quill-delta";
import { firstPart, isLarge } from "../../../src/editor/text/slices";
import type { Op } from "../../../src/room/document/delta";

const random = (seed: number) => () => {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return seed / 2147483648;
};

function text(next: () => number, lines: number): string {
  return Array.from({ length: lines }, () => "x😀".repeat(Math.floor(next() * 9))).join("\n");
}

function anEdit(next: () => number, length: number): Delta {
  const edit = new Delta();
  let left = length;
  while (left > 0) {
    const units = 1 + Math.floor(next() * Math.min(left, 40));
    const kind = next();
    if (kind < 0.3)
      edit.insert(text(next, 1 + Math.floor(next() * 180)), kind < 0.15 ? { bold: true } : undefined);
    else if (kind < 0.6) edit.retain(units);
    else if (kind < 0.75) edit.retain(units, { italic: true });
    else edit.delete(units);
    if (kind >= 0.3) left -= units;
  }
  if (next() < 0.3) edit.insert("y".repeat(90_000 + Math.floor(next() * 50_000)));
  return edit;
}

const halves = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

test("the parts of an edit, one after the other, do what the edit does", () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const next = random(seed);
    const before = new Delta().insert(text(next, 60));
    const edit = anEdit(next, before.length());
    const wanted = before.compose(edit);
    let page = before;
    let rest: Delta | null = edit;
    let parts = 0;
    while (rest) {
      const { now, later }: { now: Delta; later: Delta | null } = firstPart(rest);
      for (const { insert } of now.ops as Op[])
        assert.ok(typeof insert !== "string" || !halves.test(insert), "half a character");
      page = page.compose(now);
      assert.deepEqual(later ? page.compose(later).ops : page.ops, wanted.ops);
      rest = later;
      parts += 1;
      assert.ok(parts < 500);
    }
    if (isLarge(edit)) assert.ok(parts > 1);
  }
});

test("a part has no more than a hundred lines, and a long line is cut", () => {
  const lines = new Delta().insert("line\n".repeat(250));
  assert.equal(firstPart(lines).now.length(), 500);
  assert.equal(firstPart(firstPart(lines).later as Delta).now.length(), 1000); // behind what is there
  const one = new Delta().insert("😀".repeat(60_000));
  assert.ok(firstPart(one).now.length() <= 40_000);
  assert.equal(firstPart(one).now.length() % 2, 0);
  assert.ok(isLarge(one) && isLarge(lines) && !isLarge(new Delta().insert("line\n".repeat(150))));
});
