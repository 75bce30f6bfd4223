import assert from "node:assert/strict";
import { test } from "node:test";
import { byOrder, keyBetween, keysBetween } from "../../src/canvas/order";
import { seeded } from "../support";

// The same table stands in tests/proto/test_order.py.
const TABLE: [string, string, string][] = [
  ["", "", "V"],
  ["V", "", "W"],
  ["y", "", "z01"],
  ["z0z", "", "z11"],
  ["zyz", "", "zz0001"],
  ["z", "", "z01"],
  ["", "V", "U"],
  ["", "1", "0zz"],
  ["", "011", "00zzzz"],
  ["", "Vx", "V"],
  ["V", "W", "VV"],
  ["V", "VV", "VF"],
  ["V", "V1", "V0V"],
  ["V", "V01", "V00V"],
  ["Vz", "W", "VzV"],
  ["z".repeat(64), "", `${"z".repeat(64)}00000001`],
];

test("order keys: the ones that the server makes", () => {
  for (const [low, high, made] of TABLE) assert.equal(keyBetween(low, high), made, `${low} ${high}`);
  for (const [low, high] of [
    ["V", "V"],
    ["", "0"],
    ["V", "V0"],
  ])
    assert.throws(() => keyBetween(low, high), RangeError);
  assert.ok(byOrder({ z: "Z", id: "a" }, { z: "a", id: "a" }) < 0);
  assert.ok(byOrder({ z: "a", id: "a" }, { z: "a", id: "b" }) < 0);
});

test("order keys: a hundred thousand at either end, and at random places, stay short", () => {
  let [low, high] = ["V", "V"];
  for (let count = 0; count < 100_000; count += 1) {
    const [below, above] = [keyBetween("", low), keyBetween(high)];
    assert.ok(below < low && above > high);
    [low, high] = [below, above];
  }
  assert.ok(Math.max(low.length, high.length) <= 8);
  const random = seeded(7);
  const keys: string[] = [];
  for (let count = 0; count < 20_000; count += 1) {
    const at = Math.floor(random() * (keys.length + 1));
    keys.splice(at, 0, keyBetween(keys[at - 1] ?? "", keys[at] ?? ""));
  }
  assert.deepEqual([...keys].sort(), keys);
  assert.ok(keys.every((key) => key.length <= 40));
});

test("order keys: many fit between two at once", () => {
  for (const [low, high] of [
    ["", ""],
    ["V", ""],
    ["", "V"],
    ["V", "W"],
  ] as const) {
    const made = keysBetween(low, high, 1000);
    assert.deepEqual([...new Set(made)].sort(), made);
    assert.equal(made.length, 1000);
    assert.ok((made[0] as string) > low && (!high || (made.at(-1) as string) < high));
  }
});
