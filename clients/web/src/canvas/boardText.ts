// Binds a text of the board to a field of the page: typing goes into the shared text letter by letter; edits of others
// appear in the field without moving the caret, and wait while an input method composes.

import { Map as YMap, Text as YText, type YTextEvent } from "yjs";

export const MAX_TEXT = 10_000;

/** `deleted` characters from `at` on become `inserted`. Counted in UTF-16 units. */
export interface Splice {
  at: number;
  deleted: number;
  inserted: string;
}

/** The part of a text field that is used here. */
export interface Field {
  value: string;
  selectionStart: number | null;
  selectionEnd: number | null;
  setSelectionRange(start: number, end: number): void;
}

/**
 * The smallest change that makes `after` of `before`; null when they are the same. Never cuts a character in two. `caret`
 * is the caret in `after`: in "aa" it tells which letter was typed and which was there.
 */
export function difference(before: string, after: string, caret = 0): Splice | null {
  if (before === after) return null;
  const most = Math.min(before.length, after.length);
  let end = 0;
  const behind = Math.min(most, after.length - caret);
  while (end < behind && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  if (isInside(before, before.length - end) || isInside(after, after.length - end)) end -= 1;
  let at = 0;
  while (at < most - end && before[at] === after[at]) at += 1;
  if (isInside(before, at) || isInside(after, at)) at -= 1;
  return { at, deleted: before.length - end - at, inserted: after.slice(at, after.length - end) };
}

/** Maps a place through a change of the text; text inserted right there comes after it. */
export function carried(place: number, { at, deleted, inserted }: Splice): number {
  if (place <= at) return place;
  return place < at + deleted ? at + inserted.length : place - deleted + inserted.length;
}

/** A change of a text: deletions in order, and insertions. It can be transformed by other changes. */
interface Held {
  gone: [start: number, end: number][];
  at: number;
  inserted: string;
}

/** Transforms the change by `other`: text that `other` inserted inside deleted text stays. */
function after(held: Held, other: Splice): Held {
  const shift = other.inserted.length - other.deleted;
  const gone = held.gone
    .flatMap<[number, number]>(([start, end]) => [
      [start, Math.min(end, other.at)],
      [Math.max(start, other.at + other.deleted) + shift, end + shift],
    ])
    .filter(([start, end]) => start < end);
  return { gone, at: carried(held.at, other), inserted: held.inserted };
}

/** The shared text under `name` of an object; null where there is none. */
export const sharedText = (map: unknown, name: string): YText | null => {
  const found = map instanceof YMap ? map.get(name) : null;
  return found instanceof YText ? found : null;
};

/** Sets a shared text to `words`, changing only what differs. */
export function reword(text: YText, words: string): void {
  apply(text, difference(text.toString(), words));
}

/** A field and the shared text that it shows. */
export class BoundField {
  private composing = false;
  /** Edits of others during a composition. */
  private others: Splice[] = [];
  /** The value of the field when it last matched the text. */
  private agreed: string;

  constructor(
    private readonly field: Field,
    private readonly text: YText,
  ) {
    this.agreed = text.toString();
    text.observe(this.onText);
    this.show();
  }

  close(): void {
    this.text.unobserve(this.onText);
  }

  /** The field was edited: typing, paste, cut or undo. */
  typed(): void {
    if (this.composing) return;
    const mine = difference(this.agreed, this.field.value, this.field.selectionEnd ?? 0);
    const others = this.others.splice(0);
    if (mine) {
      const { at, deleted, inserted } = mine;
      const change = others.reduce(after, { gone: [[at, at + deleted]], at, inserted });
      this.text.doc?.transact(() => {
        for (const [start, end] of change.gone.reverse()) {
          if (end > start) this.text.delete(start, end - start);
        }
        if (change.inserted) this.text.insert(change.at, change.inserted);
      });
    }
    this.show();
  }

  /** An input method begins or ends: in between the field is its own. */
  compose(goesOn: boolean): void {
    this.composing = goesOn;
    this.typed();
  }

  private readonly onText = (event: YTextEvent) => {
    if (this.composing) this.others.push(...splices(event));
    else this.show();
  };

  private show(): void {
    const { field } = this;
    const now = this.text.toString();
    const change = difference(field.value, now);
    this.agreed = now;
    if (!change) return;
    const [start, end] = [field.selectionStart ?? 0, field.selectionEnd ?? 0].map((at) =>
      carried(at, change),
    );
    field.value = now;
    field.setSelectionRange(start ?? 0, end ?? 0);
  }
}

/** The changes of a shared text, one after the other. */
function splices(event: YTextEvent): Splice[] {
  const made: Splice[] = [];
  let at = 0;
  for (const { retain = 0, insert, delete: deleted = 0 } of event.delta) {
    at += retain;
    const inserted = typeof insert === "string" ? insert : "";
    if (inserted || deleted) made.push({ at, deleted, inserted });
    at += inserted.length;
  }
  return made;
}

function apply(text: YText, change: Splice | null): void {
  if (!change) return;
  if (change.deleted > 0) text.delete(change.at, change.deleted);
  if (change.inserted) text.insert(change.at, change.inserted);
}

/** Whether `at` is between the two halves of a surrogate pair. */
const isInside = (text: string, at: number) =>
  at > 0 && /[\ud800-\udbff]/.test(text.charAt(at - 1)) && /[\udc00-\udfff]/.test(text.charAt(at));
