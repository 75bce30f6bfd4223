import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { en } from "../../../src/strings/en";
import { ru } from "../../../src/strings/ru";
import { errorText } from "../../../src/ui/parts/serverText";

test("sentences that have a translation are the server's own", () => {
  const root = resolve("../../server/antiphon_server");
  const source = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".py"))
    .map((name) => readFileSync(join(root, name), "utf8"))
    .join("\n");
  const unknown = Object.keys(ru.said).filter((sentence) => !source.includes(`"${sentence}"`));
  assert.deepEqual(unknown, []);
});

test("an error is told in the page's language, by its sentence or else by its code", () => {
  assert.equal(errorText("conflict", "there is nothing to undo", en), "there is nothing to undo");
  assert.equal(errorText("conflict", "there is nothing to undo", ru), "Отменять нечего.");
  assert.match(errorText("conflict", "something new", ru), /^Сейчас это невозможно .*something new/);
  assert.equal(errorText("constructor", "odd", ru), "odd");
});
