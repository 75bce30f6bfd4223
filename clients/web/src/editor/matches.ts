// What was found, marked over the text by the CSS Custom Highlight API, which changes nothing in the text itself.

import type Quill from "quill/core.js";
import type { Match } from "./find";

const ALL = "found";
const CURRENT = "found-here";
/** Ranges that are drawn; the rest is found all the same. */
const MAX_DRAWN = 1000;

export class MatchLayer {
  constructor(private readonly quill: Quill) {}

  show(matches: readonly Match[], current: number): void {
    if (typeof Highlight === "undefined") return; // a browser without it still selects what was found
    const others = matches.slice(0, MAX_DRAWN).filter((_, at) => at !== current);
    CSS.highlights.set(ALL, new Highlight(...others.flatMap((match) => this.range(match))));
    const here = matches[current];
    CSS.highlights.set(CURRENT, new Highlight(...(here ? this.range(here) : [])));
  }

  clear(): void {
    if (typeof Highlight === "undefined") return;
    CSS.highlights.delete(ALL);
    CSS.highlights.delete(CURRENT);
  }

  private range({ index, length }: Match): Range[] {
    const [first, start] = this.quill.getLeaf(index);
    const [last, end] = this.quill.getLeaf(index + length);
    if (!first || !last) return [];
    const range = document.createRange();
    try {
      range.setStart(first.domNode, start);
      range.setEnd(last.domNode, end);
    } catch {
      return []; // an embed has no text node to stand in
    }
    return [range];
  }
}
