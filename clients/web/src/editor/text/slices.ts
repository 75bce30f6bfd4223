// A large edit in parts that a page shows one after the other, each without standing still.

import Delta from "quill-delta";
import type { Op } from "../../room/document/delta";

/** Lines, and UTF-16 units, that a part inserts at most. */
const LINES = 100;
const UNITS = 40_000;

/** Whether an edit inserts so much that it is shown in parts. */
export function isLarge(edit: Delta, parts = 2): boolean {
  let lines = 0;
  let units = 0;
  for (const { insert } of edit.ops as Op[]) {
    if (typeof insert !== "string") continue;
    units += insert.length;
    if (units > parts * UNITS) return true;
    for (let at = insert.indexOf("\n"); at >= 0; at = insert.indexOf("\n", at + 1)) lines += 1;
    if (lines > parts * LINES) return true;
  }
  return false;
}

/** The first part of an edit, and the rest as an edit of what the first part makes; null: nothing is left. */
export function firstPart(edit: Delta): { now: Delta; later: Delta | null } {
  const now = new Delta();
  let lines = LINES;
  let units = UNITS;
  for (const [nth, op] of edit.ops.entries()) {
    const { insert } = op;
    const take = typeof insert === "string" ? fits(insert, lines, units) : null;
    if (typeof insert !== "string" || take === null || take.end === insert.length) {
      now.push(op);
      if (take) {
        lines -= take.lines;
        units -= take.end;
      }
      continue;
    }
    if (take.end > 0) now.push({ ...op, insert: insert.slice(0, take.end) });
    const later = new Delta().retain(lengthAfter(now)).push({ ...op, insert: insert.slice(take.end) });
    for (const rest of edit.ops.slice(nth + 1)) later.push(rest);
    return { now, later };
  }
  return { now, later: null };
}

/** How much of a text goes into a part that has room for so much. */
function fits(text: string, lines: number, units: number): { end: number; lines: number } {
  let end = 0;
  let count = 0;
  while (count < lines) {
    const next = text.indexOf("\n", end);
    if (next < 0 || next >= units) break;
    end = next + 1;
    count += 1;
  }
  if (count >= lines) return { end, lines: count };
  // The line that is begun goes along; one that is longer than a part is cut, though never within a character.
  const next = text.indexOf("\n", end);
  if (next < 0 && text.length <= units) return { end: text.length, lines: count };
  if (end > 0 || units < UNITS) return { end, lines: count };
  const half = isHigh(text.charCodeAt(units - 1)) ? units - 1 : units;
  return { end: half, lines: count };
}

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;

/** Units of the text that an edit has passed or made. */
function lengthAfter(edit: Delta): number {
  return edit.ops.reduce((sum, op) => sum + (op.delete === undefined ? lengthOf(op as Op) : 0), 0);
}

const lengthOf = ({ insert, retain }: Op): number =>
  typeof insert === "string"
    ? insert.length
    : insert !== undefined
      ? 1
      : typeof retain === "number"
        ? retain
        : 1;
