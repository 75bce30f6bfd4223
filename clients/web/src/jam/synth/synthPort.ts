// The messages between the page and the synthesiser's worklet.

import type { TimedNote } from "./noteQueue";

/** The drum kit's place in the list of programs. */
export const DRUMS = 128;
export const MAX_CHANNELS = 64;

export type ToSynth =
  | { kind: "bank"; data: ArrayBuffer }
  /** `volume` and `pan` from 0 to 1, `pan` 0 is left. */
  | { kind: "channel"; channel: number; program: number; volume: number; pan: number }
  | { kind: "note"; note: TimedNote }
  | { kind: "release"; channel: number; pitch: number; at: number }
  /** Keys that would be pressed from `at` on are not. */
  | { kind: "cancel"; channel: number; at: number }
  /** Stops all notes, sounding and waiting. */
  | { kind: "silence"; channel: number }
  | { kind: "end" };

export type FromSynth =
  | { kind: "ready" }
  | { kind: "failed"; message: string }
  /** Now and then: notes begun so far, voices sounding, notes refused because too many waited. */
  | { kind: "stats"; begun: number; voices: number; refused: number };
