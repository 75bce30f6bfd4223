import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { encodeStateAsUpdate } from "yjs";
import {
  byteOffset,
  digestLater,
  digestOf,
  insertedText,
  metaOf,
  newDocument,
  storyOf,
} from "../../../src/room/document/document";
import { sha256, sha256InPieces } from "../../../src/room/document/sha256";
import { en } from "../../../src/strings/en";
import { ru } from "../../../src/strings/ru";

test("SHA-256 agrees with node's for every length around the block bounds", () => {
  for (const length of [0, 1, 3, 54, 55, 56, 57, 63, 64, 65, 119, 120, 1000, 70_001]) {
    const data = Uint8Array.from({ length }, (_, index) => (index * 31 + length) & 255);
    assert.deepEqual(Buffer.from(sha256(data)), createHash("sha256").update(data).digest(), String(length));
  }
});

test("a digest is over the UTF-8 text", async () => {
  const expected = createHash("sha256").update("Ночь 🌙").digest().subarray(0, 16);
  assert.deepEqual(Buffer.from(digestOf("Ночь 🌙")), expected);
  assert.deepEqual(Buffer.from(await digestLater("Ночь 🌙")), expected);
  const long = new TextEncoder().encode("Ночь 🌙".repeat(9000));
  assert.deepEqual(await sha256InPieces(long), sha256(long));
});

test("byte offsets count UTF-8", () => {
  const text = "aя字🌙b";
  assert.deepEqual(
    [0, 1, 2, 3, 5, 6, 99].map((index) => byteOffset(text, index)),
    [0, 1, 3, 6, 10, 11, 11],
  );
});

test("what an update inserts can be read back from it", () => {
  const doc = newDocument();
  storyOf(doc).insert(0, "Once upon a time");
  storyOf(doc).delete(0, 5);
  assert.equal(insertedText([encodeStateAsUpdate(doc)], doc), "upon a time");
  const updates: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => updates.push(update));
  for (const title of ["N", "Ni", "Night"]) metaOf(doc).set("title", title);
  metaOf(doc).set("form", "screenplay");
  doc.getMap("style").set("tone", "dry");
  storyOf(doc).insert(0, "x");
  assert.equal(insertedText(updates, doc), "x\nNight\ndry");
});

test("Russian counts in its three forms", () => {
  assert.deepEqual(
    [1, 2, 5, 11, 21, 22, 112].map((count) => ru.story.words(count)),
    ["1 слово", "2 слова", "5 слов", "11 слов", "21 слово", "22 слова", "112 слов"],
  );
  assert.equal(en.story.words(1), "1 word");
});
