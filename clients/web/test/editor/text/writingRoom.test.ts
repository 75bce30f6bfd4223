// The pure parts of the writing room: passages of comments, lines of a script, authors, blocks of the past.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Doc, type Text } from "yjs";
import { type Element, elementsOf } from "../../../src/editor/script/script";
import { spansByAuthor } from "../../../src/editor/text/authors";
import { blocksOf } from "../../../src/editor/text/blocks";
import { commentsAt, inPassages, passagesOf, withoutPassages } from "../../../src/editor/text/passages";
import type { Op } from "../../../src/room/document/delta";
import { seeded } from "../../support";

function story(text: string): Text {
  const made = new Doc().getText("story");
  made.insert(0, text);
  return made;
}
const spansOf = (text: Text, id: string) => passagesOf(text.toDelta() as Op[]).get(id) ?? [];
const words = (text: Text, id: string) =>
  spansOf(text, id).map(({ index, length }) => text.toString().slice(index, index + length));

test("a passage is one stretch, however its words are formatted", () => {
  const text = story("The old 🌙 boat");
  text.format(4, 6, { "comment:a": true });
  text.format(0, 8, { bold: true });
  text.format(8, 7, { "comment:b": true });
  assert.deepEqual(words(text, "a"), ["old 🌙"]);
  assert.deepEqual(words(text, "b"), ["🌙 boat"]);
  assert.deepEqual(commentsAt(passagesOf(text.toDelta() as Op[]), 9), ["a", "b"]);
  text.delete(4, 6);
  assert.deepEqual(words(text, "a"), []);
});

test("what is typed inside a passage is of it, at its ends it is not", () => {
  const edits: [number, string[]][] = [
    [4, ["old"]],
    [5, ["oXld"]],
    [7, ["old"]],
    [0, ["old"]],
  ];
  for (const [at, expected] of edits) {
    const text = story("The old boat");
    text.format(4, 3, { "comment:a": true });
    const typed: Op[] = [...(at > 0 ? [{ retain: at }] : []), { insert: "X" }];
    text.applyDelta(inPassages(typed, passagesOf(text.toDelta() as Op[])));
    assert.deepEqual(words(text, "a"), expected, `at ${at}`);
  }
});

test("a passage stays on its words under edits anywhere, in any script", () => {
  const random = seeded(8);
  const pick = (count: number) => Math.floor(random() * count);
  const alphabet = ["a", "Ж", "漢", "🌙", " "];
  for (let round = 0; round < 60; round += 1) {
    const text = story("пёс 🌙 漢字 sea");
    text.format(4, 5, { "comment:a": true });
    const marked = new Set([..."🌙 漢字"]);
    for (let step = 0; step < 20; step += 1) {
      const whole = [...text.toString()];
      const before = whole.slice(0, pick(whole.length + 1)).join("").length;
      const typed = "_".repeat(pick(3)) + (alphabet[pick(alphabet.length)] ?? "");
      const passages = passagesOf(text.toDelta() as Op[]);
      const inside = commentsAt(passages, before).length > 0;
      text.applyDelta(inPassages([{ retain: before }, { insert: typed }], passages));
      if (inside) for (const one of typed) marked.add(one);
    }
    const kept = words(text, "a").join("");
    assert.ok(kept.startsWith("🌙"), kept);
    assert.ok(kept.endsWith("字"), kept);
    for (const one of kept) assert.ok(marked.has(one) || alphabet.includes(one), one);
  }
});

test("the editor is told nothing of passages", () => {
  const ops: Op[] = [
    { insert: "a", attributes: { "comment:x": true } },
    { insert: "b", attributes: { "comment:x": true, bold: true } },
    { retain: 2, attributes: { "comment:x": null } },
  ];
  assert.deepEqual(withoutPassages(ops), [
    { insert: "a" },
    { insert: "b", attributes: { bold: true } },
    { retain: 2 },
  ]);
});

const cases = JSON.parse(readFileSync(`${process.env.VECTORS}/fountain.json`, "utf8")) as {
  name: string;
  lines: string[];
  elements: Element[];
}[];

for (const { name, lines, elements } of cases) {
  test(`a script, as the server reads it: ${name}`, () => assert.deepEqual(elementsOf(lines), elements));
}

test("the server's bytes become our units, and no character is split", () => {
  const text = "aж🌙漢!";
  const spans = [
    { end: 3, author: "ada" },
    { end: 7, author: "ai" },
    { end: 10, author: "ada" },
    { end: 99, author: "eve" },
  ];
  assert.deepEqual(
    [...spansByAuthor(text, spans)],
    [
      [
        "ada",
        [
          { index: 0, length: 2 },
          { index: 4, length: 1 },
        ],
      ],
      ["ai", [{ index: 2, length: 2 }]],
      ["eve", [{ index: 5, length: 1 }]],
    ],
  );
});

test("a moment is shown in its blocks, each word with its author", () => {
  const blocks = blocksOf([
    { insert: "One", attributes: null, author: "ada", run: null },
    { insert: "\n", attributes: { header: 1 }, author: "ada", run: null },
    { insert: "two ", attributes: null, author: "ada", run: null },
    { insert: "three", attributes: { bold: true }, author: "ai", run: "r" },
    { insert: "\n\nfour", attributes: null, author: "eve", run: null },
  ]);
  assert.deepEqual(
    blocks.map(({ Tag, parts }) => [Tag, ...parts.map((part) => `${part.author}:${part.text}`)]),
    [["h2", "ada:One"], ["p", "ada:two ", "ai:three"], ["p"], ["p", "eve:four"]],
  );
  assert.ok(blocks[1]?.parts[1]?.bold);
});
