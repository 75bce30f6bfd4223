// Finds all matches of a text, in order and without overlaps. Indices are UTF-16 units.

export interface FindOptions {
  matchCase: boolean;
  wholeWords: boolean;
}
export interface Match {
  index: number;
  length: number;
}

const SPECIAL = /[.*+?^${}()|[\]\\]/g;
const LETTER = "[\\p{L}\\p{N}_]";
/** More would only make the page slow. */
export const MAX_MATCHES = 5000;

export function findAll(text: string, wanted: string, { matchCase, wholeWords }: FindOptions): Match[] {
  if (wanted === "") return [];
  const words = wanted.replace(SPECIAL, "\\$&");
  const source = wholeWords ? `(?<!${LETTER})${words}(?!${LETTER})` : words;
  const found: Match[] = [];
  for (const match of text.matchAll(new RegExp(source, matchCase ? "gu" : "giu"))) {
    found.push({ index: match.index, length: match[0].length });
    if (found.length >= MAX_MATCHES) break;
  }
  return found;
}

/** The first match at or after `index`, else the first of all; -1 when there is none. */
export function nextFrom(matches: readonly Match[], index: number): number {
  if (matches.length === 0) return -1;
  const at = matches.findIndex((match) => match.index >= index);
  return at < 0 ? 0 : at;
}
