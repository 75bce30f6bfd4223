import assert from "node:assert/strict";
import { test } from "node:test";
import { exportName, noticesIn, OUT } from "../../../src/room/http/manuscripts";
import { en } from "../../../src/strings/en";
import { ru } from "../../../src/strings/ru";

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

test("a file of a text without a title is named in the language of the page", () => {
  for (const format of OUT) {
    assert.equal(exportName(`untitled.${format}`, ru.title.placeholder), `Без названия.${format}`);
    assert.equal(exportName(`The untitled.${format}`, ru.title.placeholder), `The untitled.${format}`);
    assert.equal(exportName(`untitled.part.${format}`, ru.title.placeholder), `untitled.part.${format}`);
  }
});
