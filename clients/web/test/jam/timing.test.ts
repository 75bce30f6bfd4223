// The clocks of the jam under jitter and drift, in virtual time, and what decides when something is played.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ClockOffset } from "../../src/connection/clock";
import { AudioClock } from "../../src/jam/audioClock";
import { PlayoutDelay } from "../../src/jam/playoutDelay";
import { NoteQueue } from "../../src/jam/synth/noteQueue";
import { seeded } from "../support";

/** Pings every second against a server that is `ahead` of us and gains `drift` milliseconds a second. */
function estimated(jitter: () => number, ahead: number, drift: number) {
  const offset = new ClockOffset();
  let now = 0;
  for (let ping = 0; ping < 200; ping += 1) {
    now += 1000;
    const there = 0.3 + jitter();
    const back = 0.3 + jitter();
    const server = now + there + ahead + (drift * (now + there)) / 1000;
    offset.add(now, Math.floor(server), now + there + back);
  }
  return offset.value - (ahead + (drift * now) / 1000);
}

test("the server's clock is found within 8 ms under 80 ms of jitter, with rare long stalls", () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const random = seeded(seed);
    const jitter = () => (random() < 0.1 ? random() * 900 : random() ** 3 * 80);
    const error = estimated(jitter, 123_456.7, 0);
    assert.ok(Math.abs(error) < 8, `seed ${seed}: ${error}`);
  }
});

test("it follows a clock that drifts by 50 parts in a million", () => {
  const random = seeded(3);
  const error = estimated(() => random() * 2, -5000, 0.05);
  assert.ok(Math.abs(error) < 3.5, String(error));
});

test("one-sided delay, as a queue on the way out makes it, moves it little", () => {
  const random = seeded(9);
  const offset = new ClockOffset();
  for (let ping = 0; ping < 31; ping += 1) {
    const queue = random() < 0.4 ? 200 : 0;
    offset.add(0, 1000 + queue + 1, queue + 2);
  }
  assert.ok(Math.abs(offset.value - 1000) < 1);
});

test("after a new greeting the old samples hold until the first new one", () => {
  const offset = new ClockOffset();
  for (let ping = 0; ping < 9; ping += 1) offset.add(0, 500, 0);
  offset.renew();
  assert.equal(offset.value, 500);
  offset.add(0, 9000, 0);
  assert.equal(offset.value, 9000);
});

test("the audio clock is read through its jitter, and followed when it drifts", () => {
  const random = seeded(5);
  const context = { currentTime: 0, stamp: { contextTime: 0, performanceTime: 0 } };
  const clock = new AudioClock({ ...context, getOutputTimestamp: () => context.stamp }, () => 0, 1_000_000);
  assert.equal(clock.ready, false);
  let now = 0;
  for (let reading = 0; reading < 400; reading += 1) {
    now += 250;
    // 80 parts in a million slow, started 7 s late, each reading up to 6 ms wrong.
    const contextTime = ((now - 7000) * (1 - 80e-6)) / 1000;
    context.stamp = { contextTime, performanceTime: now + (random() - 0.5) * 12 };
    if (contextTime > 0) clock.read();
  }
  const heard = clock.timeAt(1_000_000 + now);
  const truth = ((now - 7000) * (1 - 80e-6)) / 1000;
  assert.ok(Math.abs(heard - truth) < 0.003, `${heard - truth}`);
});

test("a context without time stamps is read by its latency", () => {
  const context = { currentTime: 2, outputLatency: 0.05 };
  const clock = new AudioClock(context, () => 10_000, 0);
  clock.read();
  assert.equal(clock.timeAt(10_000 + 50), 2);
});

test("the playout delay covers the usual lateness, within its bound, and comes down again", () => {
  const random = seeded(2);
  const delay = new PlayoutDelay(10, 250);
  for (let packet = 0; packet < 500; packet += 1) delay.add(-300 + random() * 40);
  assert.equal(delay.value, 0);
  for (let packet = 0; packet < 64; packet += 1) delay.add(random() * 60);
  const raised = delay.value;
  assert.ok(raised > 50 && raised <= 70, String(raised));
  for (let packet = 0; packet < 64; packet += 1) delay.add(5000);
  assert.equal(delay.value, 250);
  for (let packet = 0; packet < 600; packet += 1) delay.add(-300);
  assert.ok(delay.value < 1);
});

test("notes wait for their time, in order, and end when they should", () => {
  const queue = new NoteQueue();
  const note = { channel: 1, velocity: 90 };
  queue.add({ ...note, pitch: 62, at: 2, until: 3 });
  queue.add({ ...note, pitch: 60, at: 1, until: 2.5 });
  queue.add({ ...note, pitch: 64, at: 0, until: null });
  const told = (time: number) => queue.take(time).map((due) => [due.pitch, due.velocity]);
  assert.deepEqual(told(0.5), [[64, 90]]);
  assert.deepEqual(told(2), [
    [60, 90],
    [62, 90],
  ]);
  assert.deepEqual(told(9), [
    [60, 0],
    [62, 0],
  ]);
  assert.deepEqual(told(99), []);
});

test("a release that is due before its key waits for it", () => {
  const queue = new NoteQueue();
  queue.add({ channel: 1, pitch: 60, velocity: 90, at: 2, until: null });
  queue.add({ channel: 1, pitch: 62, velocity: 90, at: 5, until: null });
  queue.release(1, 60, 1.5);
  assert.deepEqual(queue.take(1.9), []);
  assert.deepEqual(
    queue.take(2).map((due) => [due.pitch, due.velocity]),
    [
      [60, 90],
      [60, 0],
    ],
  );
});

test("what is cancelled does not sound, and what sounds still ends", () => {
  const queue = new NoteQueue();
  queue.add({ channel: 0, pitch: 60, velocity: 80, at: 1, until: 4 });
  queue.add({ channel: 0, pitch: 62, velocity: 80, at: 3, until: 4 });
  queue.add({ channel: 5, pitch: 62, velocity: 80, at: 3, until: 4 });
  queue.take(1);
  queue.cancel(0, 2);
  assert.deepEqual(
    queue.take(5).map((due) => [due.channel, due.pitch, due.velocity]),
    [
      [5, 62, 80],
      [0, 60, 0],
    ],
  );
  queue.clear(5);
  assert.equal(queue.length, 0);
});

test("a flood of notes is bounded and counted; releases always go in", () => {
  const queue = new NoteQueue();
  for (let index = 0; index < 10_000; index += 1) {
    queue.add({ channel: 0, pitch: 60, velocity: 1, at: index, until: null });
  }
  assert.equal(queue.length, 8192);
  assert.equal(queue.refused, 10_000 - 8192);
  queue.release(0, 60, 1e9);
  assert.equal(queue.length, 8193);
});
