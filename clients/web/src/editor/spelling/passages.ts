// What of a line is checked, in pieces of a few sentences: a key in a long paragraph has only its own piece checked again.

import type { Op } from "../../room/document/delta";
import type { SpellingLanguage } from "../../room/http/spellingApi";
import type { Element } from "../script/script";
import { languageOf } from "../text/language";

export interface Piece {
  start: number;
  text: string;
}

/** A piece ends at the end of a sentence after so many units, and at the latest after twice as many. */
const PIECE = 600;
const SENTENCE_END = /[.!?…]["'”’»)\]]*\s+/g;
const LETTER = /\p{L}/u;
const LATIN = /\p{Script=Latin}/gu;
const CYRILLIC = /\p{Script=Cyrillic}/gu;
/** Lines of a script that are no prose. */
const CUES: ReadonlySet<Element> = new Set([
  ...(["scene", "character", "transition", "section", "page_break", "title_page", "note"] as const),
]);

/** The pieces of a line that has so many units or fewer are checked together. */
export function piecesOf(line: string): Piece[] {
  const pieces: Piece[] = [];
  let start = 0;
  const cut = (end: number) => {
    const text = line.slice(start, end);
    if (LETTER.test(text)) pieces.push({ start, text });
    start = end;
  };
  if (line.length > PIECE) {
    for (const match of line.matchAll(SENTENCE_END)) {
      const end = match.index + match[0].length;
      while (end - start > 2 * PIECE) cut(wordEnd(line, start + PIECE));
      if (end - start >= PIECE) cut(end);
    }
    while (line.length - start > 2 * PIECE) cut(wordEnd(line, start + PIECE));
  }
  cut(line.length);
  return pieces;
}

/** The first blank at or after a place, at most a piece further; never within a character. */
function wordEnd(line: string, from: number): number {
  const blank = line.indexOf(" ", from);
  if (blank >= 0 && blank - from < PIECE) return blank + 1;
  const unit = line.charCodeAt(from);
  return unit >= 0xdc00 && unit < 0xe000 ? from + 1 : from;
}

/** Whether a line is prose that can be checked: no open suggestion stands in it, and it is no cue of a script. */
export function isChecked(ops: readonly Op[], element: Element | undefined): boolean {
  if (element && CUES.has(element)) return false;
  return !ops.some(({ attributes }) => attributes?.suggest || attributes?.suggest_del);
}

const languages = new Map<string, string | null>();
const MAX_LANGUAGES = 300;

/** The same as `languageOf`: most passages are those of a moment before. */
function toldBefore(text: string): string | null {
  let known = languages.get(text);
  if (known === undefined) {
    known = languageOf(text);
    if (languages.size >= MAX_LANGUAGES) languages.clear();
    languages.set(text, known);
  }
  return known;
}

/** The languages of passages: what cannot be told by itself has that of most others in its script. */
export function languagesOf(texts: readonly string[]): (SpellingLanguage | null)[] {
  const told = texts.map(toldBefore);
  const most = (latin: boolean, otherwise: string): string => {
    const counts = new Map<string, number>();
    for (const [at, name] of told.entries())
      if (name && isLatin(texts[at] ?? "") === latin) counts.set(name, (counts.get(name) ?? 0) + 1);
    return [...counts].sort((one, other) => other[1] - one[1])[0]?.[0] ?? otherwise;
  };
  let latin: string | null = null;
  let cyrillic: string | null = null;
  return told.map((name, at) => {
    let language = name;
    if (!language) {
      latin ??= most(true, "en");
      cyrillic ??= most(false, "ru");
      language = isLatin(texts[at] ?? "") ? latin : cyrillic;
    }
    return language === "en" || language === "ru" ? language : null;
  });
}

const isLatin = (text: string): boolean =>
  (text.match(LATIN)?.length ?? 0) >= (text.match(CYRILLIC)?.length ?? 0);
