// The lines of the text that are in view, and what of them is checked in which language.

import type { Op } from "../../room/document/delta";
import type { Passage } from "../../room/http/spellingApi";
import type { Line } from "../binding/lineEditor";
import type { Element } from "../script/script";
import { isChecked, languagesOf, type Piece, piecesOf } from "./passages";

export interface LineInView {
  line: Line;
  /** Of the line's start in the text. */
  index: number;
  text: string;
  /** The pieces of the line; no passage: its language is not checked. */
  passages: { piece: Piece; passage: Passage | null }[];
}

/** Lines above and below what is in view, so that a small step of scrolling shows nothing unchecked. */
const BESIDE = 6;
const MOST = 150;
/** Of a longer line so much around the caret, or its beginning, is checked. */
export const LONG_LINE = 12_000;

export class View {
  /** The first line in view, and how many there are. */
  private range: { node: HTMLElement; count: number } | null = null;

  constructor(private readonly root: HTMLElement) {}

  /** Other lines may be in view now. */
  moved(): void {
    this.range = null;
  }

  read(
    lines: readonly Line[],
    options: { caret: number; script: boolean; checks(language: string): boolean },
  ): LineInView[] {
    const { caret, script } = options;
    const { first, last, index } = this.find(lines);
    const found: LineInView[] = [];
    let at = index;
    for (let number = first; number <= last; number += 1) {
      const line = lines[number];
      if (!line) break;
      const text = textOf(line);
      const element = script ? (line.node.dataset.element as Element | undefined) : undefined;
      if (isChecked(line.delta.ops as Op[], element)) {
        const near = caret >= at && caret <= at + line.length ? caret - at : 0;
        const pieces = text.length <= LONG_LINE ? piecesIn(text) : piecesNear(text, near);
        found.push({ line, index: at, text, passages: pieces.map((piece) => ({ piece, passage: null })) });
      }
      at += line.length;
    }
    const all = found.flatMap((each) => each.passages);
    const languages = languagesOf(all.map(({ piece }) => piece.text));
    for (const [number, each] of all.entries()) {
      const language = languages[number];
      if (language && options.checks(language)) each.passage = { text: each.piece.text, language };
    }
    for (const { line, text, passages } of found) {
      // An attribute has the editor read the whole line again.
      if (text.length > LONG_LINE) continue;
      // The browser's own check would underline the same words once more.
      const ours = passages.length > 0 && passages.every(({ passage }) => passage);
      if (ours === (line.node.getAttribute("spellcheck") === "false")) continue;
      if (ours) line.node.setAttribute("spellcheck", "false");
      else line.node.removeAttribute("spellcheck");
    }
    return found;
  }

  /** Looks for the lines in view only after they may have moved, since that has the page laid out. */
  private find(lines: readonly Line[]): { first: number; last: number; index: number } {
    const { range } = this;
    let index = 0;
    for (const [first, line] of range ? lines.entries() : []) {
      if (line.node === range?.node) return { first, last: first + range.count - 1, index };
      index += line.length;
    }
    const found = linesInView(this.root, lines);
    const node = lines[found.first]?.node;
    this.range = node ? { node, count: found.last - found.first + 1 } : null;
    return found;
  }
}

/** The first and last line in view, as numbers, and the index of the first one's start. */
function linesInView(
  root: HTMLElement,
  lines: readonly Line[],
): { first: number; last: number; index: number } {
  const desk = root.closest(".desk")?.getBoundingClientRect();
  const top = Math.max(0, desk?.top ?? 0);
  const bottom = Math.min(innerHeight, desk?.bottom ?? innerHeight);
  const line = (from: number, beyond: (box: DOMRect) => boolean): number => {
    let low = from;
    let high = lines.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      const box = lines[middle]?.node.getBoundingClientRect();
      if (box && beyond(box)) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  // A text that is hidden has no boxes: nothing is in view.
  if (root.offsetParent === null || lines.length === 0) return { first: 0, last: -1, index: 0 };
  const start = line(0, (box) => box.bottom > top);
  const end = line(start, (box) => box.top > bottom);
  const first = Math.max(0, start - BESIDE);
  const last = Math.min(lines.length - 1, end + BESIDE, first + MOST);
  let index = 0;
  for (let number = 0; number < first; number += 1) index += lines[number]?.length ?? 0;
  return { first, last, index };
}

const texts = new WeakMap<Line, string>();

function textOf(line: Line): string {
  let text = texts.get(line);
  if (text === undefined) {
    text = line.delta.ops
      .map((op) => (typeof op.insert === "string" ? op.insert : "\ufffc"))
      .join("")
      .slice(0, -1);
    texts.set(line, text);
  }
  return text;
}

/** The pieces around a place of a long line, without reading all of it; the outer ones may be cut within a word. */
function piecesNear(text: string, near: number): readonly Piece[] {
  const half = LONG_LINE / 2;
  const from = Math.max(0, Math.floor((near - half) / half) * half);
  const end = Math.min(text.length, from + 3 * half);
  const shifted = piecesOf(text.slice(from, end)).map((piece) => ({ ...piece, start: piece.start + from }));
  return shifted.slice(from > 0 ? 1 : 0, end < text.length ? -1 : undefined);
}

const pieces = new Map<string, readonly Piece[]>();
const MAX_PIECES = 300;

/** The same pieces for the same text, without cutting it again. */
function piecesIn(text: string): readonly Piece[] {
  let known = pieces.get(text);
  if (!known) {
    known = piecesOf(text);
    if (pieces.size >= MAX_PIECES) pieces.clear();
    pieces.set(text, known);
  }
  return known;
}
