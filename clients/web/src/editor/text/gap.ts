// Gaps in the text that words can be found for, and the blanks around the words. As the server sees them: there it is
// decided, here it is shown.

/** UTF-16 units of a selection, at most. */
export const MAX_FILL = 240;
// Thai, Lao, Burmese, Khmer, kana and Han are written without blanks between words.
const UNSPACED = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]/;
const OPENING = new Set("([{«“‘¿¡—-/");
const CLOSING = new Set(".,;:!?…)]}»”’'\"—-/");
const LETTER = /[\p{L}\p{N}]/u;

export interface Sides {
  before: string;
  selection: string;
  after: string;
}

/** Why no words can be found for a gap; null where they can. */
export function gapProblem({
  before,
  selection,
  after,
}: Sides): "empty" | "inside" | "long" | "lines" | null {
  if (selection.length > MAX_FILL) return "long";
  if (selection.replace(/^\n+|\n+$/g, "").includes("\n")) return "lines";
  if (before.trim() === "" && after.trim() === "") return "empty";
  if (selection === "" && isWord(last(before)) && isWord(first(after))) return "inside";
  return null;
}

/** The words with a blank on each side where one is missing between them and their neighbours. */
export function spaced(words: string, before: string, after: string): string {
  const left = last(before);
  const right = first(after);
  const lead = left !== "" && left.trim() !== "" && !OPENING.has(left) && !UNSPACED.test(left);
  const trail = right !== "" && right.trim() !== "" && !CLOSING.has(right) && !UNSPACED.test(right);
  return `${lead ? " " : ""}${words}${trail ? " " : ""}`;
}

const isWord = (letter: string): boolean => LETTER.test(letter) && !UNSPACED.test(letter);
const last = (text: string): string => Array.from(text.slice(-2)).at(-1) ?? "";
const first = (text: string): string => Array.from(text.slice(0, 2))[0] ?? "";
