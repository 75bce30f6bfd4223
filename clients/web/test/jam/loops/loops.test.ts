// Loops: read with suspicion, played in time, recorded onto the bars that they come round on.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Doc } from "yjs";
import { Looper } from "../../../src/jam/loops/looper";
import { audible, type Loop, quantised, readLoop, roundOf, soundsOf } from "../../../src/jam/loops/loops";
import { Recorder } from "../../../src/jam/loops/recorder";
import { Score } from "../../../src/jam/score";
import { Synth } from "../../../src/jam/synth/synth";
import type { ToSynth } from "../../../src/jam/synth/synthPort";
import { PPQ, STILL, type Transport } from "../../../src/jam/transport";

/** Two beats a second from server time 0. */
const running: Transport = { ...STILL, playing: true, tempo: 120 };

function loop(changes: Partial<Loop> = {}): Loop {
  return {
    id: "l1",
    name: "Bass",
    program: 33,
    bars: 2,
    beats: 4,
    notes: [
      [0, PPQ, 40, 90],
      [5 * PPQ, PPQ / 2, 43, 80],
    ],
    pan: 0.5,
    volume: 1,
    muted: false,
    solo: false,
    by: "p_ada",
    ...changes,
  };
}

test("a loop sounds at every bar that is a multiple of its length", () => {
  const sounds = soundsOf(loop(), { transport: running, fromMs: 0, toMs: 12_000 });
  assert.deepEqual(
    sounds.map((sound) => [sound.fromMs, sound.untilMs, sound.pitch]),
    [
      [0, 500, 40],
      [2500, 2750, 43],
      [4000, 4500, 40],
      [6500, 6750, 43],
      [8000, 8500, 40],
      [10_500, 10_750, 43],
    ],
  );
});

test("who joins in the middle hears what the others hear", () => {
  const all = soundsOf(loop(), { transport: running, fromMs: 0, toMs: 20_000 });
  const late = soundsOf(loop(), { transport: running, fromMs: 9_000, toMs: 20_000 });
  assert.deepEqual(
    late,
    all.filter((sound) => sound.fromMs >= 9000),
  );
});

test("windows that follow each other miss nothing and repeat nothing, at any width", () => {
  const whole = soundsOf(loop(), { transport: running, fromMs: 0, toMs: 30_000 }).map((each) => each.fromMs);
  for (const width of [33.3, 50, 250, 1000]) {
    const parts: number[] = [];
    for (let from = 0; from < 30_000; from += width) {
      const toMs = Math.min(30_000, from + width);
      parts.push(...soundsOf(loop(), { transport: running, fromMs: from, toMs }).map((each) => each.fromMs));
    }
    assert.deepEqual(parts, whole);
  }
});

test("under another meter the part that fits its bars is played, and nothing while stopped", () => {
  const three = { ...running, beats: 2 };
  const sounds = soundsOf(loop(), { transport: three, fromMs: 0, toMs: 4000 });
  assert.deepEqual(
    sounds.map((sound) => [sound.fromMs, sound.pitch]),
    [
      [0, 40],
      [2000, 40],
    ],
  );
  assert.deepEqual(soundsOf(loop(), { transport: STILL, fromMs: 0, toMs: 4000 }), []);
});

test("solo and mute", () => {
  const [one, two, three] = [loop({ id: "a" }), loop({ id: "b", muted: true }), loop({ id: "c" })];
  assert.deepEqual(audible([one, two, three]), [one, three]);
  const alone = loop({ id: "d", solo: true });
  assert.deepEqual(audible([one, alone]), [alone]);
  assert.deepEqual(audible([one, { ...alone, muted: true }]), [one]);
});

test("a loop is read with suspicion", () => {
  const read = readLoop("x", {
    bars: 99,
    volume: "loud",
    notes: [[0, 1, 60, 90], [1, 2], [0, 0, 60, 1], [0, 9, 200, 3], "no"],
  });
  assert.deepEqual([read.bars, read.volume, read.notes], [1, 1, [[0, 1, 60, 90]]]);
});

test("quantising goes to the nearest line", () => {
  assert.deepEqual(
    [quantised(130, 120), quantised(179, 120), quantised(181, 120), quantised(77.4, 0)],
    [120, 120, 240, 77],
  );
});

test("a take begins at a bar line after the count-in, and its notes come round where they were played", () => {
  const take = { program: 0, bars: 2, grid: 120, over: null };
  const recorder = new Recorder(take, running, 9.3, 1);
  // Bar 3 begins at beat 12; a bar is counted in.
  assert.deepEqual([recorder.from, recorder.to], [16, 24]);
  assert.equal(recorder.progress(15), -1);
  recorder.press(12, 50, 90);
  recorder.press(15.9, 60, 90);
  recorder.release(17, 60);
  recorder.press(18.51, 64, 70);
  recorder.release(18.6, 64);
  recorder.press(23.5, 67, 60);
  assert.equal(recorder.progress(20), 0.5);
  const notes = recorder.finish();
  assert.equal(roundOf(running, 2, 16), 16);
  assert.deepEqual(notes, [
    [0, 528, 60, 90],
    [1200, 60, 64, 70],
    [3600, 240, 67, 60],
  ]);
  const sounds = soundsOf(loop({ notes }), { transport: running, fromMs: 12_000, toMs: 16_000 });
  assert.deepEqual(
    sounds.map((sound) => [sound.beat, sound.pitch]),
    [
      [24, 60],
      [26.5, 64],
      [31.5, 67],
    ],
  );
});

test("a take that begins in the middle of the loop's round is laid where it belongs", () => {
  const recorder = new Recorder({ program: 0, bars: 2, grid: 0, over: null }, running, 3, 0);
  assert.equal(recorder.from, 4);
  recorder.press(4, 60, 90);
  recorder.release(5, 60);
  recorder.press(8, 62, 90);
  recorder.release(9, 62);
  assert.deepEqual(recorder.finish(), [
    [0, 480, 62, 90],
    [1920, 480, 60, 90],
  ]);
});

function looped() {
  const clock = { now: 0, on: true };
  const said: ToSynth[] = [];
  const synth = new Synth();
  synth.connect((message) => said.push(message));
  const looper = new Looper({
    synth,
    serverNow: () => clock.now,
    timeAt: (ms) => (clock.on ? ms / 1000 : null),
  });
  const notes = () =>
    said.flatMap((message) =>
      message.kind === "note" ? [[message.note.at, message.note.pitch] as const] : [],
    );
  return { clock, said, looper, notes };
}

test("what comes next is handed over once, ahead of its time", () => {
  const { clock, looper, notes } = looped();
  looper.set({ now: running, next: null }, [loop()], false, false);
  for (; clock.now < 8000; clock.now += 50) looper.tick(false);
  assert.deepEqual(notes(), [
    [0, 40],
    [2.5, 43],
    [4, 40],
    [6.5, 43],
    [8, 40],
  ]);
});

test("a hidden page hands over enough for timers that run once a second", () => {
  const { clock, looper, notes } = looped();
  looper.set({ now: running, next: null }, [loop()], false, false);
  for (; clock.now < 8000; clock.now += 1000) {
    looper.tick(true);
    for (const [at] of notes()) assert.ok(at * 1000 <= clock.now + 2500);
  }
  assert.ok(notes().length >= 5);
});

test("a change of the transport takes back what it makes wrong", () => {
  const { clock, said, looper, notes } = looped();
  looper.set({ now: running, next: null }, [loop()], false, false);
  clock.now = 2300;
  looper.tick(false);
  assert.deepEqual(notes(), [[2.5, 43]]);
  const next = { ...running, serial: 2, at_ms: 2400, beat: 4.8, tempo: 60 };
  looper.set({ now: running, next }, [loop()], false, false);
  const cancelled = said.find((message) => message.kind === "cancel");
  assert.equal(cancelled?.kind === "cancel" && cancelled.at, 2.33);
  clock.now = 2350;
  looper.tick(false);
  assert.ok(Math.abs((notes()[1]?.[0] ?? 0) - 2.6) < 1e-9);
});

test("the metronome clicks on beats, higher on the first of a bar; stopping silences", () => {
  const { clock, said, looper, notes } = looped();
  looper.set({ now: running, next: null }, [], true, false);
  for (; clock.now < 2000; clock.now += 50) looper.tick(false);
  assert.deepEqual(
    notes().map(([at, pitch]) => [at, pitch]),
    [
      [0, 76],
      [0.5, 77],
      [1, 77],
      [1.5, 77],
      [2, 76],
    ],
  );
  looper.set({ now: { ...running, playing: false }, next: null }, [], true, false);
  looper.tick(false);
  assert.ok(said.some((message) => message.kind === "silence"));
});

test("a deleted loop falls silent, and its channel is another's", () => {
  const { said, looper } = looped();
  looper.set({ now: running, next: null }, [loop({ id: "a" })], false, false);
  const first = said.find((message) => message.kind === "channel" && message.program === 33);
  looper.set({ now: running, next: null }, [], false, false);
  assert.ok(said.some((message) => message.kind === "silence"));
  looper.set({ now: running, next: null }, [loop({ id: "b", program: 0 })], false, false);
  const second = said.findLast((message) => message.kind === "channel");
  assert.equal(first?.kind === "channel" && first.channel, second?.kind === "channel" && second.channel);
});

test("the score reads and writes the document, and two pages agree", () => {
  const doc = new Doc();
  const score = new Score(doc);
  const id = score.addLoop({ name: "Bass", program: 33, bars: 2, beats: 4, notes: [[0, 480, 40, 90]] });
  score.setLoop(id, { muted: true });
  score.setPlayer("p_ada", { program: 128 });
  score.set("interval", 2);
  score.setRole("lead", true);
  assert.deepEqual(score.controls.value.prompts, [["pop", 1]]);
  score.setPrompt("jazz", 0.4);
  score.setControl("density", 0.7);
  const other = new Score(doc);
  for (const each of [score, other]) {
    assert.equal(each.loops.value[0]?.muted, true);
    assert.deepEqual(each.loops.value[0]?.notes, [[0, 480, 40, 90]]);
    assert.deepEqual(each.player("p_ada"), {
      program: 128,
      volume: 0.8,
      pan: 0.5,
      muted: false,
      solo: false,
    });
    assert.equal(each.settings.value.interval, 2);
    assert.equal(each.controls.value.roles.lead, true);
    assert.deepEqual(
      new Map(each.controls.value.prompts),
      new Map([
        ["pop", 1],
        ["jazz", 0.4],
      ]),
    );
    assert.equal(each.controls.value.density, 0.7);
  }
  score.removePrompt("pop");
  score.removePrompt("jazz");
  score.setControl("density", null);
  score.removeLoop(id);
  assert.deepEqual(other.controls.value.prompts, []);
  assert.equal(other.controls.value.density, null);
  assert.deepEqual(other.loops.value, []);
});
