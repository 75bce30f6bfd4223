// Loops: notes that repeat every few bars. Each loop is an object of the shared document.

import { CENTRE } from "../mixer";
import type { TimedNote } from "../synth/noteQueue";
import {
  barAt,
  beatAt,
  beatOfBar,
  MAX_LOOP_BARS,
  MAX_LOOP_NOTES,
  msAt,
  PPQ,
  type Stretch,
  type Transport,
} from "../transport";

/** Tick from the loop's start, duration in ticks, pitch, velocity. */
export type LoopNote = readonly [number, number, number, number];

export interface Loop {
  id: string;
  name: string;
  program: number;
  bars: number;
  /** Beats to the bar when it was recorded. */
  beats: number;
  notes: readonly LoopNote[];
  volume: number;
  pan: number;
  muted: boolean;
  solo: boolean;
  /** Participant; the server writes it. */
  by: string;
}

const number = (value: unknown, low: number, high: number, fallback: number): number =>
  typeof value === "number" && value >= low && value <= high ? value : fallback;

function readNotes(value: unknown): LoopNote[] {
  if (!Array.isArray(value)) return [];
  const longest = MAX_LOOP_BARS * 7 * PPQ;
  return value.slice(0, MAX_LOOP_NOTES).filter((note): note is LoopNote => {
    if (!Array.isArray(note) || note.length !== 4 || !note.every(Number.isSafeInteger)) return false;
    const [tick, duration, pitch, velocity] = note as [number, number, number, number];
    if (tick < 0 || tick >= longest || duration <= 0 || duration > longest) return false;
    return pitch >= 0 && pitch < 128 && velocity > 0 && velocity < 128;
  });
}

/** A loop from its fields in the document; missing or invalid fields get their default. */
export function readLoop(id: string, fields: Record<string, unknown>): Loop {
  return {
    id,
    name: typeof fields.name === "string" ? fields.name : "",
    program: number(fields.program, 0, 128, 0),
    bars: Math.floor(number(fields.bars, 1, MAX_LOOP_BARS, 1)),
    beats: Math.floor(number(fields.beats, 2, 7, 4)),
    notes: readNotes(fields.notes),
    volume: number(fields.volume, 0, 1, 1),
    pan: number(fields.pan, 0, 1, CENTRE),
    muted: fields.muted === true,
    solo: fields.solo === true,
    by: typeof fields.by === "string" ? fields.by : "",
  };
}

/** The loops that sound: only the soloed ones, if there are any. */
export function audible(loops: readonly Loop[]): Loop[] {
  const soloed = loops.filter((loop) => loop.solo && !loop.muted);
  return soloed.length > 0 ? soloed : loops.filter((loop) => !loop.muted);
}

/** The beat at or before `beat` at which a loop of `bars` bars came round. */
export function roundOf(transport: Transport, bars: number, beat: number): number {
  const bar = barAt(transport, beat + 1e-9);
  return beatOfBar(transport, Math.floor(bar / bars) * bars);
}

export interface LoopSound extends Omit<TimedNote, "at" | "until" | "channel"> {
  loop: Loop;
  /** Server time. */
  fromMs: number;
  untilMs: number;
  beat: number;
}

/** The notes of a loop that begin in a span of time. */
export function soundsOf(loop: Loop, { transport, fromMs, toMs }: Stretch): LoopSound[] {
  if (!transport.playing) return [];
  const from = beatAt(transport, fromMs);
  const to = beatAt(transport, toMs);
  const length = loop.bars * transport.beats;
  const sounds: LoopSound[] = [];
  for (let start = roundOf(transport, loop.bars, from); start < to; start += length) {
    for (const [tick, duration, pitch, velocity] of loop.notes) {
      const beat = start + tick / PPQ;
      if (tick / PPQ >= length || beat < from - 1e-9 || beat >= to - 1e-9) continue;
      const fromNote = msAt(transport, beat);
      const untilMs = fromNote + ((duration / PPQ) * 60_000) / transport.tempo;
      sounds.push({ loop, pitch, velocity, fromMs: fromNote, untilMs, beat });
    }
  }
  return sounds.sort((a, b) => a.fromMs - b.fromMs);
}

/** The nearest line of a grid of `grid` ticks; 0 is no grid. */
export function quantised(tick: number, grid: number): number {
  return grid > 0 ? Math.round(tick / grid) * grid : Math.round(tick);
}
