// Arithmetic on Quill deltas, without side effects.

export type Attributes = Record<string, unknown>;
export interface Op {
  insert?: string | Record<string, unknown>;
  delete?: number;
  retain?: number | Record<string, unknown>;
  attributes?: Attributes;
}
export interface Span {
  index: number;
  length: number;
}

/** Attributes of text that a model wrote or suggests. Only the server sets them. */
export const MODEL_FORMATS = ["ai", "suggest", "suggest_del", "reason"] as const;
const CLEARED: Attributes = Object.fromEntries(MODEL_FORMATS.map((name) => [name, false]));
export const clearedFormats = (): Attributes => ({ ...CLEARED });

const insertLength = (op: Op): number => (typeof op.insert === "string" ? op.insert.length : 1);
const retained = (op: Op): number => (typeof op.retain === "number" ? op.retain : op.retain ? 1 : 0);

/**
 * A person's words do not take a model's attributes, even when the caret is inside its words: removes them from inserted
 * text. `spans` are the places, in the new text, where Quill still shows them.
 */
export function asPerson(ops: readonly Op[]): { ops: Op[]; spans: Span[] } {
  const spans: Span[] = [];
  let index = 0;
  const clean = ops.map((op) => {
    if (op.insert === undefined) {
      index += retained(op);
      return op;
    }
    const length = insertLength(op);
    const marked = op.attributes && MODEL_FORMATS.some((name) => op.attributes?.[name]);
    const start = index;
    index += length;
    if (!marked) return op;
    spans.push({ index: start, length });
    const attributes = Object.fromEntries(
      Object.entries(op.attributes ?? {}).filter(([name]) => !MODEL_FORMATS.includes(name as "ai")),
    );
    return Object.keys(attributes).length > 0 ? { insert: op.insert, attributes } : { insert: op.insert };
  });
  return { ops: clean, spans };
}

const isHigh = (unit: number) => unit >= 0xd800 && unit <= 0xdbff;
const isLow = (unit: number) => unit >= 0xdc00 && unit <= 0xdfff;

/** Whether a place in `text` lies between the two halves of one character. */
export function splitsCharacter(text: string, at: number): boolean {
  return at > 0 && at < text.length && isHigh(text.charCodeAt(at - 1)) && isLow(text.charCodeAt(at));
}

/**
 * The same edit in whole characters. Quill finds what changed by comparing UTF-16 units, so that one emoji replaced by
 * its neighbour becomes an edit of half a character; Yjs cannot hold halves, and copies would part ways.
 */
export function inWholeCharacters(ops: readonly Op[], old: string): Op[] {
  let at = 0;
  const cut = ops.some((op) => {
    at += op.delete ?? retained(op);
    return splitsCharacter(old, at);
  });
  if (!cut) return [...ops];
  const out = new Edits();
  at = 0;
  for (const op of ops) {
    if (op.insert !== undefined) out.insert(op.insert, op.attributes);
    else if (op.delete !== undefined) {
      at += op.delete;
      out.delete(op.delete);
    } else {
      const end = at + retained(op);
      const from = splitsCharacter(old, at) ? at + 1 : at;
      const to = splitsCharacter(old, end) && end > from ? end - 1 : end;
      if (from > at) out.rewrite(old.slice(at, from));
      if (to > from) out.retain(to - from, op.attributes);
      if (end > to) out.rewrite(old.slice(to, end));
      at = end;
    }
  }
  // The rest is kept without being named; it may begin with the other half of what was changed.
  if (splitsCharacter(old, at)) out.rewrite(old.charAt(at));
  return out.done();
}

/** Collects edits; inserts and deletes at one place become one insert and one delete. */
class Edits {
  private readonly ops: Op[] = [];
  private inserted: Op[] = [];
  private deleted = 0;

  insert(insert: string | Record<string, unknown>, attributes?: Attributes): void {
    const last = this.inserted.at(-1);
    // Half a character joins its other half, whatever attributes that has.
    if (
      typeof insert === "string" &&
      typeof last?.insert === "string" &&
      isHigh(last.insert.charCodeAt(last.insert.length - 1))
    ) {
      last.insert += insert;
      if (attributes && !last.attributes) last.attributes = attributes;
      return;
    }
    this.inserted.push(attributes ? { insert, attributes } : { insert });
  }

  delete(count: number): void {
    this.deleted += count;
  }

  /** Replaces old text by itself, so that its other half can change. */
  rewrite(text: string): void {
    this.insert(text);
    this.delete(text.length);
  }

  retain(count: number, attributes?: Attributes): void {
    this.settle();
    this.ops.push(attributes ? { retain: count, attributes } : { retain: count });
  }

  done(): Op[] {
    this.settle();
    return this.ops;
  }

  private settle(): void {
    this.ops.push(...this.inserted);
    if (this.deleted > 0) this.ops.push({ delete: this.deleted });
    this.inserted = [];
    this.deleted = 0;
  }
}

/** Cuts a large edit into several of at most about `size` UTF-16 units of new text, each to be applied after the other. */
export function inPieces(ops: readonly Op[], size: number): Op[][] {
  const pieces: Op[][] = [];
  let index = 0;
  let current: Op[] = [];
  let room = size;
  const begin = () => {
    if (current.length > 0) pieces.push(current);
    current = index > 0 ? [{ retain: index }] : [];
    room = size;
  };
  for (const op of ops) {
    if (typeof op.insert !== "string" || op.insert.length <= room) {
      current.push(op);
      if (op.insert !== undefined) room -= insertLength(op);
      index += op.insert !== undefined ? insertLength(op) : retained(op);
      continue;
    }
    let text = op.insert;
    while (text) {
      if (room <= 1) begin();
      let take = Math.min(room, text.length);
      if (splitsCharacter(text, take)) take -= 1;
      current.push({ ...op, insert: text.slice(0, take) });
      index += take;
      room -= take;
      text = text.slice(take);
    }
  }
  if (current.length > 0) pieces.push(current);
  return pieces;
}

/** The shared text as Quill shows it: Quill's last line always ends, the shared text's need not. */
export function shown(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}

/**
 * An edit of the shared text (`before` to `after`) as an edit of what Quill shows of it, so that every page shows the
 * same: the line end that Quill has and the text lacks is taken away or added as the text gains or loses its own.
 */
export function asShown(ops: readonly Op[], before: string, after: string): Op[] {
  const had = before.endsWith("\n");
  const has = after.endsWith("\n");
  if (had === has) return [...ops];
  const reached = ops.reduce(
    (sum, op) => sum + (op.insert === undefined ? retained(op) : insertLength(op)),
    0,
  );
  const rest = after.length - reached;
  const way: Op[] = rest > 0 ? [{ retain: rest }] : [];
  if (has) return [...ops, ...way, { delete: 1 }];
  // Insertions first: Quill cannot be without its last line end, not even for a moment.
  const end = ops.length > 0 && rest === 0 && ops.at(-1)?.delete ? ops.slice(0, -1) : [...ops];
  return [...end, ...way, { insert: "\n" }, ...ops.slice(end.length)];
}

/** Characters that an edit inserts, in UTF-16 units. */
export function insertedLength(ops: readonly Op[]): number {
  return ops.reduce((sum, op) => sum + (op.insert === undefined ? 0 : insertLength(op)), 0);
}
