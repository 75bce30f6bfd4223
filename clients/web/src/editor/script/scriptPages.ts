// How many pages a script has, by the measures of the server's formats/script_pages.py: letters to a line, lines to a page.

import { type Element, scriptOf } from "./script";

const LINES = 55;
const WIDTHS: Partial<Record<Element, number>> = {
  character: 38,
  parenthetical: 25,
  dialogue: 35,
  lyric: 35,
};
const ACTION = 60;
const UNPRINTED: ReadonlySet<Element> = new Set(["blank", "section", "synopsis", "title_page", "note"]);
const SPOKEN: ReadonlySet<Element> = new Set(["parenthetical", "dialogue", "lyric"]);

/** Where pages end is for the printed script to say: this is the length, rounded up. */
export function pagesOf(lines: readonly string[]): number {
  let used = 0;
  let apart = true;
  for (const { kind, shown } of scriptOf(lines)) {
    if (UNPRINTED.has(kind)) {
      apart = true;
      continue;
    }
    if (kind === "page_break") {
      used = Math.ceil(used / LINES) * LINES;
      continue;
    }
    const room = used % LINES === 0 ? 0 : kind === "scene" ? 2 : apart && !SPOKEN.has(kind) ? 1 : 0;
    used += room + wrapped(shown, WIDTHS[kind] ?? ACTION);
    apart = false;
  }
  return Math.ceil(used / LINES);
}

function wrapped(text: string, width: number): number {
  let lines = 1;
  let column = 0;
  for (const word of text.split(/\s+/)) {
    const after = column === 0 ? word.length : column + 1 + word.length;
    if (after <= width) {
      column = after;
      continue;
    }
    if (column > 0) lines += 1;
    lines += Math.max(0, Math.ceil(word.length / width) - 1);
    column = word.length % width || Math.min(word.length, width);
  }
  return lines;
}
