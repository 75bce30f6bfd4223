// Formats while one types: `# ` makes a heading, `> ` a quotation; straight quotes and double hyphens become those of
// the language. Backspace right after it reverts one. A hyphen at the start of a line stays: in many languages it
// opens direct speech.

import type Quill from "quill/core.js";
import Delta from "quill-delta";

export interface Quotes {
  open: string;
  close: string;
  /** Inside other quotes. */
  inner: readonly [string, string];
  /** The replacement of two hyphens. */
  dash: string;
}

const ENGLISH: Quotes = { open: "\u201c", close: "\u201d", inner: ["\u2018", "\u2019"], dash: "\u2014" };
const LANGUAGES: Readonly<Record<string, Quotes>> = {
  en: ENGLISH,
  ru: { open: "\u00ab", close: "\u00bb", inner: ["\u201e", "\u201c"], dash: "\u2014" },
  de: { open: "\u201e", close: "\u201c", inner: ["\u201a", "\u2018"], dash: "\u2013" },
  fr: { open: "\u00ab\u202f", close: "\u202f\u00bb", inner: ["\u201c", "\u201d"], dash: "\u2014" },
};
const APOSTROPHE = "\u2019";
const CYRILLIC = /\p{Script=Cyrillic}/u;
const LETTER = /\p{L}/u;

/** The quotes for a line: those of its script, and of the page's language among the ones that share it. */
export function quotesOf(line: string, language: string): Quotes {
  const page = LANGUAGES[language.slice(0, 2)] ?? ENGLISH;
  const letters = [...line].filter((letter) => LETTER.test(letter));
  if (letters.length === 0) return page;
  const cyrillic = letters.filter((letter) => CYRILLIC.test(letter)).length * 2 > letters.length;
  if (cyrillic) return LANGUAGES.ru as Quotes;
  return language.startsWith("ru") ? ENGLISH : page;
}

/** The replacement of a typed character after `before`, the line up to the caret; null: none. `takes`: units before it
 * that are removed. */
export function becomes(
  typed: string,
  before: string,
  quotes: Quotes,
): { text: string; takes: number } | null {
  if (typed === "-" && /[^-]-$|^-$/.test(before) && before !== "-") return { text: quotes.dash, takes: 1 };
  if (typed !== '"' && typed !== "'") return null;
  const [first, second] = quotes.inner;
  const last = before.at(-1) ?? " ";
  // The sign that opens in one language closes in another.
  const closed = last === quotes.close || last === second;
  const opens = !closed && /[\s([{\u2014\u2013\u00ab\u201e\u201c\u2018\u201a-]/.test(last);
  if (typed === '"') return { text: opens ? quotes.open : quotes.close, takes: 0 };
  if (opens) return { text: first, takes: 0 };
  // Where the two differ, a letter behind the sign shows that it was an apostrophe.
  const closes = before.lastIndexOf(first) > before.lastIndexOf(second);
  return { text: closes ? second : APOSTROPHE, takes: 0 };
}

/** Words that begin with an apostrophe: of English, Dutch and Afrikaans, German, Welsh. */
const ELIDED = new Set(
  [
    "tis twas twere twould em til neath gainst tween cept nuff bout n",
    "s t k m r ie ns",
    "ne nen nem ner ran rauf rein raus rum",
    "w",
  ].flatMap((words) => words.split(" ")),
);
const QUOTED = /(?:^|[\s([{\u2014\u2013\u00ab\u201e\u201c-])([\u2018\u201a\u201e])(\p{L}*)$/u;

/**
 * A sign before the caret that was taken for the beginning or the end of a quotation, and is an apostrophe, as the typed
 * character shows: that of '90s at the digit, that of 'tis at the blank behind it, that of l'eau at the letter. Its
 * place in `before`; null: there is none.
 */
export function apostropheIn(typed: string, before: string, quotes: Quotes): number | null {
  const [first, second] = quotes.inner;
  if (second !== APOSTROPHE && LETTER.test(typed) && before.endsWith(second))
    return LETTER.test(before.at(-2) ?? "") ? before.length - 1 : null;
  const found = QUOTED.exec(before);
  if (!found || found[1] !== first) return null;
  const word = (found[2] ?? "").toLowerCase();
  const at = before.length - word.length - 1;
  if (word === "") return /\d/.test(typed) ? at : null;
  // 'n' has one on either side; other single letters may be quoted.
  if (typed === "'") return word === "n" ? at : null;
  return /[\s,.;:!?-]/.test(typed) && ELIDED.has(word) ? at : null;
}

/** The format for the beginning of a line when a space follows it. */
export function lineBecomes(before: string): Record<string, unknown> | null {
  const hashes = /^(#{1,3})$/.exec(before);
  if (hashes) return { header: hashes[1]?.length };
  return before === ">" ? { blockquote: true } : null;
}

/** `on` says whether this person wants it, `script` whether the signs mean something else here. */
export function watchAutoFormat(
  quill: Quill,
  options: { on(): boolean; script(): boolean; language(): string },
  signal: AbortSignal,
): void {
  /** The last replacement, while nothing else has happened since. */
  let undo: (() => void) | null = null;
  const type = (event: InputEvent) => {
    const back = undo;
    undo = null;
    if (event.defaultPrevented || quill.composition.isComposing) return;
    if (event.inputType === "deleteContentBackward" && back) {
      event.preventDefault();
      back();
      return;
    }
    if (event.inputType !== "insertText" || event.data?.length !== 1 || !options.on()) return;
    const range = quill.getSelection();
    if (!range || range.length > 0) return;
    const [line, offset] = quill.getLine(range.index);
    if (!line) return;
    const start = range.index - offset;
    const before = quill.getText(start, offset);
    const formats = event.data === " " && !options.script() ? lineBecomes(before) : null;
    const lineNow = line.formats();
    if (formats && !lineNow.list && !lineNow.header && !lineNow.blockquote) {
      event.preventDefault();
      const end = line.length() - 1 - offset;
      quill.updateContents(new Delta().retain(start).delete(offset).retain(end).retain(1, formats), "user");
      quill.setSelection(start, 0, "silent");
      const none = Object.fromEntries(Object.keys(formats).map((name) => [name, null]));
      undo = () => {
        quill.updateContents(
          new Delta().retain(start).insert(`${before} `).retain(end).retain(1, none),
          "user",
        );
        quill.setSelection(start + before.length + 1, 0, "silent");
      };
      return;
    }
    const whole = quill.getText(start, line.length() - 1);
    const quotes = quotesOf(whole, options.language());
    const marks = inlineAt(quill, range.index);
    const apostrophe = apostropheIn(event.data, before, quotes);
    const now = becomes(event.data, before, quotes);
    if (apostrophe !== null) {
      event.preventDefault();
      const typed = now?.text ?? event.data;
      const place = start + apostrophe;
      const edit = new Delta()
        .retain(place)
        .insert(APOSTROPHE, inlineAt(quill, place + 1))
        .delete(1)
        .retain(range.index - place - 1)
        .insert(typed, marks);
      quill.updateContents(edit, "user");
      quill.setSelection(range.index + typed.length, 0, "silent");
      return;
    }
    if (!now || now.text === event.data) return;
    event.preventDefault();
    const at = range.index - now.takes;
    const was = quill.getText(at, now.takes) + event.data;
    quill.updateContents(new Delta().retain(at).insert(now.text, marks).delete(now.takes), "user");
    quill.setSelection(at + now.text.length, 0, "silent");
    undo = () => {
      quill.updateContents(new Delta().retain(at).insert(was, marks).delete(now.text.length), "user");
      quill.setSelection(at + was.length, 0, "silent");
    };
  };
  quill.root.addEventListener("beforeinput", type, { capture: true, signal });
  const forget = () => {
    undo = null;
  };
  quill.root.addEventListener("pointerdown", forget, { signal });
  const key = (event: KeyboardEvent) => {
    const back = undo;
    forget();
    if (event.key !== "Backspace" || !back || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    back();
  };
  quill.root.addEventListener("keydown", key, { capture: true, signal });
}

function inlineAt(quill: Quill, index: number): Record<string, unknown> {
  const formats = quill.getFormat(index);
  return Object.fromEntries(
    ["bold", "italic", "underline", "strike", "link"].flatMap((name) =>
      formats[name] ? [[name, formats[name]]] : [],
    ),
  );
}
