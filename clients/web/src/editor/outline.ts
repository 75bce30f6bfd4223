// What a text is made of: its headings, its words, and how long it takes to read and to say.

import type { Op } from "./delta";

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
const SCENE = /^(?:INT|EXT|EST|INT\.?\/EXT|I\/E|ИНТ|НАТ|ИНТ\.?\/НАТ)[. ]/i;
const SCENE_LEVEL = 3;

export function countWords(text: string): number {
  const single = text.match(IDEOGRAPH)?.length ?? 0;
  const spaced = single > 0 ? text.replace(IDEOGRAPH, " ") : text;
  return single + (spaced.match(WORD)?.length ?? 0);
}

/** Headings in order; in a script its scenes as well. A delta's line formats stand on the newline that ends the line. */
export function outlineOf(ops: readonly Op[], script: boolean): Heading[] {
  const headings: Heading[] = [];
  let line = "";
  let start = 0;
  let index = 0;
  const end = (level: number) => {
    const text = line.trim();
    const at = level || (script && SCENE.test(text) ? SCENE_LEVEL : 0);
    if (at && text) headings.push({ index: start, level: at, text });
  };
  for (const op of ops) {
    if (typeof op.insert !== "string") {
      index += 1;
      continue;
    }
    const header = op.attributes?.header;
    for (const [number, part] of op.insert.split("\n").entries()) {
      if (number > 0) {
        end(typeof header === "number" ? header : 0);
        index += 1;
        start = index;
        line = "";
      }
      line += part;
      index += part.length;
    }
  }
  end(0);
  return headings;
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
