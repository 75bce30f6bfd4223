// Scripts in the page: completions of names and scenes, and the count of pages.

import assert from "node:assert/strict";
import { test } from "node:test";
import { completions } from "../../../src/editor/script/completions";
import { scriptOf, withoutBrackets } from "../../../src/editor/script/script";
import { pagesOf } from "../../../src/editor/script/scriptPages";

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
