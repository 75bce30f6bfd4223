import assert from "node:assert/strict";
import { test } from "node:test";
import {
  asPerson,
  asShown,
  inPieces,
  inWholeCharacters,
  type Op,
  shown,
  splitsCharacter,
} from "../../../src/room/document/delta";
import { seeded } from "../../support";

/** Half a character. */
const HALF = /\p{Surrogate}/u;

/** What an edit makes of a plain text. */
function apply(ops: readonly Op[], text: string): string {
  let at = 0;
  let out = "";
  for (const op of ops) {
    if (typeof op.insert === "string") out += op.insert;
    else if (op.delete) at += op.delete;
    else if (typeof op.retain === "number") {
      out += text.slice(at, at + op.retain);
      at += op.retain;
    }
  }
  return out + text.slice(at);
}

function boundaries(ops: readonly Op[]): number[] {
  let at = 0;
  return ops.map((op) => {
    at += op.delete ?? (typeof op.retain === "number" ? op.retain : 0);
    return at;
  });
}

/** The edit that turns `before` into `after`, found as Quill finds it: by UTF-16 units. */
function byUnits(before: string, after: string): Op[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  while (
    end < before.length - start &&
    end < after.length - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  ) {
    end += 1;
  }
  const ops: Op[] = [];
  if (start) ops.push({ retain: start });
  const added = after.slice(start, after.length - end);
  if (added) ops.push({ insert: added });
  const gone = before.length - start - end;
  if (gone) ops.push({ delete: gone });
  return ops;
}

test("an emoji replaced by its neighbour is an edit of whole characters", () => {
  const ops = byUnits("a😀b", "a😁b");
  assert.deepEqual(ops, [{ retain: 2 }, { insert: "\ude01" }, { delete: 1 }]);
  assert.deepEqual(inWholeCharacters(ops, "a😀b"), [{ retain: 1 }, { insert: "😁" }, { delete: 2 }]);
});

test("an edit that splits nothing stays as it is", () => {
  const ops = [{ retain: 3 }, { insert: "x", attributes: { bold: true } }];
  assert.deepEqual(inWholeCharacters(ops, "a😀b"), ops);
});

test("no edit between random texts splits a character or changes the result", () => {
  const random = seeded(7);
  const alphabet = ["😀", "😁", "👩", "🏽", "a", "я", "字", "\n"];
  const text = () =>
    Array.from(
      { length: Math.floor(random() * 6) },
      () => alphabet[Math.floor(random() * alphabet.length)],
    ).join("");
  for (let round = 0; round < 4000; round += 1) {
    const before = text();
    const after = text();
    const ops = inWholeCharacters(byUnits(before, after), before);
    assert.equal(apply(ops, before), after, JSON.stringify([before, after]));
    assert.ok(
      !boundaries(ops).some((at) => splitsCharacter(before, at)),
      JSON.stringify([before, after, ops]),
    );
    for (const op of ops) if (typeof op.insert === "string") assert.doesNotMatch(op.insert, HALF);
  }
});

test("a person's words lose a model's marks, and nothing else", () => {
  const { ops, spans } = asPerson([
    { retain: 4, attributes: { bold: true } },
    { insert: "mine", attributes: { ai: "run_1", italic: true } },
    { insert: " too", attributes: { suggest: "run_1" } },
    { insert: "!", attributes: { bold: true } },
  ]);
  assert.deepEqual(ops, [
    { retain: 4, attributes: { bold: true } },
    { insert: "mine", attributes: { italic: true } },
    { insert: " too" },
    { insert: "!", attributes: { bold: true } },
  ]);
  assert.deepEqual(spans, [
    { index: 4, length: 4 },
    { index: 8, length: 4 },
  ]);
});

test("a large edit goes in pieces that add up to it", () => {
  const before = "0123456789";
  const ops = [
    { retain: 2 },
    { insert: "😀".repeat(21), attributes: { italic: true } },
    { delete: 3 },
    { retain: 1 },
    { insert: "x".repeat(30) },
  ];
  const pieces = inPieces(ops, 16);
  assert.ok(pieces.length > 4);
  for (const piece of pieces) {
    const size = piece.reduce((sum, op) => sum + (typeof op.insert === "string" ? op.insert.length : 0), 0);
    assert.ok(size <= 16, String(size));
    for (const op of piece) if (typeof op.insert === "string") assert.doesNotMatch(op.insert, HALF);
  }
  assert.equal(
    pieces.reduce((text, piece) => apply(piece, text), before),
    apply(ops, before),
  );
});

test("every page shows the same last line, whoever ends it", () => {
  const random = seeded(11);
  const text = () =>
    Array.from({ length: Math.floor(random() * 5) }, () => (random() < 0.5 ? "\n" : "a")).join("");
  for (let round = 0; round < 3000; round += 1) {
    const before = text();
    const after = text();
    const ops = asShown(byUnits(before, after), before, after);
    assert.equal(apply(ops, shown(before)), shown(after), JSON.stringify([before, after, ops]));
    // Quill holds on to its last line end: nothing may be deleted there before something was inserted.
    const last = ops.findIndex((op) => op.delete !== undefined);
    assert.ok(last < 0 || !ops.slice(last + 1).some((op) => op.insert), JSON.stringify([before, after, ops]));
  }
});

test("a small edit is one piece", () => {
  const ops = [{ retain: 1 }, { insert: "abc" }];
  assert.deepEqual(inPieces(ops, 16), [ops]);
});
