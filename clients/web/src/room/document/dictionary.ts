// The room's dictionary: words that the check of spelling leaves alone, shared by all. They stand beside the style card, a
// field for each word, so that two people who add a word at once lose none.

import { signal } from "@preact/signals";
import type { Doc, Map as YMap } from "yjs";

/** What the fields of the dictionary begin with; the same as the server's. */
const WORD = "word:";
const MAX_WORD = 60;
export const MAX_WORDS = 2000;

export class Dictionary {
  /** As they were written, by the word in small letters. */
  readonly words = signal<ReadonlyMap<string, string>>(new Map());
  private root: YMap<unknown> | null = null;
  private unfollow = () => {};

  /** Whether a word may be added. */
  takes(word: string): boolean {
    return (
      word.length > 0 && word.length <= MAX_WORD && !/\s/.test(word) && this.words.peek().size < MAX_WORDS
    );
  }

  add(word: string): void {
    if (this.takes(word)) this.root?.set(WORD + word.toLowerCase(), word);
  }

  remove(word: string): void {
    this.root?.delete(WORD + word.toLowerCase());
  }

  follow(doc: Doc): void {
    this.unfollow();
    const root = doc.getMap("style") as YMap<unknown>;
    this.root = root;
    const read = () => {
      const found = new Map<string, string>();
      for (const [name, value] of root.entries())
        if (name.startsWith(WORD) && typeof value === "string") found.set(name.slice(WORD.length), value);
      this.words.value = found;
    };
    root.observe(read);
    this.unfollow = () => root.unobserve(read);
    read();
  }

  close(): void {
    this.unfollow();
  }
}
