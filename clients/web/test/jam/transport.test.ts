// The transport's arithmetic, by the cases that Python checks as well.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  barAt,
  beatAt,
  beatOfBar,
  inForce,
  msAt,
  nextLine,
  readTimeline,
  STILL,
  stretches,
  type Transport,
  type When,
} from "../../src/jam/transport";

interface Case {
  name: string;
  transport: Transport;
  beat_at: [number, number][];
  ms_at: [number, number | null][];
  bar_at: [number, number][];
  next_line: [number, When, number][];
}

const cases = JSON.parse(readFileSync(`${process.env.VECTORS}/jam.json`, "utf8")) as Case[];
const near = (actual: number, expected: number, within: number) =>
  assert.ok(Math.abs(actual - expected) <= within, `${actual}, expected ${expected}`);

for (const { name, transport, ...expected } of cases) {
  test(`transport: ${name}`, () => {
    for (const [ms, beat] of expected.beat_at) near(beatAt(transport, ms), beat, 1e-6);
    for (const [beat, ms] of expected.ms_at) {
      if (ms === null) assert.equal(msAt(transport, beat), Number.POSITIVE_INFINITY);
      else near(msAt(transport, beat), ms, 1e-3);
    }
    for (const [beat, bar] of expected.bar_at) {
      assert.equal(barAt(transport, beat), bar);
      assert.ok(beatOfBar(transport, bar) <= beat);
    }
    for (const [beat, when, line] of expected.next_line) near(nextLine(transport, beat, when), line, 1e-9);
  });
}

test("a timeline is read from the document, and what makes no sense is a still one", () => {
  const now = { ...STILL, playing: true, tempo: 90 };
  assert.deepEqual(readTimeline({ now, next: null }), { now, next: null });
  for (const bad of [
    undefined,
    3,
    { now: 4 },
    { now: { ...now, tempo: Number.NaN } },
    { now: { ...now, beats: 0 } },
  ]) {
    assert.deepEqual(readTimeline(bad), { now: STILL, next: null });
  }
});

test("the next transport takes over at its own time", () => {
  const now = { ...STILL, playing: true, at_ms: 0 };
  const next = { ...now, serial: 2, at_ms: 1000, beat: 2, tempo: 60 };
  assert.equal(inForce({ now, next }, 999), now);
  assert.equal(inForce({ now, next }, 1000), next);
  assert.deepEqual(
    stretches({ now, next }, 500, 1500).map((part) => [part.transport.serial, part.fromMs, part.toMs]),
    [
      [0, 500, 1000],
      [2, 1000, 1500],
    ],
  );
  assert.equal(stretches({ now, next }, 1200, 1500)[0]?.transport, next);
  assert.deepEqual(stretches({ now, next: null }, 5, 5), []);
});
