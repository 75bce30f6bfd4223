// Whatever the browser wants to do to the text by itself announces itself as a `beforeinput` event of some type. Here
// stands what becomes of each: what is not in the table does not happen.

import type Quill from "quill/core.js";
import { Delta } from "quill/core.js";
import { deleteRange } from "quill/modules/keyboard.js";

type Fate =
  /** The browser does it, in one line, and Quill reads it from the page. */
  | "native"
  /** It does not happen: either the room has no such thing, or another event has already done it. */
  | "never"
  /** The room's undo and redo: a step of this person's. */
  | "step"
  | ((input: Input) => void);

interface Input {
  quill: Quill;
  event: InputEvent;
  /** The ranges of the event; the selection when the browser does not report any. */
  range: { index: number; length: number };
}

export const INPUT_TYPES: Readonly<Record<string, Fate>> = {
  insertText: "native",
  // An input method's own; the binding waits until it is done.
  insertCompositionText: "native",
  insertFromComposition: "native",
  deleteCompositionText: "native",
  deleteByComposition: "native",
  insertReplacementText: replace,
  insertFromYank: replace,
  insertTranspose: transpose,
  insertParagraph: newLine,
  insertLineBreak: newLine,
  insertOrderedList: ({ quill }) => toggle(quill, "list", "ordered"),
  insertUnorderedList: ({ quill }) => toggle(quill, "list", "bullet"),
  insertHorizontalRule: "never",
  insertLink: "never",
  // Paste, cut and drop are handled by their own events.
  insertFromPaste: "never",
  insertFromPasteAsQuotation: "never",
  insertFromDrop: "never",
  deleteByCut: "never",
  deleteByDrag: "never",
  deleteContent: remove,
  deleteContentBackward: remove,
  deleteContentForward: remove,
  deleteWordBackward: remove,
  deleteWordForward: remove,
  deleteSoftLineBackward: remove,
  deleteSoftLineForward: remove,
  deleteEntireSoftLine: remove,
  deleteHardLineBackward: remove,
  deleteHardLineForward: remove,
  formatBold: ({ quill }) => toggle(quill, "bold", true),
  formatItalic: ({ quill }) => toggle(quill, "italic", true),
  formatUnderline: ({ quill }) => toggle(quill, "underline", true),
  formatStrikeThrough: ({ quill }) => toggle(quill, "strike", true),
  formatRemove: ({ quill, range }) => quill.formatText(range.index, range.length, PLAIN, "user"),
  formatIndent: ({ quill }) => shiftLevel(quill, 1),
  formatOutdent: ({ quill }) => shiftLevel(quill, -1),
  formatSuperscript: "never",
  formatSubscript: "never",
  formatJustifyFull: "never",
  formatJustifyCenter: "never",
  formatJustifyRight: "never",
  formatJustifyLeft: "never",
  formatSetBlockTextDirection: "never",
  formatSetInlineTextDirection: "never",
  formatBackColor: "never",
  formatFontColor: "never",
  formatFontName: "never",
  historyUndo: "step",
  historyRedo: "step",
};

const MAX_LEVEL = 8;
const PLAIN = { bold: false, italic: false, underline: false, strike: false, link: false };
const CHARACTER = new Set(["deleteContentBackward", "deleteContentForward"]);

/**
 * Handles every input of the browser. A script's command is not announced: when it has done what the browser may
 * not do, `restore` rebuilds the page, and the command is done the room's way.
 */
export function watchBeforeInput(quill: Quill, restore: () => void, signal: AbortSignal): void {
  let announced: string | null = null;
  const check = (event: Event) => {
    const { inputType } = event as InputEvent;
    const expected = announced === inputType;
    announced = null;
    const fate = INPUT_TYPES[inputType] ?? "never";
    if (expected || fate === "native" || fate === remove || fate === replace) return;
    if (quill.composition.isComposing) return;
    restore();
    const range = quill.selection.savedRange;
    if (fate === "step") step(quill, inputType);
    else if (fate !== "never" && quill.isEnabled()) fate({ quill, event: event as InputEvent, range });
  };
  quill.root.addEventListener("input", check, { capture: true, signal });
  const hear = (event: InputEvent) => {
    announced = event.inputType;
    if (event.defaultPrevented || !quill.root.isContentEditable) return;
    const fate = INPUT_TYPES[event.inputType] ?? "never";
    if (fate === "step") {
      // The browser's undo never happens: it is not announced when a script does it.
      announced = null;
      event.preventDefault();
      step(quill, event.inputType);
      return;
    }
    // While something is composed the line is the browser's.
    if (fate === "native" || (quill.composition.isComposing && fate !== "never")) return;
    const range = fate === "never" ? null : rangeOf(quill, event);
    if (range && CHARACTER.has(event.inputType) && isPartOfLine(quill, range)) return;
    event.preventDefault();
    if (range && fate !== "never") fate({ quill, event, range });
  };
  quill.root.addEventListener("beforeinput", hear, { capture: true, signal });
}

function step(quill: Quill, inputType: string): void {
  if (inputType === "historyUndo") quill.history.undo();
  else quill.history.redo();
}

function rangeOf(quill: Quill, event: InputEvent): { index: number; length: number } | null {
  quill.update("user");
  const [target] = event.getTargetRanges();
  const native = target && quill.selection.normalizeNative(target);
  const range = native && quill.selection.normalizedToRange(native);
  return range ?? quill.getSelection();
}

/** The browser knows how much of a character a key takes: a vowel sign, or a family of four. */
const isPartOfLine = (quill: Quill, { index, length }: { index: number; length: number }): boolean =>
  document.getSelection()?.isCollapsed === true && !quill.getText(index, length).includes("\n");

/** A replacement by a spelling checker, dictation or the system's clipboard. */
function replace({ quill, event, range }: Input): void {
  const text = event.data ?? event.dataTransfer?.getData("text/plain") ?? "";
  const format = quill.getFormat(range.index, Math.max(1, range.length));
  const inline = Object.fromEntries(
    Object.entries(format).filter(([name, value]) => !Array.isArray(value) && isInline(quill, name)),
  );
  const words = text.replace(/\r\n?/g, "\n");
  quill.updateContents(new Delta().retain(range.index).insert(words, inline).delete(range.length), "user");
  quill.setSelection(range.index + words.length, 0, "silent");
}

/** Two letters change their places (Ctrl+T of a Mac). */
function transpose({ quill, event, range }: Input): void {
  if (range.length === 2) replace({ quill, event: swapped(event, quill.getText(range.index, 2)), range });
}

const swapped = (event: InputEvent, text: string): InputEvent =>
  new InputEvent(event.type, { data: [...text].reverse().join("") });

/** Enter, also where a phone's keyboard reports no key. */
function newLine({ quill, range }: Input): void {
  const key = new KeyboardEvent("keydown", { key: "Enter", cancelable: true, bubbles: false });
  if (range.length > 0) deleteRange({ quill, range: { index: range.index, length: range.length } });
  quill.setSelection(range.index, 0, "silent");
  quill.root.dispatchEvent(key);
}

/** Deletions go through Quill: the browser joins lines in other ways. */
function remove({ quill, event, range }: Input): void {
  if (range.length > 0) {
    deleteRange({ quill, range: { index: range.index, length: range.length } });
    quill.setSelection(range.index, 0, "silent");
    return;
  }
  // At the start of a heading, quotation or list item Backspace removes that format.
  const key = event.inputType.endsWith("Forward") ? "Delete" : "Backspace";
  quill.root.dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true, bubbles: false }));
}

function toggle(quill: Quill, name: string, value: unknown): void {
  quill.format(name, quill.getFormat()[name] === value ? false : value, "user");
}

/** Moves the items of a list a level down or up; other lines have no levels. */
export function shiftLevel(quill: Quill, by: 1 | -1): void {
  const range = quill.getSelection(true);
  if (!range) return;
  for (const line of quill.getLines(range.index, range.length)) {
    const { list, indent } = line.formats() as { list?: string; indent?: number };
    const level = Math.min(MAX_LEVEL, Math.max(0, (indent ?? 0) + by));
    if (list && level !== (indent ?? 0))
      quill.formatLine(quill.getIndex(line), 1, "indent", level || false, "user");
  }
}

const isInline = (quill: Quill, name: string): boolean =>
  quill.scroll.query(name) !== null && !["header", "list", "blockquote", "indent"].includes(name);
