// The passages that comments are about, marked over the text.

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import type { Comments } from "../../room/document/comments";
import type { Span } from "../../room/document/delta";
import { commentsAt, type Passages } from "../text/passages";
import type { Highlights } from "./highlights";

export class PassageMarks {
  /** Whether a comment on what is selected is being written. */
  readonly commenting = signal(false);
  /** The passages of the comments. */
  readonly passages: ReadonlySignal<Passages>;

  constructor(
    private readonly comments: Comments,
    private readonly highlights: Highlights,
    /** The passages are computed again when it changes. */
    changes: ReadonlySignal<number>,
    find: () => Passages | undefined,
  ) {
    this.passages = computed(() => {
      changes.value;
      return (this.any && find()) || new Map();
    });
  }

  /** Whether there are comments at all. */
  get any(): boolean {
    return this.comments.all.value.length > 0;
  }

  /** Opens the thread about the character before `index`, if there is one that is not resolved. */
  openAt(index: number): void {
    const ids = commentsAt(this.passages.peek(), index + 1);
    const open = this.comments.all.peek().find((each) => !each.resolved && ids.includes(each.id));
    if (open) this.comments.open.value = open.id;
  }

  /** Marks the passages of threads that are not resolved; the open thread's, and `selection` while a comment is written
   * on it, stand out. */
  show(selection: () => { start: number; end: number }): void {
    const { all, open } = this.comments;
    const spans = (id: string): readonly Span[] => this.passages.value.get(id) ?? [];
    const shown = all.value.filter((each) => !each.resolved || each.id === open.value);
    const others = shown.filter((each) => each.id !== open.value).flatMap((each) => spans(each.id));
    const chosen = shown.filter((each) => each.id === open.value).flatMap((each) => spans(each.id));
    const { start, end } = this.commenting.value ? selection() : { start: 0, end: 0 };
    if (end > start) chosen.push({ index: start, length: end - start });
    this.highlights.show("commented", others);
    this.highlights.show("commented-open", chosen);
  }
}
