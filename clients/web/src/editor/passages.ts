// Passages that comments are about: stretches of the shared text that carry the attribute `comment:ID`. They are drawn
// over the text and are no format of the editor's, so that nothing pasted can bring one in.

import type { Op, Span } from "./delta";

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
