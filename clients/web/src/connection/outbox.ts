// What this client wrote and the server has not yet made durable. Nothing leaves here silently: a batch ends as durable,
// or comes out as refused.

import { mergeUpdates } from "yjs";

export interface Batch {
  number: number;
  update: Uint8Array;
  applied: boolean;
}

/** Unsent updates are merged beyond this many, so that hours without a network cost little. */
const MAX_LOOSE = 64;

export class Outbox {
  private loose: Uint8Array[] = [];
  private batches: Batch[] = [];
  private nextNumber = 1;
  /** A change that was made here. */
  add(update: Uint8Array): void {
    this.loose.push(update);
    if (this.loose.length > MAX_LOOSE) this.loose = [mergeUpdates(this.loose)];
  }

  /** The next batch to send: as many loose updates as fit in `maxBytes` (always at least one), or null. */
  take(maxBytes: number): Batch | null {
    const [first] = this.loose;
    if (!first) return null;
    let size = first.length;
    let count = 1;
    for (const update of this.loose.slice(1)) {
      if (size + update.length > maxBytes) break;
      size += update.length;
      count += 1;
    }
    const parts = this.loose.splice(0, count);
    const batch = {
      number: this.nextNumber,
      update: parts.length === 1 ? first : mergeUpdates(parts),
      applied: false,
    };
    this.nextNumber += 1;
    this.batches.push(batch);
    return batch;
  }

  applied(number: number): void {
    for (const batch of this.batches) if (batch.number === number) batch.applied = true;
  }

  /** The log is written in order: everything up to `number` is on disk. */
  durable(number: number): void {
    this.batches = this.batches.filter((batch) => batch.number > number);
  }

  /** What the server has not applied, in order: it takes nothing that builds on a batch it does not have. */
  waiting(): Batch[] {
    return this.batches.filter((batch) => !batch.applied);
  }

  /** Updates that are in no batch yet. */
  unsent(): Uint8Array[] {
    return [...this.loose];
  }

  /**
   * After a reconnect. In the same session the server has everything up to `lastBatch`; a new session knows nothing, and
   * counts from 1.
   */
  resume(sameSession: boolean, lastBatch: number): void {
    if (sameSession) {
      this.batches = this.batches.filter((batch) => batch.number > lastBatch);
      this.nextNumber = Math.max(this.nextNumber, lastBatch + 1);
    } else {
      this.nextNumber = 1;
      for (const batch of this.batches) {
        batch.number = this.nextNumber;
        this.nextNumber += 1;
      }
    }
    for (const batch of this.batches) batch.applied = false;
  }

  /** Empties the outbox and returns what was in it, oldest first. */
  drain(): Uint8Array[] {
    const all = this.updates();
    this.batches = [];
    this.loose = [];
    return all;
  }

  /** Everything that is not durable yet, oldest first. */
  updates(): Uint8Array[] {
    return [...this.batches.map((batch) => batch.update), ...this.loose];
  }

  /** Whether the server's copy lacks something of ours, as far as we know. */
  get unapplied(): boolean {
    return this.loose.length > 0 || this.batches.some((batch) => !batch.applied);
  }

  /** Whether everything of ours is on the server's disk. */
  get empty(): boolean {
    return this.loose.length === 0 && this.batches.length === 0;
  }
}
