// Scripts in the page: what a line may be about to say, how many pages there are, what the server says of a file.

import assert from "node:assert/strict";
import { test } from "node:test";
import { completions } from "../../../src/editor/script/completions";
import { scriptOf, withoutBrackets } from "../../../src/editor/script/script";
import { pagesOf } from "../../../src/editor/script/scriptPages";
import { noticesIn } from "../../../src/room/http/manuscripts";
import { en } from "../../../src/strings/en";
import { ru } from "../../../src/strings/ru";

const SCRIPT = `INT. PIER - NIGHT

MIRA
Who?

MARTIN (V.O.)
Me.

MIRA
Go.

EXT. HARBOUR - DAWN

INT. PIER - DAY

`.split("\n");

function offered(typed: string, lines = SCRIPT): string[] {
  const all = [...lines, typed];
  return completions(scriptOf(all), all.length - 1, typed);
}

test("names come by how often somebody speaks", () => {
  assert.deepEqual(offered("M"), ["MIRA", "MARTIN"]);
  assert.deepEqual(offered("MA"), ["MARTIN"]);
  assert.deepEqual(offered("@ma"), ["@MARTIN"]);
  assert.deepEqual(offered("MIRA"), []);
  assert.deepEqual(offered("m"), [], "a line of action begins in small letters");
  assert.deepEqual(offered("M", [...SCRIPT, "Some action."]), [], "a name has a blank line before it");
});

test("a heading's beginning, place and time are offered", () => {
  assert.deepEqual(offered("IN"), ["INT. ", "INT./EXT. "]);
  assert.deepEqual(offered("INT. "), ["INT. PIER", "INT. HARBOUR"]);
  assert.deepEqual(offered("int. pi"), ["INT. PIER"]);
  assert.deepEqual(offered("INT. PIER - ").slice(0, 3), [
    "INT. PIER - DAY",
    "INT. PIER - DAWN",
    "INT. PIER - NIGHT",
  ]);
  assert.deepEqual(offered("ИНТ. ДОМ - Н"), ["ИНТ. ДОМ - НОЧЬ"]);
  assert.deepEqual(offered("НА"), ["НАТ. "]);
});

test("a name loses what stands in brackets, in one pass", () => {
  assert.equal(withoutBrackets("HANS (on the radio) (V.O.)"), "HANS");
  assert.equal(withoutBrackets("A (b"), "A (b");
  assert.equal(withoutBrackets("(".repeat(200_000)).length, 200_000);
});

test("a page has 55 lines of 60 letters, and what is not printed takes none", () => {
  assert.equal(pagesOf([]), 0);
  assert.equal(pagesOf(["Title: The Pier", "", "[[note]]", "# Act"]), 0);
  const action = Array.from({ length: 28 }, () => ["One line of action.", ""]).flat();
  assert.equal(pagesOf(action), 1);
  assert.equal(pagesOf([...action, "One more."]), 2);
  assert.equal(pagesOf(["A.", "", "===", "", "B."]), 2);
  assert.equal(pagesOf(["x".repeat(60 * 56)]), 2);
});

test("every notice of the server has words in every language", () => {
  assert.deepEqual(noticesIn("links=3, glyphs=12"), [
    { code: "links", count: 3 },
    { code: "glyphs", count: 12 },
  ]);
  const codes = process.env.NOTICE_CODES?.split(",") ?? Object.keys(en.file.notices);
  for (const strings of [en, ru]) {
    for (const code of codes) {
      const words = strings.file.notices[code as keyof typeof en.file.notices];
      for (const count of [1, 2, 5, 11, 21]) assert.match(words(count), new RegExp(`^${count} `), code);
    }
  }
});
