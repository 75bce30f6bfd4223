// The band's buffer and feed: what comes in time sounds, what does not is counted, and an interrupt reaches what waits.

import assert from "node:assert/strict";
import { test } from "node:test";
import { BandFeed } from "../../../src/jam/band/bandFeed";
import type { ToBand } from "../../../src/jam/band/bandPort";
import { JitterBuffer } from "../../../src/jam/band/jitterBuffer";
import type { OnPcm } from "../../../src/jam/band/opus";
import { seeded } from "../../support";

const FRAME = 960;
const BLOCK = 128;

/** A frame whose samples are their own numbers, so that a test sees which one sounded. */
function frame(pts: number): Float32Array {
  return Float32Array.from({ length: FRAME }, (_, index) => pts + index);
}

function play(buffer: JitterBuffer, from: number, blocks: number): number[] {
  const heard: number[] = [];
  for (let block = 0; block < blocks; block += 1) {
    const left = new Float32Array(BLOCK);
    buffer.read(left, new Float32Array(BLOCK), from + block * BLOCK, 1);
    heard.push(...left);
  }
  return heard;
}

test("frames in any order sound in theirs", () => {
  const buffer = new JitterBuffer();
  for (const pts of [2 * FRAME, 0, 3 * FRAME, FRAME]) buffer.write(pts, frame(pts), frame(pts));
  const heard = play(buffer, 0, 30);
  assert.deepEqual(
    heard.slice(200, 3840),
    Array.from({ length: 3640 }, (_, index) => index + 200),
  );
  assert.deepEqual(
    { ...buffer.stats },
    { played: 3840, missing: 0, underruns: 0, late: 0, overflow: 0, jumps: 0 },
  );
});

test("a late frame is a gap: it is counted, and nothing after it is delayed", () => {
  const buffer = new JitterBuffer();
  buffer.write(0, frame(0), frame(0));
  buffer.write(2 * FRAME, frame(2 * FRAME), frame(2 * FRAME));
  play(buffer, 0, 15);
  buffer.write(FRAME, frame(FRAME), frame(FRAME));
  const heard = play(buffer, 15 * BLOCK, 7);
  assert.equal(buffer.stats.late, 1);
  assert.equal(buffer.stats.underruns, 1);
  assert.equal(buffer.stats.missing, FRAME);
  assert.equal(heard[500], 15 * BLOCK + 500);
});

test("what is left of a frame that came in the middle of its time still sounds", () => {
  const buffer = new JitterBuffer();
  play(buffer, 0, 3);
  buffer.write(0, frame(0), frame(0));
  const heard = play(buffer, 3 * BLOCK, 4);
  assert.equal(buffer.stats.late, 0);
  assert.equal(heard.at(-1), 7 * BLOCK - 1);
});

test("running dry counts as breaking off only when what was missed comes after all", () => {
  const buffer = new JitterBuffer();
  buffer.write(0, frame(0), frame(0));
  play(buffer, 0, 30);
  assert.deepEqual([buffer.stats.underruns, buffer.stats.missing], [0, 0]);
  // A band that pauses and goes on: nothing broke off.
  buffer.write(5 * FRAME, frame(5 * FRAME), frame(5 * FRAME));
  const quiet = play(buffer, 30 * BLOCK, 10);
  assert.ok(quiet.slice(900).some((sample) => sample !== 0));
  play(buffer, 40 * BLOCK, 10);
  buffer.write(6 * FRAME, frame(6 * FRAME), frame(6 * FRAME));
  assert.deepEqual([buffer.stats.underruns, buffer.stats.late], [1, 0]);
  assert.equal(buffer.stats.missing, FRAME + 50 * BLOCK - 6 * FRAME);
});

test("a flush takes back what was to come, and what replaces it sounds", () => {
  const buffer = new JitterBuffer();
  for (const pts of [0, FRAME, 2 * FRAME]) buffer.write(pts, frame(pts), frame(pts));
  play(buffer, 0, 5);
  buffer.flush(FRAME);
  assert.equal(buffer.ahead, FRAME - 5 * BLOCK);
  const other = frame(FRAME).map((sample) => -sample);
  buffer.write(FRAME, other, other);
  const heard = play(buffer, 5 * BLOCK, 10);
  assert.ok(heard.slice(FRAME - 5 * BLOCK + 200).every((sample) => sample < 0));
});

test("it glides after a clock that drifts, without a hole", () => {
  const buffer = new JitterBuffer();
  for (let pts = 0; pts < 480_000; pts += FRAME) {
    buffer.write(pts, new Float32Array(FRAME).fill(1), new Float32Array(FRAME).fill(1));
  }
  const left = new Float32Array(BLOCK);
  const blocks = 3000;
  for (let block = 0; block < blocks; block += 1) {
    buffer.read(left, new Float32Array(BLOCK), block * BLOCK * 1.0002, 1);
  }
  assert.equal(buffer.stats.jumps, 0);
  assert.equal(buffer.stats.missing, 0);
  const lag = blocks * BLOCK * 1.0002 - (480_000 - buffer.ahead);
  assert.ok(Math.abs(lag) < 200, String(lag));
});

test("a new place far away is jumped to", () => {
  const buffer = new JitterBuffer();
  for (let pts = 0; pts < 96_000; pts += FRAME) buffer.write(pts, frame(pts), frame(pts));
  play(buffer, 0, 2);
  const heard = play(buffer, 48_000, 3);
  assert.equal(buffer.stats.jumps, 1);
  assert.equal(heard.at(-1), 48_000 + 3 * BLOCK - 1);
});

test("memory is bounded: what is too far ahead is refused, and the ring is used again and again", () => {
  const buffer = new JitterBuffer();
  play(buffer, 0, 1);
  buffer.write(48_000 * 20, frame(0), frame(0));
  assert.equal(buffer.stats.overflow, 1);
  const loud = new Float32Array(FRAME).fill(1);
  buffer.write(0, loud, loud);
  let pts = 0;
  for (; pts < 48_000 * 30; pts += FRAME) {
    buffer.write(pts + FRAME, loud, loud);
    for (let at = pts; at < pts + FRAME; at += 96) {
      buffer.read(new Float32Array(96), new Float32Array(96), at, 1);
    }
  }
  // The first block came before its frame.
  assert.ok(buffer.stats.missing <= BLOCK, String(buffer.stats.missing));
});

test("any order, loss and delay leaves the counts whole", () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const random = seeded(seed);
    const buffer = new JitterBuffer();
    const frames = Array.from({ length: 60 }, (_, index) => ({
      pts: index * FRAME,
      at: index * FRAME - 4000 + random() * 6000,
      lost: random() < 0.1,
    }));
    const waiting = frames.filter((each) => !each.lost).sort((a, b) => a.at - b.at);
    for (let place = 0; place < 60 * FRAME; place += BLOCK) {
      while (waiting[0] && waiting[0].at <= place) {
        const { pts } = waiting.shift() as { pts: number };
        buffer.write(pts, frame(pts), frame(pts));
      }
      const left = new Float32Array(BLOCK);
      buffer.read(left, new Float32Array(BLOCK), place, 1);
      assert.ok(left.every(Number.isFinite));
    }
    const { played, missing, late } = buffer.stats;
    // What was lost at the very end nobody can know of.
    assert.ok(played + missing <= 60 * FRAME, `seed ${seed}`);
    assert.ok(played + missing > 52 * FRAME, `seed ${seed}`);
    assert.ok(missing >= late * FRAME - BLOCK);
  }
});

// The feed: a scripted decoder instead of the browser's.

const stream = {
  tag: "band_stream" as const,
  run: "r1",
  epoch: 1,
  start_ms: 10_000,
  frame: FRAME,
  from_pts: 0,
  pre_skip: 312,
};
const audio = (seq: number, changes: { epoch?: number; pts?: number; run?: string } = {}) => ({
  tag: "audio" as const,
  run: "r1",
  epoch: 1,
  seq,
  pts: seq * FRAME,
  opus: new Uint8Array([seq]),
  ...changes,
});

async function fed(soundOn = true) {
  const clock = { now: 9_500, on: soundOn };
  const posted: ToBand[] = [];
  let decoded = 0;
  let resets = 0;
  const feed = new BandFeed({
    serverNow: () => clock.now,
    timeAt: (serverMs) => (clock.on ? (serverMs - 10_000) / 1000 + 5 : null),
    post: (message) => posted.push(message),
    open: async (onPcm: OnPcm) => ({
      name: "WebCodecs",
      decode: (pts) => {
        decoded += 1;
        onPcm(pts, new Float32Array(FRAME), new Float32Array(FRAME));
      },
      reset: () => {
        resets += 1;
      },
      close: () => {},
    }),
  });
  feed.follow(stream);
  feed.onPacket(audio(0));
  await new Promise((resolve) => setImmediate(resolve));
  clock.now = 10_000;
  return {
    feed,
    clock,
    posted,
    counts: () => ({ decoded, resets }),
    of: (kind: ToBand["kind"]) => posted.filter((message) => message.kind === kind),
  };
}

test("a sample is due when its number says, on the audio clock", async () => {
  const { feed, clock, of } = await fed();
  clock.now = 12_500;
  feed.align();
  assert.deepEqual(of("anchor").at(-1), { kind: "anchor", anchor: { time: 7.5, pts: 2500 * 48 } });
});

test("packets are decoded into their places, without what the decoder gives before the first", async () => {
  const { feed, of, counts } = await fed();
  feed.onPacket(audio(7));
  assert.equal(counts().decoded, 1);
  const [pcm] = of("pcm");
  assert.equal(pcm?.kind === "pcm" && pcm.pts, 7 * FRAME - 312);
});

test("holes, other runs and epochs that are over are counted and not decoded", async () => {
  const { feed, counts, posted } = await fed();
  feed.onPacket(audio(1));
  feed.onPacket(audio(4));
  feed.onPacket(audio(5, { run: "r0" }));
  feed.follow({ ...stream, epoch: 2, from_pts: 9 * FRAME });
  feed.onPacket(audio(6));
  feed.onPacket(audio(0, { epoch: 2, pts: 9 * FRAME }));
  feed.onStats({
    played: 0,
    missing: 0,
    underruns: 0,
    late: 0,
    overflow: 0,
    jumps: 0,
    aheadMs: 0,
    peak: 0,
    atMs: 0,
  });
  const { packets, holes, stale } = feed.stats.value;
  assert.deepEqual([packets, holes, stale], [4, 2, 2]);
  assert.equal(counts().decoded, 3);
  assert.deepEqual(
    posted.filter((message) => message.kind === "flush"),
    [{ kind: "flush", pts: 9 * FRAME }],
  );
});

test("another run begins from nothing, and a stopped one is silent", async () => {
  const { feed, counts, of } = await fed();
  feed.follow({ ...stream, run: "r2" });
  assert.equal(counts().resets, 1);
  assert.equal(of("reset").length, 2);
  feed.follow(null);
  assert.deepEqual(of("anchor").at(-1), { kind: "anchor", anchor: null });
  feed.onPacket(audio(0, { run: "r2" }));
  assert.equal(counts().decoded, 0);
});

test("packets that come after their time move this page a bounded while behind the room", async () => {
  const { feed, clock, of } = await fed();
  for (let seq = 1; seq < 80; seq += 1) {
    clock.now = 10_000 + seq * 20 + 60;
    feed.onPacket(audio(seq));
  }
  feed.align();
  const last = of("anchor").at(-1);
  const pts = last?.kind === "anchor" && last.anchor ? last.anchor.pts : 0;
  const behind = clock.now - 10_000 - pts / 48;
  assert.ok(behind >= 60 && behind <= 100, String(behind));
});

test("without sound nothing is decoded, and it is decoded as soon as there is", async () => {
  const { feed, clock, counts } = await fed(false);
  feed.onPacket(audio(1));
  assert.equal(counts().decoded, 0);
  clock.on = true;
  feed.onPacket(audio(2));
  await new Promise((resolve) => setImmediate(resolve));
  feed.onPacket(audio(3));
  assert.equal(counts().decoded, 1);
});
