// Where a run's token is on the page: under a point, at the caret, and after edits.

import Quill from "quill/core.js";
import type { TokenInfo } from "../../protocol/messages";
import type { Op } from "../../room/document/delta";
import type { RunTokens } from "../../room/tokens";
import { rangeOf, writtenBy } from "../text/runText";

/** A token of a run as it stands in the text; `near` is its place among the run's words, `rect` in the window. */
export interface TokenPosition {
  run: string;
  token: TokenInfo;
  near: number;
  rect: DOMRect;
}

export class TokenPositions {
  constructor(
    private readonly quill: Quill,
    private readonly tokens: RunTokens,
    private readonly lines: () => readonly Op[],
  ) {}

  /** The run that wrote a character. */
  runOf(index: number | null): string | null {
    const run = index === null ? null : this.quill.getFormat(index, 1).ai;
    return typeof run === "string" ? run : null;
  }

  /** The token of a run that a character is part of. */
  of(index: number | null): TokenPosition | null {
    const run = this.runOf(index);
    if (index === null || run === null) return null;
    const written = writtenBy(run, this.lines());
    const found = this.tokens.at(run, written.text, written.places.indexOf(index));
    const range = found && rangeOf(written, found.start, found.token.text.length);
    const rect = range && this.box(range.start, range.end - range.start);
    return found && rect && { run, token: found.token, near: found.start, rect };
  }

  /** The present place of a token that was shown; null when it was edited since. */
  rangeOf({ run, token, near }: TokenPosition): { start: number; end: number } | null {
    const written = writtenBy(run, this.lines());
    const found = this.tokens.at(run, written.text, near + Math.max(0, token.text.length - 1));
    return found?.token === token ? rangeOf(written, found.start, token.text.length) : null;
  }

  /** The index of the model's character before the caret, or else after it. */
  caret(): number | null {
    const range = this.quill.getSelection();
    if (!range) return null;
    return range.index > 0 && this.runOf(range.index - 1) ? range.index - 1 : range.index;
  }

  /** A passage of the text, in the window. */
  box(index: number, length: number): DOMRect | null {
    const bounds = this.quill.getBounds(index, length);
    if (!bounds) return null;
    const origin = this.quill.container.getBoundingClientRect();
    return new DOMRect(origin.left + bounds.left, origin.top + bounds.top, bounds.width, bounds.height);
  }

  /** The character under a point of the window. */
  indexAt(x: number, y: number): number | null {
    const caret = document.caretPositionFromPoint?.(x, y);
    if (!caret || !this.quill.root.contains(caret.offsetNode)) return null;
    const blot = Quill.find(caret.offsetNode, true);
    if (!blot || blot instanceof Quill) return null;
    return Math.max(0, this.quill.getIndex(blot) + caret.offset - 1);
  }
}
