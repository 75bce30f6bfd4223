// Keeps edits that the server has not saved in the browser, so that they survive a reload or a crash. The next visit
// to the room applies them; edits that had arrived after all change nothing then.

import { signal } from "@preact/signals";
import type { Clock, Timer } from "../../connection/clock";

export interface UnsavedEdits {
  lineage: string;
  /** A Yjs update. */
  update: Uint8Array;
}

/** The store: one record for each tab. */
export interface UnsavedStore {
  /** Resolves when it is stored; null deletes the record. */
  put(unsaved: UnsavedEdits | null): Promise<void>;
  /** This tab's record and those of closed tabs of this room. */
  take(): Promise<UnsavedEdits[]>;
  /** Deletes those records: this tab has taken them over. */
  settle(): Promise<void>;
}

export interface Copy {
  readonly lineage: string | null;
  /** Whether anything of ours is not on the server's disk. */
  readonly waits: boolean;
  /** All of that; null: nothing. */
  unsaved(): Uint8Array | null;
  /** Applies it to the copy; returns whether it contained something new. */
  restore(unsaved: UnsavedEdits): boolean;
}

/** Edits are stored after a pause of this length. */
const REST_MS = 400;
/** A waiting record is renewed this often, to show that its tab is alive. */
export const ALIVE_MS = 20_000;

export class OfflineEdits {
  /** Nothing would be lost if the page closed now. */
  readonly kept = signal(true);
  /** The store can be opened, but not read or written: nothing is kept. */
  readonly broken = signal(false);
  /** Edits of an earlier page that were not applied yet: we are not in the room. */
  readonly left = signal<readonly UnsavedEdits[]>([]);
  private taken: UnsavedEdits[] | null = null;
  private timer: Timer | null = null;
  private shelved = false;
  /** Number of changes, to know whether a record is up to date. */
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

  /** The copy has caught up with the room: applies the edits of an earlier page. */
  synced(): void {
    this.bringIn();
  }

  /** Something was edited here, or has arrived. */
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

  /** The page may close at any moment: stores what it can. */
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
      // Its contents are unknown, and must not be overwritten.
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
    // Before this page has entered the room, the store holds the edits of the last one.
    if (lineage === null || this.taken === null || this.taken.length > 0) return this.later(REST_MS);
    const update = this.copy.unsaved();
    this.shelved = update !== null;
    const { changes } = this;
    try {
      await this.store.put(update && { lineage, update });
      this.broken.value = false;
    } catch {
      // A full disk: unsaved edits exist in this page only, and the page says so. There may be space later.
      this.broken.value = true;
      return this.later(ALIVE_MS);
    }
    if (changes !== this.changes) return; // edited meanwhile, and stored next time
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
    // Records that could not be stored under this tab's name stay where they are.
    void this.keep().then(() =>
      this.broken.peek() ? undefined : this.store.settle().catch(() => undefined),
    );
  }
}
