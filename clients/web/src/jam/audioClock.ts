// Maps times of an AudioContext to the page's clock. The two clocks drift and their readings jitter, so the offset is
// the median of the last readings.

import { median } from "../connection/clock";

const READINGS = 41;

/** The part of AudioContext that is read. */
export interface AudioTime {
  currentTime: number;
  outputLatency?: number;
  getOutputTimestamp?(): AudioTimestamp;
}

export class AudioClock {
  private differences: number[] = [];

  constructor(
    private readonly context: AudioTime,
    /** The page's clock, Unix milliseconds, as `performance.timeOrigin + performance.now()`. */
    private readonly now: () => number,
    /** What `performanceTime` counts from. */
    private readonly origin: number,
  ) {}

  /** Take a reading; call it several times a second. */
  read(): void {
    const stamp = this.context.getOutputTimestamp?.();
    if (stamp?.contextTime && stamp.performanceTime) {
      this.add(this.origin + stamp.performanceTime - stamp.contextTime * 1000);
    } else if (this.context.currentTime > 0) {
      const latency = this.context.outputLatency ?? 0;
      this.add(this.now() + latency * 1000 - this.context.currentTime * 1000);
    }
  }

  get ready(): boolean {
    return this.differences.length > 0;
  }

  /** The context was suspended: its old readings are useless. */
  reset(): void {
    this.differences = [];
  }

  /** Seconds of the context that are heard at `pageMs` of the page's clock. */
  timeAt(pageMs: number): number {
    return (pageMs - median(this.differences)) / 1000;
  }

  private add(difference: number): void {
    this.differences.push(difference);
    if (this.differences.length > READINGS) this.differences.shift();
  }
}
