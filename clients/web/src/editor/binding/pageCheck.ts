// Checks whether the page shows what the text says. The browser and extensions change the page by themselves; their
// changes are read from the page, and this checks that reading.

import { MODEL_FORMATS, type Op } from "../../room/document/delta";
import { plainOf } from "../text/pageEdits";
import { PLACEHOLDER } from "../text/sharedText";
import type { Line, LineEditor } from "./lineEditor";

/** Quill's placeholder for a format that was chosen for the next letters. */
const NO_BREAK = /\ufeff/g;
const DRAWN = ["bold", "italic", "underline", "strike", ...MODEL_FORMATS];

/** The difference in the lines of the last change; null when there is none. `text` is the shared text as shown. */
export function differsAt(page: LineEditor, text: string): string | null {
  const { index, first, count } = page.changed;
  const lines = page.lines.slice(first, first + count);
  let at = index;
  for (const line of lines) {
    const wrong = differsLine(line, text.slice(at, at + line.length));
    if (wrong) return wrong;
    at += line.length;
  }
  const length = page.scroll.length();
  return length === text.length ? null : `the page has ${length} places and the text ${text.length}`;
}

/** The same for the whole page, formats included. */
export function differsAnywhere(page: LineEditor, ops: readonly Op[]): string | null {
  const text = plainOf(ops);
  let at = 0;
  for (const line of page.lines) {
    const wrong = differsLine(line, text.slice(at, at + line.length));
    if (wrong) return wrong;
    at += line.length;
  }
  if (at !== text.length) return `the page has ${at} places and the text ${text.length}`;
  const drawn = marks(page.getContents(0, at).ops as Op[]);
  return drawn === marks(ops) ? null : "the formats differ";
}

function differsLine({ delta, node }: Line, text: string): string | null {
  const said = plainOf(delta.ops as Op[]);
  if (said !== text) return `a line of ${text.length} places differs`;
  const drawn = [...node.childNodes]
    .filter((child) => !(child instanceof HTMLElement && child.classList.contains("ql-ui")))
    .map((child) => child.textContent ?? "")
    .join("")
    .replace(NO_BREAK, "");
  const words = said.slice(0, -1).replaceAll(PLACEHOLDER, "").replace(NO_BREAK, "");
  return drawn === words ? null : `a line of ${text.length} places is drawn otherwise`;
}

/** The visible formats of text, range by range; formats of line ends have rules of their own. */
function marks(ops: readonly Op[]): string {
  const found: string[] = [];
  let last = "";
  let length = 0;
  const note = (now: string, units: number) => {
    if (now !== last && length > 0) {
      found.push(`${length}${last}`);
      length = 0;
    }
    last = now;
    length += units;
  };
  for (const { insert, attributes } of ops) {
    const now = DRAWN.filter((name) => attributes?.[name]).join("+");
    if (typeof insert !== "string") note(now, 1);
    else for (const part of insert.split(/(\n)/)) if (part) note(part === "\n" ? "" : now, part.length);
  }
  return [...found, `${length}${last}`].join(" ");
}
