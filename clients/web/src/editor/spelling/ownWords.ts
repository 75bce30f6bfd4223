// The dictionary of the person at this browser.

import { type Signal, signal } from "@preact/signals";
import { loadWords, saveWords } from "../../room/storage/browserStorage";

const MAX_WORDS = 5000;

/** In small letters, oldest first; shared by all rooms of this page. */
const words: Signal<readonly string[]> = signal([]);
let loaded = false;

export const ownWords = {
  /** Another tab may have added some meanwhile. */
  load(): void {
    const kept = loadWords();
    words.value = Array.isArray(kept) ? kept.filter((word) => typeof word === "string") : [];
    loaded = true;
  },
  get all(): Signal<readonly string[]> {
    if (!loaded) ownWords.load();
    return words;
  },
  add(word: string): void {
    ownWords.load();
    const key = word.toLowerCase();
    if (!words.peek().includes(key)) words.value = [...words.peek(), key].slice(-MAX_WORDS);
    saveWords(words.peek());
  },
  remove(word: string): void {
    ownWords.load();
    words.value = words.peek().filter((each) => each !== word.toLowerCase());
    saveWords(words.peek());
  },
};
