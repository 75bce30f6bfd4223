// The codex as a page knows it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { spanOf } from "../../../src/editor/overlay/oddMarks";
import { inside } from "../entered";

const fact = (value: string, quote: string) => ({ attribute: "eyes", value, quote, start: 0, end: 0 });

test("what people wrote counts more than what was found, and an empty one hides", () => {
  const { room, socket } = inside("Marta had green eyes.");
  const found = fact("green", "Marta had green eyes.");
  const entry = { name: "Marta", kind: "person" as const, count: 2, facts: [found] };
  socket().say({ tag: "codex", offset: 4, entries: [entry], contradictions: [] });
  assert.deepEqual(
    room.codex.shown.map(({ name, written }) => [name, written]),
    [["Marta", null]],
  );
  room.codex.write(" Marta ", "a singer");
  room.codex.write("Ferry", "sunk");
  assert.deepEqual(
    room.codex.shown.map(({ name, written }) => [name, written]),
    [
      ["Ferry", "sunk"],
      ["Marta", "a singer"],
    ],
  );
  room.codex.write("Marta", "");
  assert.equal(room.codex.shown.find((one) => one.name === "Marta")?.written, "");
  room.codex.write("Marta", null);
  assert.equal(room.codex.shown.find((one) => one.name === "Marta")?.written, null);
});

test("a sentence is found whatever blanks stand in it, and signs of patterns mean themselves", () => {
  assert.deepEqual(spanOf("Ah. She was (very)  tired.", "She was (very) tired."), { index: 4, length: 22 });
  assert.equal(spanOf("Ah.", "She"), null);
});
