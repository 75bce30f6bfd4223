// Edits that the server has not yet made durable. None is lost silently: a batch ends as durable or as refused.

import { mergeUpdates } from "yjs";
import type { StepKind } from "../protocol/messages";

export interface Batch {
  number: number;
  update: Uint8Array;
  /** The kind of step for the server's undo. */
  step: StepKind;
  applied: boolean;
}

/** Above this many unsent changes they are merged, so that hours without a network cost little. */
const MAX_LOOSE = 64;
/** Changes in one update at most: merging does not join them, and the server bounds the items of an update. */
const MAX_CHANGES = 1000;

/** Most undo steps kept apart while offline: the server keeps no more. */
const MAX_STEPS = 300;

/** An update that is in no batch yet, and how many changes were merged into it. */
interface Loose {
  update: Uint8Array;
  changes: number;
  step: StepKind;
}

const goesOn = (step: StepKind): boolean => step === "" || step === "same";

function merged(parts: Loose[]): Loose {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  return {
    update: mergeUpdates(parts.map((part) => part.update)),
    changes: parts.reduce((sum, part) => sum + part.changes, 0),
    step: parts[0]?.step ?? "",
  };
}

export class Outbox {
  private loose: Loose[] = [];
  private batches: Batch[] = [];
  private nextNumber = 1;

  /** Adds a local change. */
  add(update: Uint8Array, step: StepKind = ""): void {
    const part = { update, changes: 1, step };
    const last = this.loose.at(-1);
    if (last && goesOn(step) && this.loose.length >= MAX_LOOSE && last.changes < MAX_CHANGES) {
      this.loose[this.loose.length - 1] = merged([last, part]);
    } else this.loose.push(part);
    if (this.loose.length <= MAX_LOOSE + MAX_STEPS) return;
    // The oldest become one step.
    const open = this.loose.findIndex((one) => one.changes < MAX_CHANGES);
    this.loose.splice(open, MAX_LOOSE, merged(this.loose.slice(open, open + MAX_LOOSE)));
  }

  /** The next batch to send: as many loose updates as fit in `maxBytes` (always at least one), or null. */
  take(maxBytes: number): Batch | null {
    const [first] = this.loose;
    if (!first) return null;
    let { changes } = first;
    let size = first.update.length;
    let count = 1;
    for (const part of this.loose.slice(1)) {
      if (!goesOn(part.step)) break;
      size += part.update.length;
      changes += part.changes;
      if (size > maxBytes || changes > MAX_CHANGES) break;
      count += 1;
    }
    const batch = {
      number: this.nextNumber,
      update: merged(this.loose.splice(0, count)).update,
      step: first.step,
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

  /** Batches that the server has not applied, in order: it refuses edits that depend on a missing batch. */
  waiting(): Batch[] {
    return this.batches.filter((batch) => !batch.applied);
  }

  /** Updates that are in no batch yet. */
  unsent(): Uint8Array[] {
    return this.loose.map((part) => part.update);
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

  /** Replaces all waiting changes by the same changes written again. */
  remake(updates: Uint8Array[]): void {
    this.batches = [];
    this.loose = updates.map((update) => ({ update, changes: MAX_CHANGES, step: "" }));
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
    return [...this.batches.map((batch) => batch.update), ...this.unsent()];
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
