// A person's hand on the board before anything is finished: its place, and what it is drawing. It is part of the
// presence state, which is small: long strokes are thinned.

import { round } from "./board";
import type { Point } from "./geometry";
import { type BoardObject, type Fields, readObject } from "./objects";

export interface Hand {
  at: Point;
  draft: BoardObject | null;
}

/** Bytes of a draft as JSON, at most: a presence state has 4096 for everything. */
const MAX_DRAFT = 2800;

export function writeHand(at: Point, draft: Fields | null): object {
  return { at: [round(at.x), round(at.y)], draft: draft && thinned(draft) };
}

/** The same draft with as many of its points as fit; the first and the last one stay. */
export function thinned(draft: Fields): Fields {
  const { points } = draft;
  if (!Array.isArray(points)) return draft;
  const whole: number[] = points.map((value: number) => Math.round(value * 10) / 10);
  for (let step = 1; ; step *= 2) {
    const count = whole.length / 3;
    const kept = whole.filter((_, index) => {
      const place = Math.floor(index / 3);
      return place % step === 0 || place === count - 1;
    });
    const small = { ...draft, points: kept };
    if (JSON.stringify(small).length <= MAX_DRAFT || kept.length <= 6) return small;
  }
}

/** Null when it is invalid. */
export function readHand(value: unknown): Hand | null {
  if (typeof value !== "object" || value === null) return null;
  const { at, draft } = value as { at?: unknown; draft?: unknown };
  if (!Array.isArray(at) || !at.slice(0, 2).every((each) => Number.isFinite(each)) || at.length < 2)
    return null;
  const fields = typeof draft === "object" && draft !== null ? (draft as Record<string, unknown>) : null;
  return {
    at: { x: at[0] as number, y: at[1] as number },
    draft: fields && readObject("draft", (name) => (name === "z" ? "z" : fields[name])),
  };
}
