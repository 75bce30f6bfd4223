// The selection as a place of the shared text: it moves with the text, also while the editor has no focus.

import type { ReadonlySignal } from "@preact/signals";
import {
  createAbsolutePositionFromRelativePosition,
  createRelativePositionFromTypeIndex,
  type Doc,
  type RelativePosition,
} from "yjs";
import { storyOf } from "../../room/document/document";

export class CaretPlace {
  private place: { anchor: RelativePosition; head: RelativePosition } | null = null;

  constructor(private readonly doc: ReadonlySignal<Doc>) {}

  /** For the others; null before the first selection. */
  get shared(): { anchor: RelativePosition; head: RelativePosition } | null {
    return this.place;
  }

  /** Where the selection begins and ends, in UTF-16 units; null where it is nowhere. */
  get anchor(): number | null {
    return this.resolve(this.place?.anchor);
  }

  get head(): number | null {
    return this.resolve(this.place?.head);
  }

  set(anchor: number, head: number): void {
    const text = storyOf(this.doc.peek());
    const at = (index: number) => createRelativePositionFromTypeIndex(text, Math.min(index, text.length));
    this.place = { anchor: at(anchor), head: at(head) };
  }

  clear(): void {
    this.place = null;
  }

  /** The index of a position in the shared text; null when it points nowhere, as a peer's may. */
  resolve(position: RelativePosition | undefined): number | null {
    if (!position) return null;
    try {
      const doc = this.doc.peek();
      const found = createAbsolutePositionFromRelativePosition(position, doc);
      return found?.type === storyOf(doc) ? found.index : null;
    } catch {
      return null;
    }
  }
}
