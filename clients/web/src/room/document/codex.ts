// The codex of a room: what the server found in the story, and what people wrote of it themselves.

import { signal } from "@preact/signals";
import type { Doc, Map as YMap } from "yjs";
import type { CodexContradiction, CodexEntry, MessageOf } from "../../protocol/messages";
import type { RoomPort } from "../roomPort";

export const MAX_CODEX_NAME = 100;
export const MAX_CODEX_WORDS = 1000;

/** An entry as it is shown: `written` null: nobody wrote any; empty: hidden. */
export interface ShownEntry {
  name: string;
  found: CodexEntry | null;
  written: string | null;
}

export class Codex {
  readonly found = signal<readonly CodexEntry[]>([]);
  readonly contradictions = signal<readonly CodexContradiction[]>([]);
  /** Name -> what people wrote. */
  readonly written = signal<ReadonlyMap<string, string>>(new Map());
  private unfollow = () => {};

  constructor(private readonly port: Pick<RoomPort, "doc">) {}

  /** Those that people wrote first, then those that the story names, the most often named first. */
  get shown(): ShownEntry[] {
    const written = this.written.value;
    const byName = new Map(this.found.value.map((entry) => [entry.name, entry]));
    return [
      ...[...written].map(([name, words]) => ({ name, found: byName.get(name) ?? null, written: words })),
      ...this.found.value
        .filter((entry) => !written.has(entry.name) && entry.facts.length > 0)
        .map((entry) => ({ name: entry.name, found: entry, written: null })),
    ];
  }

  /** Null: what was found counts again. */
  write(name: string, words: string | null): void {
    const key = name.trim().slice(0, MAX_CODEX_NAME);
    if (!key) return;
    if (words === null) this.root().delete(key);
    else if (this.root().get(key) !== words) this.root().set(key, words.slice(0, MAX_CODEX_WORDS));
  }

  onCodex(message: MessageOf<"codex">): void {
    this.found.value = message.entries;
    this.contradictions.value = message.contradictions;
  }

  follow(doc: Doc): void {
    this.unfollow();
    const root = doc.getMap("codex") as YMap<unknown>;
    const read = () => {
      const entries = [...root.entries()].filter(
        (entry): entry is [string, string] => typeof entry[1] === "string",
      );
      this.written.value = new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
    };
    root.observe(read);
    this.unfollow = () => root.unobserve(read);
    read();
  }

  close(): void {
    this.unfollow();
  }

  private root(): YMap<unknown> {
    return this.port.doc.value.getMap("codex");
  }
}
