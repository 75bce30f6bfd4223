// Sizes that keep the client easy to find one's way in: files that are read in one go, folders that fit on a screen.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const MAX_LINES = 350;
const MAX_FILES = 20;
/** A longer file says why, in the comment that it begins with. */
const REASON = /^(\/\/.*\n)*\/\/ Over 350 lines: /;

const folders = (path: string): string[] => [
  path,
  ...readdirSync(path, { withFileTypes: true })
    .filter((each) => each.isDirectory())
    .flatMap((each) => folders(join(path, each.name))),
];
const filesIn = (folder: string) =>
  readdirSync(folder, { withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(folder, each.name));
const all = ["src", "test", "scripts"].flatMap(folders);

test(`a folder has at most ${MAX_FILES} files`, () => {
  assert.deepEqual(
    all.filter((folder) => filesIn(folder).length > MAX_FILES),
    [],
  );
});

test(`a file has at most ${MAX_LINES} lines, or says why it has more`, () => {
  const long = all.flatMap(filesIn).filter((file) => {
    const text = readFileSync(file, "utf8");
    return text.split("\n").length - 1 > MAX_LINES && !REASON.test(text);
  });
  assert.deepEqual(long, []);
});
