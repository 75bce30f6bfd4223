// How the characters of a film speak, and the lines that were spoken: entries of the shared document.

import type { Map as YMap } from "yjs";

export const VOICE_OF = "voice:";
export const LINE = "line:";
/** Frames of a shot before its line is heard, and after it where the shot is as long as its line. */
export const LEAD_FRAMES = 4;
export const TAIL_FRAMES = 8;

/** `voice` is the id of one of the speech model's; empty: this character is silent. */
export interface CharacterVoice {
  voice: string;
  speed: number;
}
/** A line as it was spoken; the server alone writes these. */
export interface SpokenLine {
  who: string;
  text: string;
  voice: string;
  speed: number;
  model: string;
  /** A WAV file of the room; empty where the line cannot be spoken, and `problem` says why. */
  asset: string;
  problem: string;
  seconds: number;
  /** `0r 80c ...`: thousandths of a second and the first letters of shapes of the mouth. */
  mouth: string;
}
export type Lines = ReadonlyMap<string, SpokenLine>;

export const isSound = (key: string): boolean => key.startsWith(VOICE_OF) || key.startsWith(LINE);

export const placeOf = (who: string, text: string): string => `${who}\u0000${text}`;

/** By `placeOf` of their words. */
export function linesOf(root: YMap<unknown>): Lines {
  const found = new Map<string, SpokenLine>();
  for (const [key, value] of root.entries()) {
    const line = key.startsWith(LINE) ? (value as Partial<SpokenLine> | null) : null;
    if (typeof line?.who !== "string" || typeof line.text !== "string" || typeof line.asset !== "string")
      continue;
    found.set(placeOf(line.who, line.text), line as SpokenLine);
  }
  return found;
}

/** By name. */
export function voicesOf(root: YMap<unknown>): ReadonlyMap<string, CharacterVoice> {
  const found = new Map<string, CharacterVoice>();
  for (const [key, value] of root.entries()) {
    const voice = key.startsWith(VOICE_OF) ? (value as Partial<CharacterVoice> | null) : null;
    if (typeof voice?.voice !== "string" || typeof voice.speed !== "number") continue;
    found.set(key.slice(VOICE_OF.length), { voice: voice.voice, speed: voice.speed });
  }
  return found;
}

/** What a shot has of its line: the mouth's times count from the shot's beginning. */
export function heard(line: SpokenLine | undefined, fps: number): Record<string, unknown> {
  if (!line?.asset) return {};
  const lead = Math.round((1000 * LEAD_FRAMES) / fps);
  const mouth = line.mouth.replace(/(\d+)([a-z])/g, (_all, at, shape) => `${Number(at) + lead}${shape}`);
  return { sound: line.asset, spoken: line.seconds, mouth };
}
