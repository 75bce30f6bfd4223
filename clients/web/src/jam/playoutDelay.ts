// How long to delay what comes from the network so that nearly all of it arrives in time. The delay rises at once,
// falls slowly, and has an upper bound: what is later than that counts as late.

const KEPT = 64;
/** The share of recent arrivals that should be in time. */
const IN_TIME = 0.95;
/** Part of the way down that one arrival moves it. */
const EASE = 0.02;

export class PlayoutDelay {
  private recent: number[] = [];
  private delay = 0;

  /** Milliseconds: added to the lateness seen, and the most that the delay may be. */
  constructor(
    private readonly margin: number,
    private readonly most: number,
  ) {}

  /** Something came `lateness` milliseconds after the time that it is for; negative: before it. */
  add(lateness: number): void {
    this.recent.push(lateness);
    if (this.recent.length > KEPT) this.recent.shift();
    const sorted = [...this.recent].sort((a, b) => a - b);
    const reached = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * IN_TIME))] as number;
    const wanted = Math.min(this.most, Math.max(0, reached + this.margin));
    this.delay = wanted > this.delay ? wanted : this.delay + (wanted - this.delay) * EASE;
  }

  /** Milliseconds. */
  get value(): number {
    return this.delay;
  }

  reset(): void {
    this.recent = [];
    this.delay = 0;
  }
}
