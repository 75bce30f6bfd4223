// Guesses the language of a passage from its letters and common short words.

const SCRIPTS: readonly [string, RegExp][] = [
  ["ja", /[\p{Script=Hiragana}\p{Script=Katakana}]/gu],
  ["ko", /\p{Script=Hangul}/gu],
  ["zh", /\p{Script=Han}/gu],
  ["uk", /[іїєґІЇЄҐ]/g],
  ["ru", /\p{Script=Cyrillic}/gu],
  ["el", /\p{Script=Greek}/gu],
  ["he", /\p{Script=Hebrew}/gu],
  ["fa", /[پچژگ]/g],
  ["ar", /\p{Script=Arabic}/gu],
  ["hi", /\p{Script=Devanagari}/gu],
  ["th", /\p{Script=Thai}/gu],
  ["hy", /\p{Script=Armenian}/gu],
  ["ka", /\p{Script=Georgian}/gu],
];
/** Words that nearly every sentence has, and that few other languages have. */
const WORDS: Readonly<Record<string, string>> = {
  en: "the and of to was is that it he she his her with for had you not they were",
  de: "der die das und nicht ist ein eine mit den dem war sich auf ich sie wir auch",
  fr: "le les des est une dans que qui pas pour sur avec elle nous vous était mais du",
  es: "el los las una que del por con para pero como está había muy su ella yo y",
  it: "il gli della che non una con per sono era del nel anche più come lui lei",
  pt: "não uma os com para ele ela mas foi estava do da ao muito isso você em",
  nl: "het een van en niet dat was met hij zij maar voor naar ook zijn had",
  pl: "się nie jest że był była ale jak już tylko przez jego ona czy na do",
  vi: "không của là và một được những cho người có trong đã với này khi anh",
};
const WORD_SETS = Object.entries(WORDS).map(([name, words]) => [name, new Set(words.split(" "))] as const);
const LETTERS = /\p{L}/gu;
/** So few letters say nothing. */
const FEW = 12;

/** A BCP 47 tag; null when the language is unclear. */
export function languageOf(text: string): string | null {
  const letters = text.match(LETTERS)?.length ?? 0;
  if (letters < FEW) return null;
  for (const [name, script] of SCRIPTS) {
    const found = text.match(script)?.length ?? 0;
    // Some letters are of one language among those that share a script.
    const enough = name === "uk" || name === "fa" ? 0.02 : name === "ja" ? 0.15 : 0.5;
    if (found > letters * enough) return name;
  }
  const words = text.toLowerCase().match(/\p{L}+/gu) ?? [];
  const counts = WORD_SETS.map(
    ([name, set]) => [name, words.filter((word) => set.has(word)).length] as const,
  );
  const [best, next] = counts.sort((one, other) => other[1] - one[1]);
  if (!best || best[1] < 2 || best[1] === next?.[1]) return null;
  return best[0];
}
