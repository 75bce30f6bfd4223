// Words for a gap: the search that is under way, which of its words is chosen, and whether the text shows it.

import { computed, signal } from "@preact/signals";
import type { Gap, StoryEditor } from "../../../editor/storyEditor";
import { gapProblem, spaced } from "../../../editor/text/gap";
import type { RunInfo } from "../../../protocol/messages";
import type { Room } from "../../../room/room";
import { isActive } from "../../../room/runs";
import { loadFillInPlace, saveFillInPlace } from "../../../room/storage/browserStorage";

export class FillForm {
  private readonly id = signal<string | null>(null);
  /** The chosen words; null: the best, whichever these are. */
  private readonly picked = signal<string | null>(null);
  readonly inPlace = signal(loadFillInPlace());
  readonly problem = signal<ReturnType<typeof gapProblem>>(null);
  /** What stood around the gap has changed since the search began. */
  readonly changed = signal(false);
  private asking = false;
  private gap: Gap | null = null;
  private asked = "";
  readonly run;
  readonly chosen;

  constructor(private readonly room: Room) {
    this.run = computed<RunInfo | null>(() => {
      const run = this.id.value === null ? undefined : room.runs.all.value.get(this.id.value);
      return run && !run.undone && run.mode === "private" ? run : null;
    });
    this.chosen = computed(() => {
      const fills = this.run.value?.fills ?? [];
      const { value } = this.picked;
      return value !== null && fills.includes(value) ? value : (fills[0] ?? null);
    });
  }

  /** Looks for words at the caret, or in place of the selection. */
  async begin(editor: StoryEditor): Promise<void> {
    if (this.asking) return;
    this.leave();
    const gap = editor.gap();
    this.problem.value = gapProblem(gap.sides());
    if (this.problem.peek() !== null) return;
    this.asking = true;
    this.gap = gap;
    this.asked = around(gap);
    this.changed.value = false;
    this.picked.value = null;
    const run = await this.room.requests.ask({
      task: "fill",
      mode: "private",
      range: () => gap.range() ?? editor.range(),
      model: this.room.textModel.chosen.value,
    });
    this.asking = false;
    this.id.value = run?.id ?? null;
  }

  /** The next or the previous words. */
  move(step: number): void {
    const fills = this.run.peek()?.fills ?? [];
    if (fills.length === 0) return;
    const at = fills.indexOf(this.chosen.peek() ?? "");
    this.picked.value = fills[(at + step + fills.length) % fills.length] ?? null;
  }

  pick(words: string): void {
    this.picked.value = words;
  }

  /** Puts the chosen words into the text. */
  accept(mode: "write" | "suggest"): boolean {
    const run = this.run.peek();
    const words = this.chosen.peek();
    if (!run || words === null) return false;
    this.room.requests.choose(run.id, mode, words);
    this.id.value = null;
    return true;
  }

  /** Other words. */
  async again(): Promise<void> {
    const run = this.run.peek();
    if (!run || this.asking) return;
    this.asking = true;
    this.picked.value = null;
    const next = await this.room.requests.retry(run.id);
    this.asking = false;
    if (next) this.id.value = next.id;
  }

  /** Leaves the text as it is. False when nothing was looked for. */
  leave(): boolean {
    const run = this.run.peek();
    this.problem.value = null;
    this.id.value = null;
    if (!run) return false;
    this.room.requests.undo(run.id);
    return true;
  }

  setInPlace(on: boolean): void {
    this.inPlace.value = on;
    saveFillInPlace(on);
  }

  /** Where the gap is now, and the chosen words with their blanks; null where it has gone. */
  place(): { start: number; end: number; words: string } | null {
    const range = this.gap?.range();
    if (!this.gap || !range) return null;
    this.changed.value = around(this.gap) !== this.asked;
    const { before, after } = this.gap.sides();
    const chosen = this.chosen.peek();
    return { ...range, words: chosen === null ? "" : spaced(chosen, before, after) };
  }

  get searching(): boolean {
    const run = this.run.value;
    return run !== null && isActive(run);
  }
}

/** The nearest words: whoever changes these changes what fits. */
function around(gap: Gap): string {
  const { before, selection, after } = gap.sides();
  return JSON.stringify([before.slice(-20), selection, after.slice(0, 20)]);
}
