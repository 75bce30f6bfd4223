// Sentences that contradict each other, marked quietly over the text.

import type { ReadonlySignal } from "@preact/signals";
import type { Codex } from "../../room/document/codex";
import type { Span } from "../../room/document/delta";
import type { Highlights } from "./highlights";

/** The sentence `quote` in the text, blanks aside; null where it does not stand any more. */
export function spanOf(text: string, quote: string): Span | null {
  const exact = text.indexOf(quote);
  if (exact >= 0) return { index: exact, length: quote.length };
  const words = quote.split(/\s+/u).map((word) => word.replace(/[.*+?^${}()|[\]\\]/gu, "\\$&"));
  const found = words.join("") ? new RegExp(words.join("\\s+"), "u").exec(text) : null;
  return found && { index: found.index, length: found[0].length };
}

export class OddMarks {
  constructor(
    private readonly codex: Codex,
    private readonly highlights: Highlights,
    /** The marks are found again when it changes. */
    private readonly changes: ReadonlySignal<number>,
    private readonly text: () => string,
  ) {}

  /** Marks both sentences of each contradiction; those of hidden entries are left out. */
  show(): void {
    this.changes.value;
    const { contradictions, written } = this.codex;
    const shown = contradictions.value.filter((one) => written.value.get(one.name) !== "");
    const text = shown.length > 0 ? this.text() : "";
    const spans = shown.flatMap(({ first, second }) => [
      spanOf(text, first.quote),
      spanOf(text, second.quote),
    ]);
    this.highlights.show(
      "at-odds",
      spans.filter((span): span is Span => span !== null),
    );
  }
}
