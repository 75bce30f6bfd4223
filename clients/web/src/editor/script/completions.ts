// Completions for a line of a screenplay: names of characters, places and times of scenes.

import { type ScriptLine, withoutBrackets } from "./script";

const MOST = 6;
const INTERIOR =
  /^(\.|(?:INT|EXT|EST|INT\.?\/EXT|EXT\.?\/INT|I\/E|ИНТ|НАТ|ИНТ\.?\/НАТ|НАТ\.?\/ИНТ)[. ]+)(.*)$/iu;
const TIME = /^(.*\S)\s+-\s*(.*)$/u;
const CYRILLIC = /[а-яё]/iu;
const STARTS = { en: ["INT. ", "EXT. ", "INT./EXT. "], ru: ["ИНТ. ", "НАТ. ", "ИНТ./НАТ. "] };
const TIMES = {
  en: ["DAY", "NIGHT", "MORNING", "EVENING", "CONTINUOUS"],
  ru: ["ДЕНЬ", "НОЧЬ", "УТРО", "ВЕЧЕР"],
};

/** Whole lines that begin as `typed` does, likeliest first; `script` is the script with that line, at `here`. */
export function completions(script: readonly ScriptLine[], here: number, typed: string): string[] {
  const text = typed.trimStart();
  if (text === "" || (here > 0 && script[here - 1]?.kind !== "blank")) return [];
  const language = CYRILLIC.test(text) ? "ru" : "en";
  const heading = INTERIOR.exec(text);
  if (heading) return inHeading(script, here, heading[1] ?? "", heading[2] ?? "", language);
  const upper = text.toUpperCase();
  // A name is typed in capitals, or after the mark that forces it.
  const forced = text.startsWith("@");
  if (!forced && text !== upper) return [];
  const names = counted(
    script.filter((line, at) => at !== here && line.kind === "character"),
    ({ shown }) => withoutBrackets(shown.replace(/^@|\^$/g, "")).toUpperCase(),
  );
  const wanted = forced ? upper.slice(1) : upper;
  const found = names.filter((name) => name.startsWith(wanted) && name !== wanted);
  const starts = STARTS[language].filter((start) => start.startsWith(upper) && start.trim() !== upper);
  return [...starts, ...found.map((name) => (forced ? `@${name}` : name))].slice(0, MOST);
}

function inHeading(
  script: readonly ScriptLine[],
  here: number,
  start: string,
  rest: string,
  language: "en" | "ru",
): string[] {
  const scenes = script
    .filter((line, at) => at !== here && line.kind === "scene")
    .map(({ shown }) => placeOf(shown))
    .filter((scene) => scene !== null);
  const timed = TIME.exec(rest);
  const prefix = start.toUpperCase();
  if (timed) {
    const [, place = "", time = ""] = timed;
    const known = counted(scenes, (scene) => scene.time);
    const times = [...new Set([...known, ...TIMES[language]])].filter((each) =>
      each.startsWith(time.toUpperCase()),
    );
    return times
      .filter((each) => each !== time.toUpperCase())
      .map((each) => `${prefix}${place.toUpperCase()} - ${each}`)
      .slice(0, MOST);
  }
  const wanted = rest.toUpperCase();
  return counted(scenes, (scene) => scene.place)
    .filter((place) => place.startsWith(wanted) && place !== wanted)
    .map((place) => prefix + place)
    .slice(0, MOST);
}

function placeOf(heading: string): { place: string; time: string } | null {
  const rest = INTERIOR.exec(heading.replace(/\s*#[\w.-]+#$/, ""))?.[2]
    ?.toUpperCase()
    .trim();
  if (!rest) return null;
  const timed = TIME.exec(rest);
  return timed ? { place: timed[1] ?? "", time: timed[2] ?? "" } : { place: rest, time: "" };
}

/** Each once: the most frequent first, then the latest. */
function counted<T>(items: readonly T[], nameOf: (item: T) => string): string[] {
  const counts = new Map<string, number>();
  for (const item of items) {
    const name = nameOf(item);
    if (!name) continue;
    const before = counts.get(name) ?? 0;
    counts.delete(name);
    counts.set(name, before + 1);
  }
  return [...counts]
    .reverse()
    .sort((a, b) => b[1] - a[1])
    .map(([name]) => name);
}
