// Corrections that a run suggests: which passage of the text one of them changes.

import type { Op } from "../../room/document/delta";

/**
 * The passage around index `at` that `run` suggests to change for `reason`: neighbouring inserts and deletions with
 * that reason. Null when the text at `at` is no part of one.
 */
export function correctionAround(
  ops: readonly Op[],
  run: string,
  reason: string | null,
  at: number,
): { start: number; end: number } | null {
  let start = 0;
  let end = 0;
  let index = 0;
  for (const { insert, attributes } of ops) {
    const length = typeof insert === "string" ? insert.length : 1;
    const suggested = attributes?.suggest === run || attributes?.suggest_del === run;
    if (suggested && (attributes.reason ?? null) === reason) {
      if (end < index) start = index;
      end = index + length;
    } else if (end > at) break;
    index += length;
  }
  return end > at ? { start, end } : null;
}
