import assert from "node:assert/strict";
import { test } from "node:test";
import { gapProblem, MAX_FILL, spaced } from "../../../src/editor/text/gap";

test("blanks are put where they are missing", () => {
  for (const [before, after, expected] of [
    ["He ", " home", "went"],
    ["He", "home", " went "],
    ["He", ", home", " went"],
    ["(", ")", "went"],
    ["", "", "went"],
    ["line\n", "\nline", "went"],
    ["猫が", "寝た", "went"],
    ["🐈", "🐈", " went "],
  ] as const)
    assert.equal(spaced("went", before, after), expected, `${before}|${after}`);
});

test("what cannot be filled is named", () => {
  const problem = (before: string, selection: string, after: string) =>
    gapProblem({ before, selection, after });
  assert.equal(problem("He ", "", " home"), null);
  assert.equal(problem("He", "", ", home"), null);
  assert.equal(problem("", "", " home"), null);
  assert.equal(problem(" \n", "", "\n "), "empty");
  assert.equal(problem("ho", "", "me"), "inside");
  assert.equal(problem("до", "", "ма"), "inside");
  assert.equal(problem("猫が", "", "寝た"), null);
  assert.equal(problem("He ", "went\nand", " home"), "lines");
  assert.equal(problem("He ", "x".repeat(MAX_FILL + 1), " home"), "long");
});
