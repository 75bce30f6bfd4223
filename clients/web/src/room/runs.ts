// The state of the room's runs as the server reports it, and our requests that wait for their runs.

import { signal } from "@preact/signals";
import type { RunInfo } from "../protocol/messages";

/** As many as the server reports to a newcomer. */
const MAX_KEPT = 500;

export const isActive = (run: RunInfo): boolean => run.state === "queued" || run.state === "running";

const PAINTING: ReadonlySet<RunInfo["task"]> = new Set(["text_to_image", "image_to_image", "inpaint"]);

/** A picture: its progress counts denoising steps. */
export const isPainting = (run: RunInfo): boolean => PAINTING.has(run.task);

/** Text: its progress counts tokens, of `fix` corrections. */
export const isWriting = (run: RunInfo): boolean => !isPainting(run) && !isLasting(run);

/** The band and the film's voices, which go on by themselves and are shown where they are heard. */
export const isLasting = (run: RunInfo): boolean => run.task === "jam" || run.task === "speak";

/** Tasks that can be tried again. */
const REPEATABLE: ReadonlySet<RunInfo["task"]> = new Set([
  "continue",
  "instruct",
  "rewrite",
  "brainstorm",
  "chat",
  "performer",
]);

/** Whether a run can be tried again: not when another run has replaced it. */
export const mayTryAgain = (run: RunInfo, all: ReadonlyMap<string, RunInfo>): boolean =>
  REPEATABLE.has(run.task) &&
  // What a performer said by itself was asked by nobody.
  (run.task !== "performer" || run.target !== "") &&
  !(run.undone && [...all.values()].some((each) => each.origin === run.id && !each.undone));

export class Runs {
  readonly all = signal<ReadonlyMap<string, RunInfo>>(new Map());
  /** By active run that we steered: the number of tokens or steps before the change was applied. */
  readonly steered = signal<ReadonlyMap<string, number>>(new Map());
  /** By active run: the epoch of our newest steer that was applied. */
  private readonly inForce = new Map<string, number>();
  private readonly waiting = new Map<number, (run: RunInfo | null) => void>();
  private nextAsk = 1;

  /** A number for a new request, and the run that answers it; null when it is refused or the connection ends. */
  begin(): { ask: number; answer: Promise<RunInfo | null> } {
    const ask = this.nextAsk;
    this.nextAsk += 1;
    return { ask, answer: new Promise((resolve) => this.waiting.set(ask, resolve)) };
  }

  settle(ask: number, run: RunInfo | null): void {
    this.waiting.get(ask)?.(run);
    this.waiting.delete(ask);
  }

  /** No answer will come any more. */
  abandon(): void {
    for (const ask of [...this.waiting.keys()]) this.settle(ask, null);
  }

  /** A steer of ours was applied. */
  tookEffect(run: string, epoch: number, made: number): void {
    this.inForce.set(run, epoch);
    const known = this.all.value.get(run);
    if (known && isActive(known)) this.steered.value = new Map(this.steered.value).set(run, made);
  }

  /** Whether a steer that we sent while the run's epoch was `epoch` was applied. */
  answered(run: string, epoch: number): boolean {
    return (this.inForce.get(run) ?? 0) > epoch;
  }

  replace(runs: readonly RunInfo[]): void {
    this.steered.value = new Map();
    this.inForce.clear();
    this.all.value = new Map(runs.map((run) => [run.id, run]));
  }

  /** Counts tokens: they arrive more often than the run's state. */
  progress(id: string, epoch: number, tokens: number): void {
    const run = this.all.value.get(id);
    if (!run || run.epoch !== epoch || run.progress >= tokens) return;
    this.all.value = new Map(this.all.value).set(id, { ...run, progress: tokens });
  }

  /** Stores a run's new state; returns whether it has just failed. */
  update(run: RunInfo): boolean {
    const before = this.all.value.get(run.id);
    // A run's epoch rises with every steer: a message with an older one is stale.
    if (before && before.epoch > run.epoch) return false;
    const runs = new Map(this.all.value).set(run.id, run);
    const settled = [...runs.values()].filter((each) => !isActive(each) && each.suggestion !== "open");
    settled.sort((a, b) => a.created_ms - b.created_ms);
    for (const old of settled.slice(0, Math.max(0, runs.size - MAX_KEPT))) runs.delete(old.id);
    this.all.value = runs;
    if (!isActive(run)) this.inForce.delete(run.id);
    if (!isActive(run) && this.steered.value.has(run.id)) {
      const steered = new Map(this.steered.value);
      steered.delete(run.id);
      this.steered.value = steered;
    }
    return run.state === "failed" && before?.state !== "failed";
  }
}
