import assert from "node:assert/strict";
import { test } from "node:test";
import { carriedFaults, smallestEdit } from "../../../src/editor/spelling/carried";
import { Findings } from "../../../src/editor/spelling/findings";
import { isChecked, languagesOf, piecesOf } from "../../../src/editor/spelling/passages";
import type { Finding, Passage } from "../../../src/room/http/spellingApi";

const fault = (start: number, end: number): Finding => ({
  start,
  end,
  kind: "spelling",
  replacements: [],
  message: "",
});
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("pieces are the line, whatever is in it, and no longer than two pieces may be", () => {
  let seed = 7;
  const random = (most: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % most;
  };
  const signs = ["a", "слово", " ", ". ", "! ", "🌙", "\u0301", "…” ", "-", "1"];
  for (let round = 0; round < 300; round += 1) {
    const line = Array.from({ length: random(900) }, () => signs[random(signs.length)]).join("");
    let end = 0;
    for (const { start, text } of piecesOf(line)) {
      assert.ok(start >= end && text === line.slice(start, start + text.length) && text.length <= 1801);
      assert.ok(!/\p{L}/u.test(line.slice(end, start)), "only what has no letters is left out");
      assert.ok(!/^[\udc00-\udfff]/.test(text), "no character is cut");
      end = start + text.length;
    }
    assert.ok(!/\p{L}/u.test(line.slice(end)));
  }
});

test("a paragraph of a million letters without a blank is cut as well, quickly enough to type in", () => {
  const pieces = piecesOf("x".repeat(1_000_000));
  assert.equal(
    pieces.reduce((sum, { text }) => sum + text.length, 0),
    1_000_000,
  );
});

test("cues of a script and open suggestions are left alone", () => {
  const ops = [{ insert: "Words" }];
  assert.ok(isChecked(ops, undefined) && isChecked(ops, "dialogue") && isChecked(ops, "action"));
  assert.ok(!isChecked(ops, "character") && !isChecked(ops, "scene") && !isChecked(ops, "title_page"));
  assert.ok(!isChecked([{ insert: "Words", attributes: { suggest: "r1" } }], undefined));
  assert.ok(!isChecked([{ insert: "Words", attributes: { suggest_del: "r1" } }], undefined));
});

test("a passage too short to tell has the language of the others in its script", () => {
  const german = "Der Hund und die Katze sind nicht in dem Haus.";
  assert.deepEqual(languagesOf(["Oh!", "Да.", "The cat was in the house with you."]), ["en", "ru", "en"]);
  assert.deepEqual(languagesOf(["Ach!", german, "Да."]), [null, null, "ru"]);
  assert.deepEqual(languagesOf(["Її не було вдома, і він пішов."]), [null]);
});

test("faults stay on their words while others are typed, and go with the word that changes", () => {
  const before = "one twoo three fuor";
  const faults = [fault(4, 8), fault(15, 19)];
  const words = (now: string) =>
    carriedFaults(faults, before, now).map(({ start, end }) => now.slice(start, end));
  assert.deepEqual(words("one twoo and three fuor"), ["twoo", "fuor"]);
  assert.deepEqual(words("Oh, one twoo three fuor"), ["twoo", "fuor"]);
  assert.deepEqual(words("one two three fuor"), ["fuor"]);
  assert.deepEqual(words("one twoos three fuor"), ["fuor"]);
  assert.deepEqual(words("one twoo three four"), ["twoo"]);
});

test("a correction touches only what is wrong", () => {
  assert.deepEqual(smallestEdit("evry", "every"), { skip: 2, remove: 0, insert: "e" });
  assert.deepEqual(smallestEdit("the the", "the"), { skip: 3, remove: 4, insert: "" });
  assert.deepEqual(smallestEdit("", "x"), { skip: 0, remove: 0, insert: "x" });
  for (const [wrong, right] of [
    ["a😀b", "a😁b"],
    ["незнаю", "не знаю"],
    ["aa", "aaa"],
    ["aba", "a"],
  ] as const) {
    const { skip, remove, insert } = smallestEdit(wrong, right);
    assert.equal(wrong.slice(0, skip) + insert + wrong.slice(skip + remove), right);
    assert.ok(!/^[\udc00-\udfff]/.test(insert) && !/[\ud800-\udbff]$/.test(insert));
  }
});

test("each passage is asked for once, in bounded requests, and what nobody wants any more is not asked for", async () => {
  const asked: string[][] = [];
  const answers: (() => void)[] = [];
  const findings: Findings = new Findings(
    {
      check: (passages: readonly Passage[]) => {
        asked.push(passages.map(({ text }) => text));
        return new Promise((resolve) => answers.push(() => resolve(passages.map(() => [fault(0, 1)]))));
      },
    },
    () => {},
  );
  const passages = Array.from(
    { length: 60 },
    (_, at): Passage => ({ text: `text ${at % 50}`, language: "en" }),
  );
  findings.want(passages);
  findings.want(passages);
  answers[0]?.();
  await turn();
  findings.want([...passages.slice(0, 10), { text: "last", language: "en" }]);
  answers[1]?.();
  await turn();
  answers[2]?.();
  await turn();
  assert.deepEqual(
    asked.map((each) => each.length),
    [24, 24, 1],
  );
  assert.equal(new Set(asked.flat()).size, 49);
  assert.equal(findings.of({ text: "last", language: "en" })?.length, 1);
  assert.equal(findings.of({ text: "text 48", language: "en" }), null);
});

test("a language that the server does not check is not asked for again; other failures wait", async () => {
  let asked = 0;
  const findings: Findings = new Findings(
    {
      check: async (passages: readonly Passage[]) => {
        asked += 1;
        if (passages.some(({ text }) => text === "down")) throw new Error("unavailable");
        return passages.map(({ language }) => (language === "ru" ? null : []));
      },
    },
    () => {},
  );
  findings.want([{ text: "Один", language: "ru" }]);
  await turn();
  findings.want([{ text: "Два", language: "ru" }]);
  await turn();
  assert.equal(asked, 1);
  assert.ok(!findings.checks("ru") && findings.checks("en"));
  findings.want([{ text: "down", language: "en" }]);
  await turn();
  findings.want([{ text: "down", language: "en" }]);
  await turn();
  assert.equal(asked, 2, "a failing server is left in peace for a while");
  findings.close();
});
