// Where characters of the story stand, by their Yjs ids: one walk over the text for all shots.

import type { Doc, Item } from "yjs";
import { storyOf } from "../room/document/document";

interface Run {
  clock: number;
  length: number;
  at: number;
  alive: boolean;
}

export class StoryPlaces {
  /** The story; an embed is one character, U+001A, as the server counts it. */
  readonly text: string;
  private readonly runs = new Map<number, Run[]>();

  constructor(doc: Doc) {
    const parts: string[] = [];
    let at = 0;
    for (let item: Item | null = storyOf(doc)._start; item; item = item.right) {
      const alive = item.countable && !item.deleted;
      // Marks of formats are no characters; what is deleted may have been one.
      if (!alive && !item.deleted) continue;
      const run = { clock: item.id.clock, length: item.length, at, alive };
      const known = this.runs.get(item.id.client);
      if (known) known.push(run);
      else this.runs.set(item.id.client, [run]);
      if (!alive) continue;
      const [content] = item.content.getContent();
      parts.push(
        typeof content === "string" ? item.content.getContent().join("") : "\u001a".repeat(item.length),
      );
      at += item.length;
    }
    this.text = parts.join("");
    for (const runs of this.runs.values()) runs.sort((a, b) => a.clock - b.clock);
  }

  /** The place of a character, `client:clock`, and whether it still stands; null: the story never had it. */
  find(name: unknown): { at: number; alive: boolean } | null {
    const parts = typeof name === "string" ? /^(\d{1,16}):(\d{1,16})$/.exec(name) : null;
    if (!parts) return null;
    const clock = Number(parts[2]);
    const runs = this.runs.get(Number(parts[1])) ?? [];
    let low = 0;
    let high = runs.length;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((runs[middle]?.clock ?? 0) <= clock) low = middle + 1;
      else high = middle;
    }
    const run = runs[low - 1];
    if (!run || clock >= run.clock + run.length) return null;
    return run.alive ? { at: run.at + clock - run.clock, alive: true } : { at: run.at, alive: false };
  }
}
