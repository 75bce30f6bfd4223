// What is left in the text of one run's words, and where.

import type { Op } from "../../room/document/delta";

export interface Written {
  /** The run's words, joined. */
  text: string;
  /** The place of each unit of `text` in the document, in UTF-16 units; the same length. */
  places: number[];
}

export function writtenBy(run: string, ops: readonly Op[]): Written {
  const places: number[] = [];
  let text = "";
  let index = 0;
  for (const op of ops) {
    const length = typeof op.insert === "string" ? op.insert.length : 1;
    const marks = op.attributes;
    if (typeof op.insert === "string" && (marks?.ai === run || marks?.suggest === run)) {
      text += op.insert;
      for (let at = 0; at < length; at += 1) places.push(index + at);
    }
    index += length;
  }
  return { text, places };
}

/** [start, end) in the document of the units [from, from + length) of a run's words; null when they stand apart. */
export function rangeOf(
  written: Written,
  from: number,
  length: number,
): { start: number; end: number } | null {
  const start = written.places[from];
  const last = written.places[from + length - 1];
  if (start === undefined || last === undefined || last - start !== length - 1) return null;
  return { start, end: last + 1 };
}
