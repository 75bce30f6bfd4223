// Text of runs that is not in the story yet: private answers and the candidates of a brainstorm.

import { signal } from "@preact/signals";
import type { RunInfo, TokenInfo } from "../protocol/messages";

export const isDraft = (run: RunInfo): boolean => run.mode === "private" || run.group !== "";

export class Drafts {
  /** By run, while it streams. */
  private readonly streamed = signal<ReadonlyMap<string, readonly string[]>>(new Map());

  onTokens(run: RunInfo | undefined, tokens: readonly TokenInfo[]): void {
    if (!run || !isDraft(run)) return;
    const known = [...(this.streamed.value.get(run.id) ?? [])];
    for (const token of tokens) known[token.index] = token.text;
    this.streamed.value = new Map(this.streamed.value).set(run.id, known);
  }

  /** An ended run carries the text that it wrote. */
  follow(run: RunInfo): void {
    if ((run.text === "" && !run.undone) || !this.streamed.value.has(run.id)) return;
    const next = new Map(this.streamed.value);
    next.delete(run.id);
    this.streamed.value = next;
  }

  textOf(run: RunInfo): string {
    return run.text || (this.streamed.value.get(run.id) ?? []).join("");
  }

  clear(): void {
    this.streamed.value = new Map();
  }
}
