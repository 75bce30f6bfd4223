// Which edits of the text form one step of undo: letters of a word typed one after
// the other, or backspaces in a row. A pause, another place, Enter, a new word, a change from typing to deleting, a
// format, a paste or anything larger begins another step.

import type { StepKind } from "../../protocol/messages";
import type { Op } from "../../room/document/delta";

const PAUSE_MS = 1000;
/** Most UTF-16 units of one key: an emoji of several parts, a short word of an input method. */
const ONE_KEY = 16;

/** Two edits that follow each other so quickly are one act of a person. */
const AT_ONCE_MS = 60;

interface Edit {
  at: number;
  inserted: string;
  deleted: number;
  formats: boolean;
}

export class UndoGroups {
  private last: { kind: "insert" | "delete"; start: number; end: number; text: string; time: number } | null =
    null;
  /** Where and when something was taken away, if that was the last edit. */
  private emptied: { at: number; time: number } | null = null;
  private edits = 0;
  private joins = false;

  /** The caret moved, or something else was done: the next edit begins a new step. */
  part(): void {
    this.last = null;
    this.emptied = null;
  }

  /** Gives what makes the next edit a part of the step before it, when there was no edit in between. */
  mark(): () => void {
    const { edits } = this;
    return () => {
      this.joins = this.edits === edits;
    };
  }

  /** The kind of step of an edit. */
  step(ops: readonly Op[], now: number): StepKind {
    this.edits += 1;
    if (this.joins) {
      this.joins = false;
      this.last = null;
      return "same";
    }
    const edit = read(ops);
    const { last, emptied } = this;
    this.last = null;
    this.emptied = edit && !edit.inserted && edit.deleted > 1 ? { at: edit.at, time: now } : null;
    if (!edit || edit.formats || edit.inserted.length > ONE_KEY || edit.deleted > ONE_KEY) return "new";
    const soon = last !== null && now - last.time < PAUSE_MS;
    const { at, inserted, deleted } = edit;
    if (!inserted) {
      const goesOn = soon && last.kind === "delete" && (at + deleted === last.start || at === last.start);
      this.last = { kind: "delete", start: at, end: at, text: "", time: now };
      return goesOn ? "same" : "new";
    }
    // Input methods and corrections replace text that was just typed.
    const within = soon && last.kind === "insert" && at >= last.start && at + deleted <= last.end;
    const goesOn = within && at + deleted === last.end && !begins(last.text, inserted);
    // Typing over a selection: that is taken away first.
    const over = at === emptied?.at && now - emptied.time < AT_ONCE_MS;
    const start = goesOn ? last.start : at;
    const text = goesOn ? last.text.slice(0, at - last.start) + inserted : inserted;
    this.last = { kind: "insert", start, end: start + text.length, text, time: now };
    return goesOn || over ? "same" : "new";
  }
}

/** Whether typed text begins a new word or line. */
function begins(before: string, typed: string): boolean {
  if (typed.includes("\n")) return true;
  return /\s$/.test(before) && !/^\s/.test(typed);
}

/** The one place that an edit changes; null when it changes several. */
function read(ops: readonly Op[]): Edit | null {
  const edit: Edit = { at: 0, inserted: "", deleted: 0, formats: false };
  let begun = false;
  let index = 0;
  for (const op of ops) {
    if (op.insert === undefined && !op.delete) {
      if (op.attributes) edit.formats = true;
      if (begun && op.attributes === undefined) return null;
      index += typeof op.retain === "number" ? op.retain : 1;
      continue;
    }
    if (!begun) edit.at = index;
    begun = true;
    if (op.delete) edit.deleted += op.delete;
    else if (typeof op.insert === "string") edit.inserted += op.insert;
    else return null;
  }
  return edit;
}
