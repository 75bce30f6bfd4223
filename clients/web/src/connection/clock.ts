// Time as the connection sees it; tests bring their own.

export interface Clock {
  /** Milliseconds, Unix epoch. */
  now(): number;
  after(ms: number, callback: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    const handle = setTimeout(callback, ms);
    return { cancel: () => clearTimeout(handle) };
  },
};

const SAMPLES = 31;

/** The server's clock minus ours: the median of the last samples, so that one slow answer moves nothing. */
export class ClockOffset {
  private samples: number[] = [];

  add(sentMs: number, serverMs: number, receivedMs: number): void {
    this.samples.push(serverMs - (sentMs + receivedMs) / 2);
    if (this.samples.length > SAMPLES) this.samples.shift();
  }

  /** Milliseconds; 0 before the first sample. */
  get value(): number {
    const sorted = [...this.samples].sort((a, b) => a - b);
    const middle = Math.floor(sorted.length / 2);
    if (sorted.length === 0) return 0;
    const upper = sorted[middle] as number;
    return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
  }
}
