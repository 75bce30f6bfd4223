// The tokens that runs wrote, with their probabilities and alternatives. A page has the tokens it saw arrive; older
// ones it requests when somebody looks at them.

import type { RunInfo, ServerMessage, TokenInfo } from "../protocol/messages";
import type { RoomPort } from "./roomPort";

/** Runs whose tokens are remembered, the newest; a token is some hundred bytes. */
const MAX_RUNS = 40;
/** Runs whose tokens the server no longer has. */
const MAX_UNKNOWN = 500;

export interface Found {
  token: TokenInfo;
  /** UTF-16 units of the run's text before it. */
  start: number;
}

export class RunTokens {
  /** By run and index. The beginning is missing when we joined in the middle of a run. */
  private readonly runs = new Map<string, TokenInfo[]>();
  private readonly unknown = new Set<string>();
  private readonly waiting = new Map<string, { wanted: number; done: (() => void)[] }>();

  constructor(private readonly port: Pick<RoomPort, "send">) {}

  onTokens(run: string, tokens: readonly TokenInfo[]): void {
    const known = this.runs.get(run) ?? [];
    this.runs.delete(run);
    this.runs.set(run, known);
    for (const token of tokens) known[token.index] ??= token;
    const [oldest] = this.runs.keys();
    if (this.runs.size > MAX_RUNS && oldest !== undefined) this.runs.delete(oldest);
    const asked = this.waiting.get(run);
    if (asked && this.count(run) >= asked.wanted) this.answered(run);
  }

  /** Resolves when all tokens of an ended run that the server still has are here. */
  whenKnown(run: RunInfo): Promise<void> {
    if (this.unknown.has(run.id) || this.count(run.id) >= run.progress) return Promise.resolve();
    return new Promise((resolve) => {
      const asked = this.waiting.get(run.id);
      if (asked) {
        asked.done.push(resolve);
        return;
      }
      this.waiting.set(run.id, { wanted: run.progress, done: [resolve] });
      if (!this.port.send({ tag: "recall", run: run.id })) this.answered(run.id);
    });
  }

  /** The server no longer has this run's tokens. */
  refused({ ref }: Extract<ServerMessage, { tag: "error" }>): void {
    this.unknown.add(ref);
    const [oldest] = this.unknown;
    if (this.unknown.size > MAX_UNKNOWN && oldest !== undefined) this.unknown.delete(oldest);
    this.answered(ref);
  }

  /** The connection was lost: no answer will come. */
  abandon(): void {
    for (const run of [...this.waiting.keys()]) this.answered(run);
  }

  private answered(run: string): void {
    const asked = this.waiting.get(run);
    this.waiting.delete(run);
    for (const done of asked?.done ?? []) done();
  }

  /** Missing tokens do not count. */
  private count(run: string): number {
    return Object.keys(this.runs.get(run) ?? []).length;
  }

  /**
   * The token at unit `at` of `written`, the text that is left of a run. Where people have changed the text, it is the
   * nearest token whose words are still there; null when there is none.
   */
  at(run: string, written: string, at: number): Found | null {
    let best: Found | null = null;
    let distance = Number.POSITIVE_INFINITY;
    let start = 0;
    for (const token of (this.runs.get(run) ?? []).filter(Boolean)) {
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

/** Where `words` would have to begin to contain unit `at`. */
function* placesOf(words: string, written: string, at: number): Generator<number> {
  if (words.trim() === "") return;
  for (let place = Math.max(0, at - words.length + 1); place <= at; place += 1) {
    if (written.startsWith(words, place)) yield place;
  }
}
