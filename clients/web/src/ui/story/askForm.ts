// The state of the ask bar: instruction, mode, length; and this person's active runs.

import { computed, signal } from "@preact/signals";
import type { StoryEditor } from "../../editor/storyEditor";
import { languageOf } from "../../editor/text/language";
import type { Mode, RunInfo, Task } from "../../protocol/messages";
import type { Room } from "../../room/room";
import { isActive, isWriting, mayTryAgain } from "../../room/runs";
import { loadMode, saveMode } from "../../room/storage/browserStorage";
import { without } from "../../room/storage/fieldDrafts";
import { FillForm } from "./gap/fillForm";

export type Length = "short" | "medium" | "long";
const TOKENS: Record<Length, number> = { short: 40, medium: 120, long: 400 };

/** Languages of models, by the key of their note; those of other models are unknown. */
const LANGUAGES: Readonly<Record<string, readonly string[]>> = { small_english: ["en"] };
/** UTF-16 units before the caret that are used to guess the language. */
const SAMPLE = 600;

export class AskForm {
  readonly instruction;
  readonly mode = signal(loadMode());
  readonly length = signal<Length>("medium");
  /** The language of the last request, if the model does not know it; asking again overrides the warning. */
  readonly doubt = signal<string | null>(null);
  /** A request is on its way to the server. */
  readonly sending = signal(false);
  editor: StoryEditor | null = null;
  readonly mine;
  /** Words for a gap. */
  readonly fill;

  constructor(private readonly room: Room) {
    this.instruction = room.fieldDrafts.field("instruction");
    this.fill = new FillForm(room);
    this.mine = computed(() => {
      const me = room.members.me.value?.id;
      return [...room.runs.all.value.values()].filter(
        (run) => run.participant === me && isWriting(run) && isActive(run),
      );
    });
  }

  setMode(mode: Mode): void {
    this.mode.value = mode;
    saveMode(mode);
  }

  /** Sends the request as set; without an instruction the model continues at the cursor. */
  submit(): Promise<void> {
    return this.ask(this.instruction.value.trim() ? "instruct" : "continue");
  }

  /** Requests a task, with the text of the field as the instruction. */
  async ask(task: Task): Promise<void> {
    const { editor } = this;
    if (!editor || this.sending.value) return;
    const instruction = task === "fix" ? "" : this.instruction.value.trim();
    const unknown = task === "fix" ? null : this.unknownLanguage(editor, instruction);
    const warned = unknown !== null && unknown === this.doubt.peek();
    this.doubt.value = warned ? null : unknown;
    if (this.doubt.peek() !== null) return;
    this.sending.value = true;
    const run = await this.room.requests.ask({
      task,
      mode: this.mode.value,
      instruction,
      params: { max_tokens: TOKENS[this.length.value], whole_sentences: true },
      model: this.room.textModel.chosen.value,
      range: () => {
        const range = editor.range();
        // Continue starts at the end of the selection.
        return task === "continue" ? { start: range.end, end: range.end } : range;
      },
    });
    this.sending.value = false;
    // The caret follows what the run writes; not for corrections and candidates.
    if (run && run.mode === "write" && run.group === "" && task !== "fix") editor.follow(run.id);
    // A refused instruction stays in the field; corrections take none.
    if (run && task !== "fix") this.instruction.value = without(instruction, this.instruction.value);
  }

  private unknownLanguage(editor: StoryEditor, instruction: string): string | null {
    const model = this.room.models.peek().find((each) => each.modality === "text");
    const known = LANGUAGES[model?.note_key ?? ""];
    if (!known) return null;
    const language = languageOf(editor.before(SAMPLE)) ?? languageOf(instruction);
    return language === null || known.includes(language) ? null : language;
  }

  /** This person's newest run that can be tried again, as long as its suggestion is undecided. */
  get latest(): RunInfo | null {
    const { all } = this.room.runs;
    const me = this.room.members.me.value?.id;
    const runs = [...all.value.values()].filter(
      (run) =>
        run.participant === me &&
        run.group === "" &&
        (run.suggestion === "none" || run.suggestion === "open") &&
        mayTryAgain(run, all.value),
    );
    return runs.sort((a, b) => b.created_ms - a.created_ms)[0] ?? null;
  }

  /** Tries the latest run again, and replaces it, whether it still writes or has ended. */
  again(): void {
    const run = this.latest;
    if (run && !run.undone) void this.room.requests.retry(run.id);
  }

  /** Stops this person's runs; false when none is active. */
  stopMine(): boolean {
    for (const run of this.mine.value) this.room.requests.stop(run.id);
    return this.mine.value.length > 0;
  }
}
