// Counts the changes of a text, for values that are computed from all of it: at once for a short text, when typing
// pauses for a long one.

import { type ReadonlySignal, signal } from "@preact/signals";

/** Above this many UTF-16 units the count waits until nobody types. */
const LONG = 30_000;
const REST_MS = 300;
/** While somebody types without a pause it is counted all the same, after so long. */
const MOST_MS = 3000;

export class ChangeCounter {
  private readonly counted = signal(0);
  private timer: ReturnType<typeof setTimeout> | undefined;
  private waitingSince = 0;

  get count(): ReadonlySignal<number> {
    return this.counted;
  }

  /** The text has changed, and has so many UTF-16 units now. */
  changed(length: number): void {
    if (length <= LONG) {
      this.counted.value = this.counted.peek() + 1;
      return;
    }
    clearTimeout(this.timer);
    this.waitingSince ||= performance.now();
    const most = Math.max(0, this.waitingSince + MOST_MS - performance.now());
    this.timer = setTimeout(
      () => {
        this.waitingSince = 0;
        this.counted.value = this.counted.peek() + 1;
      },
      Math.min(REST_MS, most),
    );
  }

  close(): void {
    clearTimeout(this.timer);
  }
}
