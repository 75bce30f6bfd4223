// A jam over a scripted connection: what is conducted, played and heard. Without an AudioContext nothing sounds, and
// everything else works.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Doc } from "yjs";
import { HeldKeys } from "../../src/jam/heldKeys";
import { labelOfPitch, pitchOfKey } from "../../src/jam/keyboard";
import { type MidiEvent, MidiInputs, readMidi } from "../../src/jam/midi";
import { isSolo, level } from "../../src/jam/mixer";
import { PianoRoll } from "../../src/jam/pianoRoll";
import { me, Players } from "../../src/jam/players";
import { Score } from "../../src/jam/score";
import { Synth } from "../../src/jam/synth/synth";
import type { ToSynth } from "../../src/jam/synth/synthPort";
import { STILL } from "../../src/jam/transport";
import type { ClientMessage, NoteEvent } from "../../src/protocol/messages";
import { type Conducted, JamChannel, type JamMessage } from "../../src/room/jamChannel";

function line(open = true) {
  const sent: ClientMessage[] = [];
  const jam = new JamChannel((message) => {
    if (open) sent.push(message);
    return open;
  });
  const heard: (JamMessage | null)[] = [];
  jam.listener = (message) => heard.push(message);
  return { jam, sent, heard };
}

const conducted = (conduct: number, serial: number, atMs: number): Conducted => ({
  tag: "conducted",
  conduct,
  serial,
  at_ms: atMs,
  beat: 0,
});

test("a change of the transport is answered, moved, and forgotten", () => {
  const { jam, sent } = line();
  const answers: (Conducted | null)[] = [];
  const conduct = jam.conduct({ tempo: 90 }, "bar", (answer) => answers.push(answer));
  assert.deepEqual(sent, [{ tag: "conduct", conduct, change: { tempo: 90 }, when: "bar" }]);
  jam.receive(conducted(conduct, 3, 1000));
  jam.receive(conducted(conduct, 4, 1500));
  jam.receive(conducted(conduct + 1, 9, 1));
  assert.deepEqual(
    answers.map((answer) => answer?.at_ms),
    [1000, 1500],
  );
  jam.forget(conduct);
  jam.receive(conducted(conduct, 5, 2000));
  assert.equal(answers.length, 2);
});

test("a refused change, one without a connection and one whose connection ends are told as such", () => {
  const { jam } = line();
  const answers: (Conducted | null)[] = [];
  const conduct = jam.conduct({ playing: true }, "now", (answer) => answers.push(answer));
  jam.receive({ tag: "error", code: "denied", message: "", re: "conduct", ref: String(conduct) });
  jam.conduct({ playing: true }, "now", (answer) => answers.push(answer));
  jam.lost();
  line(false).jam.conduct({ playing: true }, "now", (answer) => answers.push(answer));
  assert.deepEqual(answers, [null, null, null]);
});

test("how to hear the band is kept for a panel that opens later", () => {
  const { jam, heard } = line();
  const stream = {
    tag: "band_stream" as const,
    run: "r",
    epoch: 1,
    start_ms: 5,
    frame: 960,
    from_pts: 0,
    pre_skip: 0,
  };
  jam.receive(stream);
  assert.equal(jam.stream, stream);
  jam.lost();
  assert.equal(jam.stream, null);
  assert.deepEqual(heard, [stream, null]);
});

/** Ada's keys and what she hears of Eve; the sound is on, and server time is the page's. */
function company(settings: Record<string, unknown> = {}, playing = false) {
  const doc = new Doc();
  const jam = doc.getMap("jam");
  const score = new Score(doc);
  if (playing) jam.set("transport", { now: { ...STILL, playing: true, tempo: 120 }, next: null });
  for (const [key, value] of Object.entries(settings)) score.set(key as "interval", value as number);
  const clock = { now: 1000 };
  const said: ToSynth[] = [];
  const sent: NoteEvent[][] = [];
  const keys: [string, number, number, number][] = [];
  const timers: (() => void)[] = [];
  const synth = new Synth();
  synth.connect((message) => said.push(message));
  synth.voice(me, { program: 0, volume: 1, pan: 0.5 });
  const people = new Players({
    score: () => score,
    synth,
    serverNow: () => clock.now,
    timeAt: (ms) => ms / 1000,
    soon: () => clock.now / 1000,
    send: (events) => sent.push(events),
    onKey: (...key) => keys.push(key),
    after: (_ms, callback) => timers.push(callback),
  });
  const notes = () => said.filter((message) => message.kind === "note").map((message) => message.note);
  return {
    people,
    clock,
    said,
    sent,
    keys,
    notes,
    flush: () => {
      for (const each of timers.splice(0)) each();
    },
  };
}

test("a chord sounds at once and goes out in one message", () => {
  const { people, notes, sent, flush } = company();
  for (const pitch of [60, 64, 67]) people.press(pitch, 90, 998);
  assert.deepEqual(
    notes().map((note) => [note.pitch, note.at]),
    [
      [60, 1],
      [64, 1],
      [67, 1],
    ],
  );
  flush();
  assert.equal(sent.length, 1);
  assert.deepEqual(sent[0]?.[0], { at_ms: 998, pitch: 60, velocity: 90 });
});

test("a message holds no more keys than the protocol allows", () => {
  const { people, sent, flush } = company();
  for (let pitch = 0; pitch < 100; pitch += 1) people.press(pitch, 90, 1000);
  flush();
  assert.deepEqual(
    sent.map((events) => events.length),
    [64, 36],
  );
});

test("a window that loses the keyboard lets every key go, once", () => {
  const { people, sent, flush } = company();
  people.press(60, 90, 1000);
  people.press(62, 90, 1000);
  flush();
  people.releaseAll();
  people.release(60, 1000);
  flush();
  assert.deepEqual(
    sent[1]?.map((event) => [event.pitch, event.velocity]),
    [
      [60, 0],
      [62, 0],
    ],
  );
  assert.equal(people.held.value.size, 0);
});

test("others' keys keep their rhythm: one delay for all, as large as the network needs", () => {
  const { people, clock, notes } = company();
  const offsets = [0, 30, 5, 12, 28, 3, 30, 1];
  offsets.forEach((late, index) => {
    const atMs = 1000 + index * 100;
    clock.now = atMs + 20 + late;
    people.onPlayed({
      tag: "played",
      participant: "eve",
      events: [{ at_ms: atMs, pitch: 60 + index, velocity: 80 }],
    });
  });
  const gaps = notes()
    .slice(2)
    .map((note, index, all) =>
      index === 0 ? 100 : Math.round((note.at - (all[index - 1]?.at ?? 0)) * 1000),
    );
  assert.ok(
    gaps.every((gap) => Math.abs(gap - 100) <= 2),
    String(gaps),
  );
});

test("in interval mode they sound whole bars later, on the same beat", () => {
  const { people, notes } = company({ interval: 2 }, true);
  people.onPlayed({ tag: "played", participant: "eve", events: [{ at_ms: 1000, pitch: 60, velocity: 80 }] });
  // Two bars of four beats at two beats a second.
  assert.equal(notes()[0]?.at, 5);
});

test("who left, or whose messages were lost, is silent", () => {
  const { people, said } = company();
  people.onPlayed({ tag: "played", participant: "eve", events: [{ at_ms: 1000, pitch: 60, velocity: 80 }] });
  people.silence("eve");
  assert.equal(said.at(-1)?.kind, "silence");
  people.forget("eve");
  people.silence("eve");
  assert.equal(said.filter((message) => message.kind === "silence").length, 2);
});

test("the roll knows who plays what, and the chord of a beat", () => {
  const roll = new PianoRoll();
  roll.key("eve", 1, 60, 90, false);
  roll.key("eve", 2, 60, 0, false);
  roll.key("ada", 2, 64, 90, false);
  roll.band(
    [{ tick: 480, duration: 480, role: "bass", pitch: 40, velocity: 80 }],
    [
      { tick: 0, name: "C" },
      { tick: 1920, name: "Am7" },
    ],
  );
  assert.deepEqual(
    roll.notes.map((note) => [note.who, note.from, note.to]),
    [
      ["eve", 1, 2],
      ["ada", 2, null],
      ["bass", 1, 2],
    ],
  );
  assert.deepEqual(roll.chordsAt(3.9), { now: "C", next: "Am7" });
  roll.lift(3);
  assert.equal(roll.notes[1]?.to, 3);
  roll.clearBand();
  assert.equal(roll.notes.length, 2);
  for (let beat = 0; beat < 5000; beat += 1) roll.key("eve", beat, beat % 128, 90, false);
  assert.equal(roll.notes.length, 1500);
});

test("the computer's keys are a piano, or pads", () => {
  assert.equal(pitchOfKey("KeyA", 48, false), 48);
  assert.equal(pitchOfKey("KeyW", 48, false), 49);
  assert.equal(pitchOfKey("Semicolon", 48, false), 64);
  assert.equal(pitchOfKey("KeyB", 48, false), null);
  assert.equal(pitchOfKey("KeyP", 120, false), null);
  assert.equal(pitchOfKey("KeyS", 48, true), 38);
  assert.equal(pitchOfKey("KeyW", 48, true), null);
  assert.equal(labelOfPitch(49, 48), "W");
  assert.equal(labelOfPitch(99, 48), "");
});

test("MIDI: keys, pedals, programs and silence are read, and nothing else", () => {
  const read = (...bytes: number[]) => readMidi(new Uint8Array(bytes));
  assert.deepEqual(read(0x93, 60, 100), { kind: "key", pitch: 60, velocity: 100, drums: false });
  assert.deepEqual(read(0x99, 36, 0), { kind: "key", pitch: 36, velocity: 0, drums: true });
  assert.deepEqual(read(0x85, 60, 64), { kind: "key", pitch: 60, velocity: 0, drums: false });
  assert.deepEqual(read(0xb0, 64, 64), { kind: "pedal", pedal: "sustain", down: true });
  assert.deepEqual(read(0xb2, 66, 63), { kind: "pedal", pedal: "sostenuto", down: false });
  assert.deepEqual(read(0xc0, 56), { kind: "program", program: 56 });
  for (const silence of [[0xb0, 123, 0], [0xb0, 120, 0], [0xb0, 121, 0], [0xb5, 126, 1], [0xff]])
    assert.deepEqual(read(...silence), { kind: "silence" });
  for (const other of [[0xb0, 1, 127], [0xf8], [0x90, 60], [], [0xc9, 5], [0x90, 200, 1]])
    assert.equal(read(...other), null);
  assert.equal(readMidi(null), null);
});

test("a note ends once, whatever keys and pedals do, and nothing sounds after all are up", () => {
  let seed = 7;
  const dice = (sides: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return Math.floor((seed / 2147483648) * sides);
  };
  for (let round = 0; round < 200; round += 1) {
    const keys = new HeldKeys();
    const sounding = new Set<number>();
    const end = (key: number) => assert.ok(sounding.delete(key), `${key} ended and did not sound`);
    const down = new Set<number>();
    for (let step = 0; step < 60; step += 1) {
      const key = dice(6);
      const act = dice(8);
      if (act < 3) {
        if (keys.press(key)) end(key);
        sounding.add(key);
        down.add(key);
      } else if (act < 6) {
        if (keys.release(key)) end(key);
        down.delete(key);
      } else keys.pedal(act === 6 ? "sustain" : "sostenuto", dice(2) === 0).forEach(end);
      assert.deepEqual(new Set(keys.sounding), sounding);
      for (const each of down) assert.ok(sounding.has(each), "a key that is down sounds");
    }
    for (const key of down) if (keys.release(key)) end(key);
    for (const pedal of ["sustain", "sostenuto"] as const) keys.pedal(pedal, false).forEach(end);
    assert.equal(sounding.size, 0);
  }
});

test("a keyboard that is unplugged lets go of its keys and pedals, and of nobody else's", async () => {
  const input = (id: string) => ({ id, name: id, state: "connected", onmidimessage: null as never });
  const inputs = new Map([
    ["a", input("a")],
    ["b", input("b")],
  ]);
  const access = { inputs, onstatechange: null as null | (() => void) };
  const was = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  const value = { requestMIDIAccess: async () => access };
  Object.defineProperty(globalThis, "navigator", { value, configurable: true });
  const events: MidiEvent[] = [];
  const midi = new MidiInputs(
    (event) => events.push(event),
    () => {},
  );
  await midi.open();
  if (was) Object.defineProperty(globalThis, "navigator", was);
  const send = (id: string, ...bytes: number[]) => {
    const listener = inputs.get(id)?.onmidimessage as unknown as ((message: object) => void) | undefined;
    listener?.({ data: new Uint8Array(bytes), timeStamp: 1 });
  };
  send("a", 0xb0, 64, 127);
  send("a", 0x90, 60, 100);
  send("a", 0x90, 62, 100);
  send("a", 0x80, 62, 0);
  send("b", 0x90, 70, 100);
  events.length = 0;
  inputs.delete("a");
  access.onstatechange?.();
  assert.deepEqual(events, [
    { kind: "pedal", pedal: "sustain", down: false },
    { kind: "key", pitch: 60, velocity: 0, drums: false },
  ]);
  midi.close();
  assert.deepEqual(events.at(-1), { kind: "key", pitch: 70, velocity: 0, drums: false });
});

test("a strip that is muted, or not solo, is not heard, and a muted solo silences nobody", () => {
  const strip = { volume: 0.7, pan: 0.2, muted: false, solo: false };
  const [off, alone] = [{ muted: true }, { solo: true }];
  assert.equal(level(strip, false), 0.7);
  assert.equal(level(strip, true), 0);
  assert.equal(level({ ...strip, ...alone }, true), 0.7);
  assert.equal(level({ ...strip, ...alone, ...off }, true), 0);
  assert.equal(isSolo({ ...strip, ...alone, ...off }), false);
});
