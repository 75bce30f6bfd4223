// What one person looks for in the room, and what was found. Asks while they type, and again while the server still
// reads the meaning of passages.

import { signal } from "@preact/signals";
import { ApiError } from "./http/httpApi";
import type { Found, Hit } from "./http/searchApi";

/** Milliseconds without a key after which a search is sent. */
const REST_MS = 250;
const AGAIN_MS = 2000;

export interface Timers {
  set(work: () => void, ms: number): unknown;
  clear(timer: unknown): void;
}

const windowTimers: Timers = {
  set: (work, ms) => setTimeout(work, ms),
  clear: (timer) => clearTimeout(timer as number),
};

export class Search {
  readonly query = signal("");
  /** Null before the first answer, and without a query. */
  readonly found = signal<Found | null>(null);
  readonly busy = signal(false);
  /** The passage that was chosen last: its place is shown. */
  readonly chosen = signal<Hit | null>(null);
  /** The chosen passage does not stand in the story any more. */
  readonly gone = signal(false);
  readonly problem = signal<{ code: string; message: string } | null>(null);
  private timer: unknown = null;
  private sent: AbortController | null = null;
  private visible = false;

  constructor(
    private readonly find: (query: string, signal: AbortSignal) => Promise<Found>,
    private readonly timers: Timers = windowTimers,
  ) {}

  /** The person types. */
  type(query: string): void {
    this.query.value = query;
    this.gone.value = false;
    this.after(REST_MS);
  }

  /** The results are visible from now on, or are not. */
  look(visible: boolean): void {
    this.visible = visible;
    if (visible && this.query.peek().trim()) this.after(0);
    else if (!visible) this.stop();
  }

  /** Search now. */
  async ask(): Promise<void> {
    this.stop();
    const query = this.query.peek().trim();
    if (!query) {
      this.found.value = null;
      this.problem.value = null;
      return;
    }
    const sent = new AbortController();
    this.sent = sent;
    this.busy.value = true;
    try {
      const found = await this.find(query, sent.signal);
      if (this.sent !== sent) return;
      this.found.value = found;
      this.problem.value = null;
      if (found.pending > 0 && this.visible) this.after(AGAIN_MS);
    } catch (error) {
      if (this.sent !== sent) return;
      if (!(error instanceof ApiError)) throw error;
      this.problem.value = { code: error.code, message: error.message };
    } finally {
      if (this.sent === sent) {
        this.sent = null;
        this.busy.value = false;
      }
    }
  }

  private after(ms: number): void {
    this.timers.clear(this.timer);
    this.timer = this.timers.set(() => void this.ask(), ms);
  }

  private stop(): void {
    this.timers.clear(this.timer);
    this.sent?.abort();
    this.sent = null;
    this.busy.value = false;
  }
}

/**
 * Where a passage of the story stands now: its place as the server knew it, or where its words are nearest to that; null
 * where they are gone.
 */
export function placeOf(story: string, hit: Hit): { index: number; length: number } | null {
  const index = nearest(story, hit.text, hit.start);
  const first = hit.marks[0];
  if (index !== null) {
    return first
      ? { index: index + first[0], length: first[1] - first[0] }
      : { index, length: hit.text.length };
  }
  const words = first ? hit.text.slice(first[0], first[1]) : "";
  const found = words ? nearest(story, words, hit.start + (first?.[0] ?? 0)) : null;
  return found === null ? null : { index: found, length: words.length };
}

function nearest(story: string, words: string, near: number): number | null {
  if (story.startsWith(words, near)) return near;
  const before = story.lastIndexOf(words, near);
  const after = story.indexOf(words, near);
  if (before < 0 && after < 0) return null;
  if (before < 0) return after;
  return after < 0 || near - before <= after - near ? before : after;
}
