// The outline of a text, its word count, and how long it takes to read and to speak.

import type { Line } from "./binding/lineEditor";
import { elementsOf } from "./script/script";

/** A line of the text without its end; `level` is that of a heading, else 0. */
export interface TextLine {
  text: string;
  level: number;
}

export interface Heading {
  /** UTF-16 index of the line's start. */
  index: number;
  level: number;
  text: string;
}
export interface Measures {
  words: number;
  characters: number;
  paragraphs: number;
  /** Minutes at 230 words a minute in silence, and at 150 aloud. */
  reading: number;
  speaking: number;
}

const WORD = /[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu;
/** Scripts that put no blanks between words are counted by characters, as editors of those languages do. */
const IDEOGRAPH = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/gu;
const SCENE_LEVEL = 3;

export function countWords(text: string): number {
  const single = text.match(IDEOGRAPH)?.length ?? 0;
  const spaced = single > 0 ? text.replace(IDEOGRAPH, " ") : text;
  return single + (spaced.match(WORD)?.length ?? 0);
}

/** Lines of the page as text. The same object for the same line, so that its counts are computed once. */
export function textLines(lines: readonly Line[]): TextLine[] {
  return lines.map((line) => {
    const known = texts.get(line);
    if (known) return known;
    const made = textLine(line);
    texts.set(line, made);
    return made;
  });
}

const texts = new WeakMap<Line, TextLine>();

function textLine({ delta }: Line): TextLine {
  const text = delta.ops.map((op) => (typeof op.insert === "string" ? op.insert : "\ufffc")).join("");
  // A line's formats are on its end.
  const header = delta.ops.at(-1)?.attributes?.header;
  return { text: text.slice(0, -1), level: typeof header === "number" ? header : 0 };
}

/** Headings in order; in a script its scenes as well. */
export function outlineOf(lines: readonly TextLine[], script: boolean): Heading[] {
  const elements = script ? elementsOf(lines.map((line) => line.text.replaceAll("\ufffc", ""))) : [];
  const found: Heading[] = [];
  let index = 0;
  for (const [number, { text, level }] of lines.entries()) {
    const shown = level || (elements[number] === "scene" ? SCENE_LEVEL : 0);
    if (shown && text.trim()) found.push({ index, level: shown, text: text.trim() });
    index += text.length + 1;
  }
  return found;
}

export function wordsIn(lines: readonly TextLine[]): number {
  return lines.reduce((sum, line) => sum + factsOf(line).words, 0);
}

export function measure(lines: readonly TextLine[]): Measures {
  let words = 0;
  let characters = 0;
  let paragraphs = 0;
  for (const line of lines) {
    const facts = factsOf(line);
    words += facts.words;
    characters += facts.characters;
    if (!facts.blank) paragraphs += 1;
  }
  return { words, characters, paragraphs, reading: words / 230, speaking: words / 150 };
}

interface Facts {
  words: number;
  characters: number;
  blank: boolean;
}

const facts = new WeakMap<TextLine, Facts>();
const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: "grapheme" });
/** Letters and signs that are a character each: most lines have no others, and need no segmenter. */
const SINGLE = /^[\t\u0020-\u02ff\u0370-\u0482\u048a-\u0590\u2010-\u2027\u2030-\u205e]*$/;

function factsOf(line: TextLine): Facts {
  const known = facts.get(line);
  if (known) return known;
  const { text } = line;
  const characters = SINGLE.test(text) ? text.length : [...GRAPHEMES.segment(text)].length;
  const made = { words: countWords(text), characters, blank: text.trim() === "" };
  facts.set(line, made);
  return made;
}
