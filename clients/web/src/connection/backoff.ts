// When to reconnect: exponential back-off with full jitter, so that a thousand tabs do not return at once.

const FIRST_MS = 400;
const LONGEST_MS = 15_000;
/** After a connection of this length the delays start from the smallest again. */
export const STABLE_MS = 10_000;

export class Backoff {
  private attempts = 0;

  constructor(private readonly random: () => number) {}

  /** Milliseconds until the next attempt. */
  next(): number {
    const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.attempts);
    this.attempts += 1;
    return Math.round(ceiling * (0.5 + this.random() / 2));
  }

  reset(): void {
    this.attempts = 0;
  }
}
