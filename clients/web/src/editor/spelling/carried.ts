// Faults of a line's earlier text in its present one, until that is checked: underlines must not flicker with every key.

import type { Finding } from "../../room/http/spellingApi";

/** The faults that lie wholly before or behind what has changed, moved along. */
export function carriedFaults(faults: readonly Finding[], before: string, now: string): Finding[] {
  if (before === now) return [...faults];
  const most = Math.min(before.length, now.length);
  let head = 0;
  while (head < most && before.charCodeAt(head) === now.charCodeAt(head)) head += 1;
  let tail = 0;
  while (
    tail < most - head &&
    before.charCodeAt(before.length - 1 - tail) === now.charCodeAt(now.length - 1 - tail)
  )
    tail += 1;
  const moved = now.length - before.length;
  const kept: Finding[] = [];
  for (const fault of faults) {
    if (fault.end <= head && !/^[\p{L}\p{N}]/u.test(now.slice(fault.end, fault.end + 2))) kept.push(fault);
    else if (
      fault.start >= before.length - tail &&
      !/[\p{L}\p{N}]$/u.test(now.slice(Math.max(0, fault.start + moved - 2), fault.start + moved))
    )
      kept.push({ ...fault, start: fault.start + moved, end: fault.end + moved });
  }
  return kept;
}

/** The smallest edit that makes one word of another: what stays keeps its author, its marks and the caret. */
export function smallestEdit(wrong: string, right: string): { skip: number; remove: number; insert: string } {
  const most = Math.min(wrong.length, right.length);
  let head = 0;
  while (head < most && wrong[head] === right[head]) head += 1;
  let tail = 0;
  while (tail < most - head && wrong[wrong.length - 1 - tail] === right[right.length - 1 - tail]) tail += 1;
  // A pair of units that is one character stays together.
  if (head > 0 && isHigh(wrong.charCodeAt(head - 1))) head -= 1;
  if (tail > 0 && isLow(wrong.charCodeAt(wrong.length - tail))) tail -= 1;
  return { skip: head, remove: wrong.length - head - tail, insert: right.slice(head, right.length - tail) };
}

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit < 0xe000;
