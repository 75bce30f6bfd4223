import assert from "node:assert/strict";
import { test } from "node:test";
import { countWords, measure, outlineOf } from "../../../src/editor/outline";
import { findAll, MAX_MATCHES, nextFrom } from "../../../src/editor/text/find";
import { rangeOf, writtenBy } from "../../../src/editor/text/runText";
import type { RunInfo, TokenInfo } from "../../../src/protocol/messages";
import { RunTokens } from "../../../src/room/tokens";

const EXACT = { matchCase: true, wholeWords: false };

test("find takes words at their word, in any script", () => {
  assert.deepEqual(findAll("a.b axb a.b", "a.b", EXACT), [
    { index: 0, length: 3 },
    { index: 8, length: 3 },
  ]);
  assert.deepEqual(
    findAll("Ёж ёж", "ЁЖ", { matchCase: false, wholeWords: false }).map((match) => match.index),
    [0, 3],
  );
  assert.deepEqual(
    findAll("🎻снег снегопад", "снег", { matchCase: true, wholeWords: true }).map((match) => match.index),
    [2],
  );
  assert.deepEqual(findAll("abc", "", EXACT), []);
  assert.equal(findAll("a".repeat(MAX_MATCHES + 10), "a", EXACT).length, MAX_MATCHES);
});

test("the next match goes on from the caret and round the end", () => {
  const matches = findAll("x..x..x", "x", EXACT);
  assert.equal(nextFrom(matches, 1), 1);
  assert.equal(nextFrom(matches, 7), 0);
  assert.equal(nextFrom([], 0), -1);
});

test("words are counted as each script writes them", () => {
  assert.equal(countWords("It's a well-kept word"), 4);
  assert.equal(countWords("雪が降る"), 4);
  assert.equal(countWords("Пришла зима 2026"), 3);
  const found = measure(["👩‍👩‍👧 é", "", "b"].map((text) => ({ text, level: 0 })));
  assert.deepEqual([found.characters, found.paragraphs], [4, 2]);
});

test("an outline has headings where they stand, and a script's scenes", () => {
  const lines = [
    { text: "One", level: 1 },
    { text: "text", level: 0 },
    { text: "\ufffc", level: 0 },
    { text: "INT. BAR - NIGHT", level: 0 },
    { text: "Two", level: 2 },
  ];
  assert.deepEqual(outlineOf(lines, false), [
    { index: 0, level: 1, text: "One" },
    { index: 28, level: 2, text: "Two" },
  ]);
  assert.deepEqual(
    outlineOf(lines, true).map((heading) => heading.text),
    ["One", "INT. BAR - NIGHT", "Two"],
  );
});

const token = (index: number, text: string): TokenInfo => ({
  index,
  text,
  token_id: index,
  logprob: -1,
  alternatives: [],
});

test("a token is found where it stands, also after people changed what a run wrote", () => {
  const tokens = new RunTokens({ send: () => true });
  tokens.onTokens("r1", [
    token(0, " the"),
    token(1, " sea"),
    token(2, " and"),
    token(3, " the"),
    token(4, " sky"),
  ]);
  const whole = " the sea and the sky";
  assert.equal(tokens.at("r1", whole, 15)?.token.index, 3);
  assert.equal(tokens.at("r1", whole, 2)?.token.index, 0);
  const changed = " sea and the sky";
  assert.deepEqual(tokens.at("r1", changed, 10), { token: token(3, " the"), start: 8 });
  assert.equal(tokens.at("r1", " xyz", 2), null);
  assert.equal(tokens.at("unseen", whole, 2), null);
});

const ended = (id: string, progress: number): RunInfo => ({ id, progress }) as RunInfo;

test("tokens of before the page came are asked for once, and put in their order", async () => {
  const sent: unknown[] = [];
  const tokens = new RunTokens({ send: (message) => sent.push(message) > 0 });
  tokens.onTokens("r1", [token(2, " three")]); // it was joined in the middle
  const [first, second] = [tokens.whenKnown(ended("r1", 3)), tokens.whenKnown(ended("r1", 3))];
  assert.deepEqual(sent, [{ tag: "recall", run: "r1" }]);
  tokens.onTokens("r1", [token(0, " one"), token(1, " two")]);
  tokens.onTokens("r1", [token(2, " three")]);
  await Promise.all([first, second]);
  assert.deepEqual(tokens.at("r1", " one two three", 9), { token: token(2, " three"), start: 8 });
  await tokens.whenKnown(ended("r1", 3));
  assert.equal(sent.length, 1);
});

test("what the server does not know any more is not asked for again", async () => {
  const sent: unknown[] = [];
  const tokens = new RunTokens({ send: (message) => sent.push(message) > 0 });
  const asked = tokens.whenKnown(ended("old", 9));
  tokens.refused({ tag: "error", code: "conflict", message: "", re: "recall", ref: "old" });
  await asked;
  await tokens.whenKnown(ended("old", 9));
  assert.equal(sent.length, 1);
  const lost = tokens.whenKnown(ended("r2", 1));
  tokens.abandon();
  await lost;
  assert.equal(tokens.at("r2", " x", 0), null);
});

test("what a run wrote is told apart from what people wrote between", () => {
  const ops = [
    { insert: "Ada: " },
    { insert: "he", attributes: { ai: "r1" } },
    { insert: "!" },
    { insert: "llo", attributes: { ai: "r1", bold: true } },
    { insert: "x", attributes: { ai: "r2" } },
  ];
  const written = writtenBy("r1", ops);
  assert.equal(written.text, "hello");
  assert.deepEqual(written.places, [5, 6, 8, 9, 10]);
  assert.deepEqual(rangeOf(written, 2, 3), { start: 8, end: 11 });
  assert.equal(rangeOf(written, 0, 3), null);
});
