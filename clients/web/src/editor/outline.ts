// What a text is made of: its headings, its words, and how long it takes to read and to say.

import type { Op } from "./delta";
import { elementsOf } from "./script";

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

/** Headings in order; in a script its scenes as well. A delta's line formats stand on the newline that ends the line. */
export function outlineOf(ops: readonly Op[], script: boolean): Heading[] {
  const lines: Heading[] = [{ index: 0, level: 0, text: "" }];
  let index = 0;
  for (const op of ops) {
    const line = () => lines.at(-1) as Heading;
    if (typeof op.insert !== "string") {
      index += 1;
      continue;
    }
    const header = op.attributes?.header;
    for (const [number, part] of op.insert.split("\n").entries()) {
      if (number > 0) {
        line().level = typeof header === "number" ? header : 0;
        index += 1;
        lines.push({ index, level: 0, text: "" });
      }
      line().text += part;
      index += part.length;
    }
  }
  const elements = script ? elementsOf(lines.map((line) => line.text)) : [];
  return lines.flatMap(({ index: at, level, text }, number) => {
    const shown = level || (elements[number] === "scene" ? SCENE_LEVEL : 0);
    return shown && text.trim() ? [{ index: at, level: shown, text: text.trim() }] : [];
  });
}

export function measure(text: string): Measures {
  const words = countWords(text);
  const segments = new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(
    text.replaceAll("\n", ""),
  );
  let characters = 0;
  for (const _ of segments) characters += 1;
  const paragraphs = text.split("\n").filter((line) => line.trim() !== "").length;
  return { words, characters, paragraphs, reading: words / 230, speaking: words / 150 };
}
