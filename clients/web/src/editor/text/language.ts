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
  en: "the and of to was is that it he she his her with for had you not they were are be as at by this from",
  de: "der die das und nicht ist ein eine mit den dem war sich auf ich sie wir auch",
  fr: "le les des est une dans que qui pas pour sur avec elle nous vous était mais du",
  es: "el los las una que del por con para pero como está había muy su ella yo y",
  it: "il gli della che non una con per sono era del nel anche più come lui lei",
  pt: "não uma os com para ele ela mas foi estava do da ao muito isso você em",
  nl: "het een van en niet dat was met hij zij maar voor naar ook zijn had",
  pl: "się nie jest że był była ale jak już tylko przez jego ona czy na do",
  sv: "och att det som en på är av för med den till inte har jag var han hon där i",
  da: "og at det som en på er af for med den til ikke har jeg var han hun der ikke hvor blev",
  nb: "og at det som en på er av for med den til ikke har jeg var han hun der ikke hvor ble",
  fi: "ja on ei se hän oli että mutta kun niin jotka joka siellä sen hänen ovat kuin jo nyt minä",
  et: "ja on ei see ta oli et aga kui nii mis kes seal selle tema ning nagu ka ma",
  cs: "a je se na že to byl byla ale jak když jen už které který jeho její ještě pro do",
  sk: "a je sa na že to bol bola ale ako keď len už ktoré ktorý jeho jej ešte pre do",
  hr: "je se na da su bio bila ali kao kad samo već koji koja njegov za nije što u",
  hu: "az és hogy nem egy volt is ez de mint csak már meg ő aki ahol még a",
  ro: "și în nu care era pe cu din că mai este pentru dar lui ca ea el fost",
  tr: "ve bir bu da için ile çok ama o gibi daha ne kadar sonra değil var mı",
  id: "dan yang di itu dengan tidak untuk dari ini dia ke pada adalah akan mereka",
  lt: "ir kad buvo į su jis ji bet kaip tai iš ne yra jau ant per jo",
  lv: "un ka bija ar viņš viņa bet kā tas no ne ir jau uz par ko",
  ca: "els amb és però això més seva aquest aquesta també dels molt quan",
  vi: "không của là và một được những cho người có trong đã với này khi anh",
};
/** Word -> the languages that have it. */
const LANGUAGES = new Map<string, string[]>();
for (const [name, words] of Object.entries(WORDS))
  for (const word of words.split(" ")) LANGUAGES.set(word, [...(LANGUAGES.get(word) ?? []), name]);
const LETTERS = /\p{L}/gu;
/** So few letters say nothing. */
const FEW = 12;

/** So many words without one of English are of another language. */
const MANY_WORDS = 15;
/** A BCP 47 tag for a language that is none of ours. */
export const UNKNOWN_LANGUAGE = "und";

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
  const counts = new Map<string, number>();
  for (const word of words)
    for (const name of LANGUAGES.get(word) ?? []) counts.set(name, (counts.get(name) ?? 0) + 1);
  const english = counts.get("en") ?? 0;
  const [best, next] = [...counts].sort((one, other) => other[1] - one[1]);
  if (best && best[1] >= 2 && best[1] > (next?.[1] ?? 0)) return best[0];
  return english === 0 && words.length >= MANY_WORDS ? UNKNOWN_LANGUAGE : null;
}
