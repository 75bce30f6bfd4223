// The tokens that runs wrote while this page looked on: what each of them was worth, and what stood beside it.

import type { TokenInfo } from "../protocol/messages";

/** Runs whose tokens are remembered, the newest; a token is some hundred bytes. */
const MAX_RUNS = 40;

export interface Found {
  token: TokenInfo;
  /** UTF-16 units of the run's text before it. */
  start: number;
}

export class RunTokens {
  private readonly runs = new Map<string, TokenInfo[]>();

  take(run: string, tokens: readonly TokenInfo[]): void {
    const known = this.runs.get(run) ?? [];
    this.runs.delete(run);
    this.runs.set(run, known);
    for (const token of tokens) if (token.index >= known.length) known.push(token);
    const [oldest] = this.runs.keys();
    if (this.runs.size > MAX_RUNS && oldest !== undefined) this.runs.delete(oldest);
  }

  /**
   * The token that stands at unit `at` of `written`, the text that is left of a run. Where people have changed it, the
   * token is one whose words still stand there, nearest to where they stood; null when none does.
   */
  at(run: string, written: string, at: number): Found | null {
    let best: Found | null = null;
    let distance = Number.POSITIVE_INFINITY;
    let start = 0;
    for (const token of this.runs.get(run) ?? []) {
      for (const place of placesOf(token.text, written, at)) {
        const away = Math.abs(place - start);
        if (away < distance) {
          best = { token, start: place };
          distance = away;
        }
      }
      start += token.text.length;
    }
    return best;
  }
}

/** Where `words` would have to begin so that they stand at `at`. */
function* placesOf(words: string, written: string, at: number): Generator<number> {
  if (words.trim() === "") return;
  for (let place = Math.max(0, at - words.length + 1); place <= at; place += 1) {
    if (written.startsWith(words, place)) yield place;
  }
}
