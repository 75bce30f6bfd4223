// A film as clips on a line of frames: what the evaluator works from. Pure; the same as server/antiphon_server/film/reel.py,
// and proto/vectors/film.json holds both to each other. Faulty values count as their defaults.

import { type Look, lookOf, type Mouth } from "./looks";
import { LEAD_FRAMES, TAIL_FRAMES } from "./voices";

export const FPS = 24;
export const KINDS = ["establish", "action", "speech", "title"] as const;
export const SIZES = ["extreme_wide", "wide", "full", "medium", "close", "extreme_close"] as const;
export const ANGLES = ["eye", "low", "high", "over_shoulder", "top"] as const;
export const MOVES = [
  "static",
  "pan_left",
  "pan_right",
  "tilt_up",
  "tilt_down",
  "push",
  "pull",
  "shake",
] as const;
export const ACTS = ["idle", "walk", "run", "turn", "gesture", "nod"] as const;
export const EFFECTS = ["rain", "snow", "fog", "beam", "fire", "lightning"] as const;
export type Effect = (typeof EFFECTS)[number];
export const TRANSITIONS = ["cut", "dissolve", "fade", "wipe"] as const;
export const MAX_SECONDS = 600;
const COLUMNS = 42;
const LINES = 2;
const MOST_CAST = 6;
const SHAPES: Record<string, Mouth> = {
  r: "rest",
  c: "closed",
  o: "open",
  w: "wide",
  u: "round",
  t: "teeth",
};

export type Size = (typeof SIZES)[number];
export type Angle = (typeof ANGLES)[number];
export type Move = (typeof MOVES)[number];

/** A shot in its place: frames [start, start + frames). In its first `lead` frames it comes in over the one before. */
export interface Clip {
  id: string;
  start: number;
  frames: number;
  lead: number;
  kind: (typeof KINDS)[number];
  size: Size;
  angle: Angle;
  move: Move;
  transition: (typeof TRANSITIONS)[number];
  text: string;
  who: string;
  cast: readonly string[];
  /** Those of `cast`, in its order. */
  looks: readonly Look[];
  act: (typeof ACTS)[number];
  effects: readonly Effect[];
  /** From which thousandth of a second of the shot the mouth of who speaks has which shape. */
  mouth: readonly (readonly [number, Mouth])[];
  /** An asset that is heard `LEAD_FRAMES` after the start. */
  sound: string;
  off: boolean;
  place: string;
  time: string;
  inside: boolean;
  picture: string;
  /** Seconds of a line that a machine speaks, which is the `sound`; 0: it is none. */
  spoken: number;
}
/** What is read at frames [start, end). */
export interface Caption {
  start: number;
  end: number;
  who: string;
  lines: readonly string[];
}
export type ShotFields = Readonly<Record<string, unknown>>;

/** `cast`: name -> fields of a look that people chose. */
export function reel(shots: readonly ShotFields[], cast: Readonly<Record<string, ShotFields>> = {}): Clip[] {
  const clips: Clip[] = [];
  const looks = new Map<string, Look>();
  const dressed = (name: string): Look => {
    const known = looks.get(name) ?? lookOf(name, Object.hasOwn(cast, name) ? (cast[name] ?? {}) : {});
    looks.set(name, known);
    return known;
  };
  let start = 0;
  for (const shot of shots) {
    let frames = Math.max(1, Math.floor(number(shot.seconds, 3, MAX_SECONDS) * FPS + 0.5));
    const sound = word(shot.sound);
    const spoken = sound ? number(shot.spoken, 0, MAX_SECONDS) : 0;
    // Nobody has chosen a length.
    if (sound && shot.auto === shot.seconds) frames = LEAD_FRAMES + Math.ceil(spoken * FPS) + TAIL_FRAMES;
    const transition = choice(shot.transition, TRANSITIONS, "cut");
    let lead = 0;
    if (transition !== "cut") {
      const wanted = Math.floor(number(shot.over, 1, 10) * FPS + 0.5);
      const before = clips.at(-1)?.frames ?? frames;
      lead = Math.min(wanted, Math.floor(frames / 2), Math.floor(before / 2));
    }
    const names = each(shot.cast).slice(0, MOST_CAST);
    const effects = each(shot.effects);
    clips.push({
      id: word(shot.id),
      start,
      frames,
      lead,
      kind: choice(shot.kind, KINDS, "action"),
      size: choice(shot.size, SIZES, "medium"),
      angle: choice(shot.angle, ANGLES, "eye"),
      move: choice(shot.move, MOVES, "static"),
      transition: lead > 0 ? transition : "cut",
      text: word(shot.text),
      who: word(shot.who),
      cast: names,
      looks: names.map(dressed),
      act: choice(shot.act, ACTS, "idle"),
      effects: EFFECTS.filter((one) => effects.includes(one)),
      mouth: shapesOf(word(shot.mouth)),
      off: shot.off === true,
      place: word(shot.place),
      time: word(shot.time),
      inside: shot.inside === true,
      picture: word(shot.picture),
      sound,
      spoken,
    });
    start += frames;
  }
  return clips;
}

/** Frames of the whole film. */
export function lengthOf(clips: readonly Clip[]): number {
  const last = clips.at(-1);
  return last ? last.start + last.frames : 0;
}

/** What is read in a clip: its words in pages of two lines, each for as long as its share of the letters. */
export function captions(clip: Clip): Caption[] {
  if (clip.kind !== "speech" || clip.text === "") return [];
  const lines = wrapped(clip.text, COLUMNS);
  const pages: string[][] = [];
  for (let first = 0; first < lines.length; first += LINES) pages.push(lines.slice(first, first + LINES));
  const weights = pages.map((page) => page.reduce((sum, line) => sum + [...line].length, 0));
  const total = weights.reduce((sum, each) => sum + each, 0);
  const found: Caption[] = [];
  let done = 0;
  let at = 0;
  pages.forEach((page, place) => {
    done += weights[place] ?? 0;
    const end = Math.floor((clip.frames * done) / total);
    if (end <= at) return;
    found.push({ start: clip.start + at, end: clip.start + end, who: clip.who, lines: page });
    at = end;
  });
  return found;
}

/** Lines of at most so many columns; words that are longer are cut. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  let used = 0;
  for (const part of text.split(/[ \t\r\n]+/)) {
    if (part === "") continue;
    const wide = [...part].reduce((sum, letter) => sum + widthOf(letter), 0);
    if (line !== "" && used + 1 + wide <= columns) {
      line = `${line} ${part}`;
      used += 1 + wide;
      continue;
    }
    if (line !== "") lines.push(line);
    line = "";
    used = 0;
    for (const letter of part) {
      const step = widthOf(letter);
      if (used + step > columns) {
        lines.push(line);
        line = "";
        used = 0;
      }
      line += letter;
      used += step;
    }
  }
  return line === "" ? lines : [...lines, line];
}

function widthOf(letter: string): number {
  const point = letter.codePointAt(0) ?? 0;
  const wide = (point >= 0x1100 && point <= 0x115f) || (point >= 0x2e80 && point <= 0xffdc) || point > 0xffff;
  return wide ? 2 : 1;
}

function number(value: unknown, fallback: number, most: number): number {
  if (typeof value !== "number" || !Number.isFinite(value)) return fallback;
  return Math.min(Math.max(value, 0), most);
}

function choice<T extends string>(value: unknown, choices: readonly T[], fallback: T): T {
  return choices.find((one) => one === value) ?? fallback;
}

/** `0r 80c ...`: thousandths of a second and the first letters of shapes, in their order. */
function shapesOf(text: string): [number, Mouth][] {
  const found = [...text.matchAll(/(\d{1,7})([rcowut])/g)];
  return found
    .map(([, at, shape]): [number, Mouth] => [Number(at), SHAPES[shape ?? ""] ?? "rest"])
    .sort((a, b) => a[0] - b[0]);
}

const each = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];

const word = (value: unknown): string => (typeof value === "string" ? value : "");
