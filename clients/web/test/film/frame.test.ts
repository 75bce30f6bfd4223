// The evaluator in the page draws what the one in the server draws.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { drawerOf } from "../../src/film/dicebear";
import { frame } from "../../src/film/frame";
import type { Figure } from "../../src/film/looks";
import { captions, lengthOf, reel, type ShotFields } from "../../src/film/reel";

interface Vector {
  film: string;
  shots: ShotFields[];
  clips: [number, number, number, string][];
  captions: [number, number, string, string[]][];
  frames: Record<string, (string | number)[][]>;
}
interface Vectors {
  cast: Record<string, ShotFields>;
  films: Vector[];
  figures: string[][];
}
const vectors = JSON.parse(readFileSync(`${process.env.VECTORS}/film.json`, "utf8")) as Vectors;

for (const vector of vectors.films) {
  test(`the golden vectors hold: ${vector.film}`, () => {
    const clips = reel(vector.shots, vectors.cast);
    assert.deepEqual(
      clips.map((clip) => [clip.start, clip.frames, clip.lead, clip.transition]),
      vector.clips,
    );
    const read = clips.flatMap(captions).map((one) => [one.start, one.end, one.who, [...one.lines]]);
    assert.deepEqual(read, vector.captions);
    for (const [number, expected] of Object.entries(vector.frames)) {
      const found = frame(clips, Number(number));
      assert.equal(found.length, expected.length, `frame ${number}`);
      found.forEach((op, place) => {
        op.forEach((value, at) => {
          const wanted = expected[place]?.[at];
          if (typeof value === "number" && typeof wanted === "number")
            assert.ok(Math.abs(value - wanted) <= 0.011, `frame ${number}: ${op} is not ${expected[place]}`);
          else assert.equal(value, wanted, `frame ${number}: ${op} is not ${expected[place]}`);
        });
        assert.equal(op.length, expected[place]?.length);
      });
    }
  });
}

test("what is no number counts as the default, and no length as a frame", () => {
  const clips = reel([{ seconds: Number.NaN }, { seconds: Number.POSITIVE_INFINITY }, { seconds: 0 }, {}]);
  assert.deepEqual(
    clips.map((clip) => clip.frames),
    [72, 72, 1, 72],
  );
  assert.equal(lengthOf(clips), 217);
});

test("DiceBear draws the same figures here as in the export", async () => {
  assert.ok(vectors.figures.length > 30);
  for (const [style, seed, skin, hair, coat, eyes, mouth, digest] of vectors.figures) {
    const draw = await drawerOf(style as "lorelei");
    const svg = draw({ style, seed, skin, hair, coat, eyes, mouth } as Figure);
    assert.equal(createHash("sha256").update(svg).digest("hex"), digest, `${style} ${eyes} ${mouth}`);
  }
});
