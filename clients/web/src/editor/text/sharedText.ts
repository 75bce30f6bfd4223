// The shared text as one string, and the passages of its comments, updated with each edit: reading a whole novel after
// every key would be slow.

import type { Text as YText } from "yjs";
import type { Op } from "../../room/document/delta";
import { carried, type Passages, passagesOf } from "./passages";

/** OBJECT REPLACEMENT CHARACTER */
export const PLACEHOLDER = "\ufffc";

export class SharedText {
  /** One UTF-16 unit for each place; what is no text is a placeholder. */
  plain: string;
  private known: Passages | null = null;

  constructor(private readonly text: YText) {
    this.plain = plainOf(text);
  }

  get passages(): Passages {
    this.known ??= passagesOf(this.text.toDelta() as Op[]);
    return this.known;
  }

  /** The text was edited like this. */
  follow(ops: readonly Op[]): void {
    this.plain = edited(this.plain, ops);
    this.known = this.known && carried(ops, this.known);
  }

  /** Reads the whole text again. */
  reread(): void {
    this.plain = plainOf(this.text);
    this.known = null;
  }

  /** Whether this matches the text; reads all of it. */
  isTrue(): boolean {
    return this.plain === plainOf(this.text);
  }
}

/** Applies an edit to a text. */
export function edited(text: string, ops: readonly Op[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const op of ops) {
    if (op.insert !== undefined) parts.push(typeof op.insert === "string" ? op.insert : PLACEHOLDER);
    else if (op.delete !== undefined) at += op.delete;
    else {
      const kept = typeof op.retain === "number" ? op.retain : 1;
      parts.push(text.slice(at, at + kept));
      at += kept;
    }
  }
  parts.push(text.slice(at));
  return parts.join("");
}

function plainOf(text: YText): string {
  const plain = text.toString();
  if (plain.length === text.length) return plain;
  const ops = text.toDelta() as Op[];
  return ops.map((op) => (typeof op.insert === "string" ? op.insert : PLACEHOLDER)).join("");
}
