// Which edits of the text are one step of undo.

import assert from "node:assert/strict";
import { test } from "node:test";
import { UndoGroups } from "../../../src/editor/binding/undoGroups";
import type { Op } from "../../../src/room/document/delta";

/** Types a text letter by letter at `at`, `ms` apart; the steps that it makes, as texts. */
function typed(typing: UndoGroups, text: string, at = 0, ms = 100, from = 0): string[] {
  const steps: string[] = [];
  [...text].forEach((letter, index) => {
    const ops: Op[] = [...(at + index > 0 ? [{ retain: at + index }] : []), { insert: letter }];
    if (typing.step(ops, from + index * ms) === "new") steps.push(letter);
    else steps[steps.length - 1] += letter;
  });
  return steps;
}

test("a word is a step, with the blank behind it; so is a line", () => {
  assert.deepEqual(typed(new UndoGroups(), "one two\nthree"), ["one ", "two", "\n", "three"]);
});

test("a pause begins another step", () => {
  assert.deepEqual(typed(new UndoGroups(), "ab", 0, 1500), ["a", "b"]);
});

test("another place begins another step, and so does deleting after typing", () => {
  const typing = new UndoGroups();
  assert.deepEqual(typed(typing, "ab", 5), ["ab"]);
  assert.equal(typing.step([{ retain: 2 }, { insert: "x" }], 300), "new");
  assert.equal(typing.step([{ retain: 3 }, { insert: "y" }], 400), "same");
  assert.equal(typing.step([{ retain: 3 }, { delete: 1 }], 500), "new");
  assert.equal(typing.step([{ retain: 2 }, { delete: 1 }], 600), "same"); // Backspace again
  assert.equal(typing.step([{ retain: 2 }, { delete: 1 }], 700), "same"); // Delete
  assert.equal(typing.step([{ retain: 2 }, { insert: "z" }], 800), "new");
});

test("a paste, a format, a replacement elsewhere and several places at once are steps by themselves", () => {
  const typing = new UndoGroups();
  typed(typing, "ab");
  assert.equal(typing.step([{ retain: 2 }, { insert: "a long pasted passage" }], 300), "new");
  assert.equal(typing.step([{ retain: 23 }, { insert: "x" }], 400), "new");
  assert.equal(typing.step([{ retain: 4, attributes: { bold: true } }], 500), "new");
  assert.equal(typing.step([{ insert: "x" }, { retain: 3 }, { insert: "y" }], 600), "new");
  typing.part();
  assert.equal(typing.step([{ retain: 5 }, { insert: "x" }], 700), "new");
});

test("what an input method or a correction replaces of what was just typed is the same step", () => {
  const typing = new UndoGroups();
  assert.equal(typing.step([{ insert: "n" }], 0), "new");
  assert.equal(typing.step([{ insert: "に" }, { delete: 1 }], 100), "same");
  assert.equal(typing.step([{ retain: 1 }, { insert: "h" }], 200), "same");
  assert.equal(typing.step([{ insert: "日本" }, { delete: 2 }], 300), "same");
  assert.equal(typing.step([{ delete: 2 }, { insert: "other" }], 2500), "new");
});

test("typing over a selection is one step with it, and the word goes on", () => {
  const typing = new UndoGroups();
  assert.equal(typing.step([{ retain: 2 }, { delete: 500 }], 0), "new");
  assert.equal(typing.step([{ retain: 2 }, { insert: "x" }], 5), "same");
  assert.equal(typing.step([{ retain: 3 }, { insert: "y" }], 300), "same");
  // Who deletes and then types does two things.
  assert.equal(typing.step([{ retain: 2 }, { delete: 2 }], 2000), "new");
  assert.equal(typing.step([{ retain: 2 }, { insert: "z" }], 2200), "new");
});

test("what was read for a while belongs to what it replaces, unless something came between", () => {
  const typing = new UndoGroups();
  typing.step([{ delete: 40 }], 0);
  const put = typing.mark();
  put();
  assert.equal(typing.step([{ insert: "a long pasted passage" }], 500), "same");
  const late = typing.mark();
  typing.step([{ insert: "x" }], 1600);
  late();
  assert.equal(typing.step([{ insert: "a long pasted passage" }], 1700), "new");
});
