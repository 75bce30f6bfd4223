// The shots of a film with the words that they stand for: fields of the shared document, read against the script.

import { type ScriptLine, scriptOf, withoutBrackets } from "../editor/script/script";
import { FPS, type ShotFields } from "./reel";
import type { StoryPlaces } from "./storyPlaces";
import { heard, type Lines, placeOf } from "./voices";

const HEADING =
  /^\.?\s*(?:(INT\.?\/EXT|EXT\.?\/INT|I\/E|INT|EXT|EST|ИНТ\.?\/НАТ|НАТ\.?\/ИНТ|ИНТ|НАТ)[. ]+)?(.*)$/iu;
const NUMBER = /\s*#[\w.-]{1,12}#\s*$/u;
const TIME = /^(.*\S)\s+[-–—]\s*([^-–—]*)$/u;
const EMPHASIS = /(\*{1,3}|_)(?=\S)(.+?)(?<=\S)\1/gu;

export interface Heading {
  place: string;
  time: string;
  inside: boolean;
}
/** The fields of a shot as the reel takes them, and where its words stand: UTF-16 places; null: they are gone. */
export interface SheetShot {
  id: string;
  fields: ShotFields;
  heading: string;
  /** People gave it other words than those of the text. */
  reworded: boolean;
  range: { start: number; end: number } | null;
}
interface Line extends ScriptLine {
  start: number;
  end: number;
  /** The heading above. */
  heading: string;
}

/** `shots`: id and fields of each, in the order of the film. */
export function sheetOf(
  shots: readonly (readonly [string, ShotFields])[],
  places: StoryPlaces,
  spoken: Lines = new Map(),
): SheetShot[] {
  const lines = linesOf(places.text);
  return shots.map(([id, fields]) => {
    const range = passage(fields, places);
    const found = range ? within(lines, range) : [];
    const own = typeof fields.scene === "string" && fields.scene !== "" ? fields.scene : null;
    const heading = own ?? found[0]?.heading ?? "";
    const cue = found.find((line) => line.kind === "character");
    const who = cue ? nameOf(cue) : typeof fields.who === "string" ? fields.who : "";
    const text = typeof fields.words === "string" ? fields.words : wordsOf(found);
    const reworded = typeof fields.words === "string";
    const voice = fields.kind === "speech" ? heard(spoken.get(placeOf(who, text)), FPS) : {};
    const all = { ...fields, id, text, who, ...headingParts(heading), ...voice };
    return { id, heading, reworded, range, fields: all };
  });
}

export function headingParts(heading: string): Heading {
  const found = HEADING.exec(heading.replace(NUMBER, "").trim());
  const rest = (found?.[2] ?? heading).trim();
  const side = (found?.[1] ?? "").toUpperCase();
  const timed = TIME.exec(rest);
  const inside = side === "I/E" || side.includes("INT") || side.includes("ИНТ");
  return { place: (timed?.[1] ?? rest).trim(), time: (timed?.[2] ?? "").trim(), inside };
}

function linesOf(text: string): Line[] {
  const lines = text.split("\n");
  let start = 0;
  let heading = "";
  return scriptOf(lines).map((line, number) => {
    const end = start + (lines[number]?.length ?? 0);
    if (line.kind === "scene") heading = line.shown.replace(/^\./, "").replace(NUMBER, "").trim();
    const made = { ...line, start, end, heading };
    start = end + 1;
    return made;
  });
}

function passage(fields: ShotFields, places: StoryPlaces): { start: number; end: number } | null {
  const first = places.find(fields.anchor);
  const last = typeof fields.end === "string" ? places.find(fields.end) : first;
  if (!first || !last) return null;
  const end = last.alive ? last.at + 1 : last.at;
  return end > first.at ? { start: first.at, end } : null;
}

/** The lines of which a range holds a part. */
function within(lines: readonly Line[], range: { start: number; end: number }): Line[] {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((lines[middle]?.end ?? 0) <= range.start) low = middle + 1;
    else high = middle;
  }
  const found: Line[] = [];
  for (let at = low; at < lines.length; at += 1) {
    const line = lines[at];
    if (!line || line.start >= range.end) break;
    found.push(line);
  }
  return found;
}

function nameOf(line: Line): string {
  return withoutBrackets(plain(line.shown).replace(/^@/, "").replace(/\^$/, "")).slice(0, 64);
}

function wordsOf(lines: readonly Line[]): string {
  const titles = lines.filter((line) => line.kind === "title_page");
  if (titles.length > 0) {
    const value = (key: RegExp) =>
      titles
        .find((line) => key.test(line.shown))
        ?.shown.replace(key, "")
        .trim() ?? "";
    return [value(/^title\s*:/i), value(/^authors?\s*:/i)].filter(Boolean).map(plain).join("\n");
  }
  const speech = lines.some((line) => line.kind === "character");
  const said = lines.filter((line) =>
    speech
      ? line.kind === "dialogue" || line.kind === "lyric"
      : line.kind !== "blank" && line.kind !== "note" && line.kind !== "transition",
  );
  const words = said.map(({ shown, kind }) => {
    if (kind === "scene") return shown.replace(/^\./, "").replace(NUMBER, "");
    if (kind === "centered") return shown.replace(/^[>\s]+|[<\s]+$/g, "");
    return kind === "action" ? shown.replace(/^!/, "") : shown.replace(/^~/, "");
  });
  return plain(words.join(" ").trim());
}

/** Without Fountain's marks of emphasis. */
function plain(text: string): string {
  if (!/[*_]/.test(text)) return text;
  return [1, 2, 3].reduce((words) => words.replace(EMPHASIS, "$2"), text);
}
