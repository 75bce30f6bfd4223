// Marks ranges of the text with the CSS Custom Highlight API, which does not change the text: matches, comments,
// authors.

import type { Span } from "../../room/document/delta";
import type { TextPositions } from "./textPositions";

/** Most ranges that are drawn under one name. */
const MAX_DRAWN = 2000;

export class Highlights {
  private readonly names = new Set<string>();

  constructor(private readonly places: TextPositions) {}

  /** Marks these stretches, and no others, under a name that the style sheet knows. */
  show(name: string, spans: readonly Span[]): void {
    if (typeof Highlight === "undefined") return; // a browser without it has no marks, and works
    this.names.add(name);
    if (spans.length === 0) CSS.highlights.delete(name);
    else
      CSS.highlights.set(
        name,
        new Highlight(
          ...spans.slice(0, MAX_DRAWN).flatMap((span) => this.places.range(span.index, span.length) ?? []),
        ),
      );
  }

  clear(): void {
    for (const name of this.names) CSS.highlights.delete(name);
  }
}
