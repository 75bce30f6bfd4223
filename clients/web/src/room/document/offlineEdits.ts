// Keeps edits that the server has not saved in the browser, so that they survive a reload or a crash. The next visit
// to the room applies them; edits that had arrived after all change nothing then.

import { signal } from "@preact/signals";
import type { Clock, Timer } from "../../connection/clock";

export interface UnsavedEdits {
  lineage: string;
  /** A Yjs update. */
  update: Uint8Array;
}

/** Where it is kept: one record for each tab. */
export interface UnsavedStore {
  /** Resolves when it is kept; null takes the record away. */
  put(unsaved: UnsavedEdits | null): Promise<void>;
  /** The records of this room that no living tab has, this tab's own among them. */
  take(): Promise<UnsavedEdits[]>;
  /** Those records are ours now. */
  settle(): Promise<void>;
}

export interface Copy {
  readonly lineage: string | null;
  /** Whether anything of ours is not on the server's disk. */
  readonly waits: boolean;
  /** All of that; null: nothing. */
  unsaved(): Uint8Array | null;
  /** Puts it into the copy; whether it brought something new. */
  restore(unsaved: UnsavedEdits): boolean;
}

/** A hand that types is left alone for so long. */
const REST_MS = 400;
/** What still waits shows so often that its tab is alive. */
export const ALIVE_MS = 20_000;

export class OfflineEdits {
  /** Nothing would be lost if the page closed now. */
  readonly kept = signal(true);
  /** The browser's store can be opened, and does not give or take: nothing is kept. */
  readonly broken = signal(false);
  /** What an earlier page left and this one has not brought in: there is no way into the room yet. */
  readonly left = signal<readonly UnsavedEdits[]>([]);
  private taken: UnsavedEdits[] | null = null;
  private timer: Timer | null = null;
  private shelved = false;
  /** Counted, to know what a record does not hold yet. */
  private changes = 0;
  private closed = false;

  constructor(
    private readonly copy: Copy,
    private readonly store: UnsavedStore,
    private readonly clock: Clock,
    private readonly onRestored: () => void,
  ) {
    void this.fetch();
  }

  /** The copy has caught up with the room: what an earlier page left goes on top. */
  synced(): void {
    this.bringIn();
  }

  /** Something was written here, or has arrived. */
  changed(): void {
    const { waits } = this.copy;
    if (!waits && !this.shelved) {
      this.kept.value = true;
      return;
    }
    this.changes += 1;
    if (waits) this.kept.value = false;
    this.later(REST_MS);
  }

  /** The page may go any moment: what can still be kept is. */
  now(): void {
    if (!this.kept.peek()) void this.keep();
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
  }

  private async fetch(): Promise<void> {
    try {
      this.taken = await this.store.take();
    } catch {
      // What lies there cannot be known, and must not be written over.
      this.broken.value = true;
      this.timer?.cancel();
      return;
    }
    this.left.value = this.taken;
    this.bringIn();
  }

  private later(ms: number): void {
    this.timer?.cancel();
    this.timer = this.closed ? null : this.clock.after(ms, () => void this.keep());
  }

  private async keep(): Promise<void> {
    if (this.taken === null && this.broken.peek()) return;
    const { lineage } = this.copy;
    // Before the first visit of this page has begun, the store holds what the last one left.
    if (lineage === null || this.taken === null || this.taken.length > 0) return this.later(REST_MS);
    const update = this.copy.unsaved();
    this.shelved = update !== null;
    const { changes } = this;
    try {
      await this.store.put(update && { lineage, update });
      this.broken.value = false;
    } catch {
      // A full disk: what is not saved lives in this page only, and the page says so. There may be room later.
      this.broken.value = true;
      return this.later(ALIVE_MS);
    }
    if (changes !== this.changes) return; // written meanwhile, and kept next time
    this.kept.value = true;
    if (update) this.later(ALIVE_MS);
  }

  private bringIn(): void {
    if (this.copy.lineage === null || !this.taken || this.taken.length === 0) return;
    const found = this.taken;
    this.taken = [];
    this.left.value = [];
    const news = found.map((unsaved) => this.copy.restore(unsaved));
    if (news.includes(true)) this.onRestored();
    this.shelved = true;
    // What could not be kept under this tab's name stays where it lay.
    void this.keep().then(() =>
      this.broken.peek() ? undefined : this.store.settle().catch(() => undefined),
    );
  }
}
