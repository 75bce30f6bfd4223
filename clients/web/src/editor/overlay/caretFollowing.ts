// Moves the caret along with what a model writes for this person, until they move it or type.

import type Quill from "quill/core.js";
import type { Op } from "../../room/document/delta";
import { isInView } from "./scrollIntoView";

export class CaretFollowing {
  private run: string | null = null;
  /** Whether the place that is followed was in view before the last change. */
  private inView = true;

  constructor(
    private readonly quill: Quill,
    private readonly options: {
      /** Where a run has written last. */
      written(run: string): number | null;
      /** Where a request would apply; set without the focus. */
      place(): number | null;
      setPlace(index: number): void;
    },
  ) {
    quill.on("selection-change", (range, _, source) => {
      if (range && source === "user") this.run = null;
    });
  }

  /** This person asked for a run that writes at their caret. */
  begin(run: string): void {
    this.run = run;
    this.inView = this.sees(this.options.place());
  }

  /** The page shows a change; `ops` are another's, null means this person's own. */
  changed(ops: readonly Op[] | null): void {
    if (!ops) {
      this.run = null;
      return;
    }
    const target = this.run === null ? null : this.options.written(this.run);
    if (target === null) return;
    // Text inserted at the place moved it along, while the caret in the page stayed.
    if (target === this.options.place() && target === this.caret(target)) return;
    this.go(target);
    if (this.inView) this.scrollTo(target);
    this.inView = this.sees(target);
  }

  private go(index: number): void {
    if (this.quill.hasFocus()) this.quill.setSelection(index, 0, "silent");
    this.options.setPlace(index);
  }

  /** Where the caret is; where it should be when the focus is elsewhere. */
  private caret(otherwise: number): number | undefined {
    return this.quill.hasFocus() ? this.quill.selection.getRange()[0]?.index : otherwise;
  }

  private box(index: number | null): { top: number; bottom: number; left: number; right: number } | null {
    return index === null ? null : this.quill.selection.getBounds(index);
  }

  private sees(index: number | null): boolean {
    return isInView(this.quill.root, this.box(index));
  }

  private scrollTo(index: number): void {
    const box = this.box(index);
    if (box) this.quill.scrollRectIntoView(box);
  }
}
