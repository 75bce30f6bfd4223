// The clock of the jam, as antiphon_proto/document/jam.py defines it: beats are quarter notes from the start of the jam, server
// time is Unix milliseconds, and a beat has PPQ ticks. Both sides are tested against proto/vectors/jam.json.

export const PPQ = 480;
export const MAX_LOOP_BARS = 32;
export const MAX_LOOP_NOTES = 2000;

export type When = "now" | "beat" | "bar";
export type KeyMode = "maj" | "min";

/** From server time `at_ms` on, beat `beat` and those after it sound at `tempo`; stopped, the beat stays. */
export interface Transport {
  serial: number;
  playing: boolean;
  at_ms: number;
  beat: number;
  /** Quarter notes a minute. */
  tempo: number;
  /** Quarter notes a bar. */
  beats: number;
  /** Bar `bar` begins at beat `bar_beat`. */
  bar: number;
  bar_beat: number;
  /** Pitch class, 0 is C. */
  tonic: number;
  mode: KeyMode;
}

export const STILL: Transport = {
  serial: 0,
  playing: false,
  at_ms: 0,
  beat: 0,
  tempo: 110,
  beats: 4,
  bar: 0,
  bar_beat: 0,
  tonic: 0,
  mode: "maj",
};

/** The beat that sounds at server time `ms` (not before `at_ms`). */
export function beatAt(transport: Transport, ms: number): number {
  if (!transport.playing) return transport.beat;
  return transport.beat + (Math.max(0, ms - transport.at_ms) * transport.tempo) / 60_000;
}

/** Server time of a beat from `beat` on; infinite while stopped. */
export function msAt(transport: Transport, beat: number): number {
  if (!transport.playing) return Number.POSITIVE_INFINITY;
  return transport.at_ms + ((beat - transport.beat) * 60_000) / transport.tempo;
}

/** Number of the bar that `beat` lies in. */
export function barAt(transport: Transport, beat: number): number {
  return transport.bar + Math.floor((beat - transport.bar_beat) / transport.beats);
}

/** The beat that a bar begins at. */
export function beatOfBar(transport: Transport, bar: number): number {
  return transport.bar_beat + (bar - transport.bar) * transport.beats;
}

/** The first beat or bar line at or after `beat`; `beat` itself for "now". */
export function nextLine(transport: Transport, beat: number, when: When): number {
  if (when === "now") return beat;
  const length = when === "bar" ? transport.beats : 1;
  return transport.bar_beat + Math.ceil((beat - transport.bar_beat) / length - 1e-9) * length;
}

/** The present state and the pending one, as in the document. */
export interface Timeline {
  now: Transport;
  next: Transport | null;
}

/** The state at server time `ms`. */
export function inForce({ now, next }: Timeline, ms: number): Transport {
  return next && ms >= next.at_ms ? next : now;
}

export interface Stretch {
  transport: Transport;
  fromMs: number;
  toMs: number;
}

/** The part of [fromMs, toMs) under each transport. */
export function stretches({ now, next }: Timeline, fromMs: number, toMs: number): Stretch[] {
  if (!next) return fromMs < toMs ? [{ transport: now, fromMs, toMs }] : [];
  const change = Math.min(Math.max(next.at_ms, fromMs), toMs);
  return [
    { transport: now, fromMs, toMs: change },
    { transport: next, fromMs: change, toMs },
  ].filter((part) => part.fromMs < part.toMs);
}

const NUMBERS = ["serial", "at_ms", "beat", "tempo", "beats", "bar", "bar_beat", "tonic"] as const;

function readTransport(value: unknown): Transport | null {
  if (typeof value !== "object" || value === null) return null;
  const raw = value as Record<string, unknown>;
  if (!NUMBERS.every((key) => typeof raw[key] === "number" && Number.isFinite(raw[key]))) return null;
  if (!((raw.tempo as number) > 0) || !((raw.beats as number) >= 1)) return null;
  if (typeof raw.playing !== "boolean" || (raw.mode !== "maj" && raw.mode !== "min")) return null;
  return raw as unknown as Transport;
}

/** The document's `transport`; a stopped one where there is none yet. */
export function readTimeline(value: unknown): Timeline {
  const raw = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  return { now: readTransport(raw.now) ?? STILL, next: readTransport(raw.next) };
}
