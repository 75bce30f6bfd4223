// Text in the fields of this tab that was not sent, or was refused. It survives switching panel tabs, a refusal, and a
// reload.

import { effect, type Signal, signal } from "@preact/signals";

export type Words = Record<string, string>;
/** Storage for the text of fields between two loads of the page. */
export interface Keeper {
  load(): Words;
  save(words: Words): void;
}

/** Most fields that are kept; beyond that the oldest are dropped. */
const MAX_FIELDS = 64;

export class FieldDrafts {
  private readonly fields = new Map<string, Signal<string>>();
  private words: Words;

  constructor(private readonly keeper: Keeper | undefined) {
    this.words = keeper?.load() ?? {};
  }

  /** The words of a field, by its name; the same signal for the whole life of the page. */
  field(name: string): Signal<string> {
    const known = this.fields.get(name);
    if (known) return known;
    const field = signal(this.words[name] ?? "");
    this.fields.set(name, field);
    effect(() => this.keep(name, field.value));
    return field;
  }

  /** The text of all fields. */
  get all(): string[] {
    return Object.values(this.words).filter((text) => text.trim() !== "");
  }

  private keep(name: string, text: string): void {
    if (text === (this.words[name] ?? "")) return;
    const others = Object.entries(this.words).filter(([each]) => each !== name);
    const all = text === "" ? others : [...others, [name, text] as const];
    this.words = Object.fromEntries(all.slice(-MAX_FIELDS));
    this.keeper?.save(this.words);
  }
}

/** What is left of a field's text without what was sent from it: what was typed meanwhile. */
export function without(sent: string, field: string): string {
  const words = field.trimStart();
  return words.startsWith(sent) ? words.slice(sent.length).trimStart() : field;
}
