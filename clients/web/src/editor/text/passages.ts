// Passages that comments are about: stretches of the shared text that carry the attribute `comment:ID`. They are drawn
// over the text and are no format of the editor's, so that nothing pasted can bring one in.

import type { Op, Span } from "../../room/document/delta";

const PREFIX = "comment:";

/** Comment id -> its stretches, in order and apart from each other. UTF-16 units. */
export type Passages = ReadonlyMap<string, readonly Span[]>;

export function passagesOf(ops: readonly Op[]): Passages {
  const found = new Map<string, Span[]>();
  let index = 0;
  for (const op of ops) {
    const length = typeof op.insert === "string" ? op.insert.length : 1;
    for (const [name, value] of Object.entries(op.attributes ?? {})) {
      if (!name.startsWith(PREFIX) || value !== true) continue;
      const id = name.slice(PREFIX.length);
      const spans = found.get(id) ?? [];
      found.set(id, spans);
      const last = spans.at(-1);
      if (last && last.index + last.length === index) last.length += length;
      else spans.push({ index, length });
    }
    index += length;
  }
  return found;
}

/** The same edit, where what is typed inside a passage is of it; what is typed at its ends is not. */
export function inPassages(ops: readonly Op[], passages: Passages): Op[] {
  let at = 0;
  return ops.map((op) => {
    if (op.insert === undefined) {
      at += op.delete ?? (typeof op.retain === "number" ? op.retain : op.retain ? 1 : 0);
      return op;
    }
    const inside = [...passages].filter(([, spans]) =>
      spans.some(({ index, length }) => index < at && at < index + length),
    );
    if (inside.length === 0) return op;
    const marks = Object.fromEntries(inside.map(([id]) => [PREFIX + id, true]));
    return { ...op, attributes: { ...op.attributes, ...marks } };
  });
}

/**
 * The passages after an edit, as far as the edit says it; null when only the text can tell: when it marks or unmarks
 * words, or puts words into a passage that are not of it.
 */
export function carried(ops: readonly Op[], passages: Passages): Passages | null {
  if (ops.some((op) => op.insert === undefined && marksOf(op).length > 0)) return null;
  const found = new Map<string, readonly Span[]>();
  for (const [id, spans] of passages) {
    const kept = spans.flatMap((span) => {
      const start = moved(ops, span.index, true);
      const end = moved(ops, span.index + span.length, false);
      return end > start ? [{ index: start, length: end - start }] : [];
    });
    if (kept.length > 0) found.set(id, kept);
  }
  let at = 0;
  for (const op of ops) {
    if (op.insert !== undefined) {
      const marks = marksOf(op);
      for (const [id, spans] of found) {
        const inside = spans.some(({ index, length }) => index < at && at < index + length);
        if (inside !== marks.includes(id)) return null;
      }
      if (marks.some((id) => !found.has(id))) return null;
    }
    if (op.delete === undefined) at += lengthOf(op);
  }
  return found;
}

const marksOf = (op: Op): string[] =>
  Object.keys(op.attributes ?? {})
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => name.slice(PREFIX.length));

const lengthOf = (op: Op): number => {
  if (op.insert !== undefined) return typeof op.insert === "string" ? op.insert.length : 1;
  return op.delete ?? (typeof op.retain === "number" ? op.retain : 1);
};

/** Where a place is after an edit; `after`: behind what is inserted there. */
function moved(ops: readonly Op[], place: number, after: boolean): number {
  let at = 0;
  let by = 0;
  for (const op of ops) {
    if (at > place || (at === place && !after)) break;
    if (op.insert !== undefined) by += lengthOf(op);
    else {
      if (op.delete !== undefined) by -= Math.min(op.delete, place - at);
      at += lengthOf(op);
    }
  }
  return place + by;
}

/** Ids of the comments on what stands at either side of a place. */
export function commentsAt(passages: Passages, place: number): string[] {
  return [...passages]
    .filter(([, spans]) => spans.some(({ index, length }) => index <= place && place <= index + length))
    .map(([id]) => id);
}

/** The same ops without the marks of passages. */
export function withoutPassages(ops: readonly Op[]): Op[] {
  return ops.map((op) => {
    const entries = Object.entries(op.attributes ?? {});
    const kept = entries.filter(([name]) => !name.startsWith(PREFIX));
    if (kept.length === entries.length) return op;
    const { attributes: _, ...bare } = op;
    return kept.length > 0 ? { ...bare, attributes: Object.fromEntries(kept) } : bare;
  });
}
