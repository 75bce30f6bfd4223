// The browser's copy of a room's unsaved edits: opens the store and reports its state to the page.

import { computed, signal } from "@preact/signals";
import type { Clock } from "../../connection/clock";
import { insertedText, newDocument } from "./document";
import { type Copy, OfflineEdits, type UnsavedEdits, type UnsavedStore } from "./offlineEdits";

export class EditBackup {
  /** Nothing would be lost if the page closed now. */
  readonly kept = signal(false);
  /** The browser cannot keep anything: unsaved edits exist in this page only. */
  readonly failed = signal(false);
  private readonly left = signal<readonly UnsavedEdits[]>([]);
  /** The text among what an earlier page left and this one has not brought in. */
  readonly leftOver = computed(() => {
    const updates = this.left.value.map(({ update }) => update);
    return updates.length > 0 ? insertedText(updates, newDocument()) : "";
  });
  private edits: OfflineEdits | null = null;
  private closed = false;

  /** `store` resolves with null where the browser has none; undefined: this page wants no backup. */
  constructor(
    copy: Copy,
    store: Promise<UnsavedStore | null> | undefined,
    clock: Clock,
    onRestored: () => void,
  ) {
    void store?.then((opened) => {
      this.failed.value = !opened;
      if (!opened || this.closed) return;
      this.edits = new OfflineEdits(copy, opened, clock, onRestored);
      this.edits.kept.subscribe((kept) => {
        this.kept.value = kept;
      });
      this.edits.broken.subscribe((broken) => {
        this.failed.value = broken;
      });
      this.edits.left.subscribe((left) => {
        this.left.value = left;
      });
    });
  }

  synced(): void {
    this.edits?.synced();
  }

  changed(): void {
    this.edits?.changed();
  }

  /** The page may close at any moment. */
  keepNow(): void {
    this.edits?.now();
  }

  close(): void {
    this.closed = true;
    this.edits?.close();
  }
}
