// The language of the page: the browser's, where we speak it.

import { en, type Strings } from "./en";
import { ru } from "./ru";

const known: Record<string, Strings> = { en, ru };

function chosen(): string {
  const languages = typeof navigator === "undefined" ? [] : navigator.languages;
  for (const language of languages) {
    const short = language.slice(0, 2).toLowerCase();
    if (Object.hasOwn(known, short)) return short;
  }
  return "en";
}

export const language = chosen();
export const t: Strings = known[language] ?? en;
