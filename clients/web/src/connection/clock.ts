// The connection's clock; tests use their own.

export interface Clock {
  /** Milliseconds, Unix epoch. */
  now(): number;
  after(ms: number, callback: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

// Not `Date.now()`: that one has whole milliseconds and jumps when somebody sets the computer's clock.
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after(ms, callback) {
    const handle = setTimeout(callback, ms);
    return { cancel: () => clearTimeout(handle) };
  },
};

const SAMPLES = 61;
/** Of so many samples the quickest one counts. */
const QUICK = 8;

/** The middle of an ordered list; `fallback` for an empty one. */
export function median(values: readonly number[], fallback = 0): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length === 0) return fallback;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

/**
 * The server's clock minus ours: the median of those of the last samples that were quickest there and back, since what
 * waited in a queue waited on one of the two ways only.
 */
export class ClockOffset {
  private samples: { offset: number; trip: number }[] = [];
  private old = false;

  add(sentMs: number, serverMs: number, receivedMs: number): void {
    if (this.old) this.samples = [];
    this.old = false;
    this.samples.push({ offset: serverMs - (sentMs + receivedMs) / 2, trip: receivedMs - sentMs });
    if (this.samples.length > SAMPLES) this.samples.shift();
  }

  /** A new connection: our clock may have been suspended meanwhile. The old estimate holds until the first sample. */
  renew(): void {
    this.old = true;
  }

  /** Milliseconds; 0 before the first sample. */
  get value(): number {
    return median(this.quickest().map(({ offset }) => offset));
  }

  /** Milliseconds there and back, of the samples that count. */
  get trip(): number {
    return median(this.quickest().map(({ trip }) => trip));
  }

  get count(): number {
    return this.samples.length;
  }

  private quickest() {
    const sorted = [...this.samples].sort((a, b) => a.trip - b.trip);
    return sorted.slice(0, Math.ceil(sorted.length / QUICK));
  }
}
