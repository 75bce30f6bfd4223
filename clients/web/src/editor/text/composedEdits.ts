// Edits of others during a composition: which parts can be shown around the composed words at once, and which must
// wait.

import Delta from "quill-delta";
import type { Op } from "../../room/document/delta";

/**
 * The part of the page that must not be touched, in UTF-16 units: lines that a composition is in and their neighbours.
 * What is inserted exactly at one of the ends is outside. `start` is -1 and `end` infinite where the text ends there.
 */
export interface Zone {
  start: number;
  end: number;
}

const lengthOf = (op: Op): number => op.delete ?? (typeof op.retain === "number" ? op.retain : 1);

/**
 * Splits an edit in two: `outside` comes first and leaves the zone alone, `inside` is for the page that has `outside`.
 * Both together do what the edit does.
 */
export function around(edit: Delta, zone: Zone): { outside: Delta; inside: Delta } {
  const outside = new Delta();
  const inside = new Delta();
  let at = 0;
  for (const op of edit.ops as Op[]) {
    if (op.insert !== undefined) {
      const within = at > zone.start && at < zone.end;
      (within ? inside : outside).push(op as Delta["ops"][number]);
      continue;
    }
    let left = lengthOf(op);
    while (left > 0) {
      const within = at >= zone.start && at < zone.end;
      const border = within ? zone.end : at < zone.start ? zone.start : Number.POSITIVE_INFINITY;
      const take = Math.min(left, border - at);
      const part = (op.delete !== undefined ? { delete: take } : { ...op, retain: cut(op, take) }) as Op;
      (within ? inside : outside).push(part as Delta["ops"][number]);
      (within ? outside : inside).retain(take);
      at += take;
      left -= take;
    }
  }
  return { outside: outside.chop(), inside: outside.transform(inside, true).chop() };
}

/** A retain of something that is no text is one unit and cannot be cut. */
const cut = (op: Op, take: number): Op["retain"] => (typeof op.retain === "number" ? take : op.retain);
