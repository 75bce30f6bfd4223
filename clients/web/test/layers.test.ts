// The order of the folders, which biome.json states, is really held: each bad import below is refused, each good one is not.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";

/** Highest first; folders in one row do not import each other. */
const ORDER = [
  ["ui"],
  ["film"],
  ["editor", "generate", "jam"],
  ["room"],
  ["canvas"],
  ["connection"],
  ["protocol", "strings"],
];
const UI_ORDER = [["shell"], ["panel"], ["story"], ["canvas", "film", "jam"], ["parts"]];

function refused(files: Record<string, string>): string[] {
  const root = mkdtempSync(join(tmpdir(), "layers-"));
  try {
    copyFileSync("biome.json", join(root, "biome.json"));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    const args = ["lint", "--reporter=json", "--max-diagnostics=none", root];
    const run = spawnSync(resolve("node_modules/.bin/biome"), args, { encoding: "utf8", cwd: root });
    const report = JSON.parse(run.stdout) as {
      diagnostics: { category: string; location: { path: unknown } }[];
    };
    const rules = ["lint/style/noRestrictedImports", "lint/suspicious/noImportCycles"];
    return report.diagnostics
      .filter(({ category }) => rules.includes(category))
      .map(({ location }) => JSON.stringify(location.path))
      .map((path) => Object.keys(files).find((name) => path.includes(name)) ?? path)
      .sort();
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** One file for every pair of folders: `from` imports `to`. */
function pairs(order: string[][], under: string): { files: Record<string, string>; bad: string[] } {
  const files: Record<string, string> = {};
  const bad: string[] = [];
  for (const [row, folders] of order.entries()) {
    for (const from of folders) {
      for (const [other, targets] of order.entries()) {
        for (const to of targets) {
          if (to === from) continue;
          const name = `${under}/${from}/to_${to}.ts`;
          files[name] = `import type { Thing } from "../${to}/thing";\nexport type Same = Thing;\n`;
          if (other <= row) bad.push(name);
        }
      }
    }
  }
  return { files, bad: bad.sort() };
}

test("the table of folders names every folder there is", () => {
  const folders = (path: string) =>
    readdirSync(path, { withFileTypes: true }).flatMap((each) => (each.isDirectory() ? each.name : []));
  assert.deepEqual(
    folders("src").filter((name) => name !== "styles"),
    ORDER.flat().sort(),
  );
  assert.deepEqual(folders("src/ui"), UI_ORDER.flat().sort());
});

test("imports go down the order of the folders and never up or across", () => {
  for (const { files, bad } of [pairs(ORDER, "src"), pairs(UI_ORDER, "src/ui")])
    assert.deepEqual(refused(files), bad);
});

test("files do not import each other in a circle, not even for a type", () => {
  const files = {
    "src/room/one.ts": 'import type { Two } from "./two";\nexport type One = Two | 1;\n',
    "src/room/two.ts": 'import type { One } from "./one";\nexport type Two = One | 2;\n',
  };
  assert.deepEqual(refused(files), Object.keys(files));
});
