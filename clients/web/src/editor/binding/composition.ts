// While somebody composes (an input method, a dead key, most phone keyboards) the browser owns the line that they
// compose in: any other change of it breaks the composition. This knows whether there is one, and where.

import Quill, { type Parchment } from "quill/core.js";
import type { Zone } from "../text/composedEdits";
import type { LineEditor } from "./lineEditor";
import { beside, LineGroup } from "./lineGroups";

/** A composition without an event for so long counts as abandoned. */
const FORGOTTEN_MS = 60_000;

type Block = {
  domNode: HTMLElement;
  offset(of: unknown): number;
  length(): number;
};

export class Composition {
  private first: Block | null = null;
  private last: Block | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly events = new AbortController();

  /** `onEnd`: the words are in Quill, and the lines are free. */
  constructor(
    private readonly quill: Quill,
    private readonly onEnd: () => void,
  ) {
    quill.on(Quill.events.COMPOSITION_START, this.started);
    quill.on(Quill.events.COMPOSITION_END, this.ended);
    const { signal } = this.events;
    const settle = () => this.settle();
    // The browser ends it first, if it does.
    quill.root.addEventListener("blur", () => queueMicrotask(settle), { signal });
    quill.root.addEventListener("compositionupdate", () => this.watch(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden && settle(), { signal });
    addEventListener("pagehide", settle, { signal });
  }

  get active(): boolean {
    return this.first !== null;
  }

  /** The lines that belong to the composition, and the lines beside them; a list counts as one line. */
  zone(): Zone {
    const { first, last } = this;
    if (!first || !last) return { start: -1, end: -1 };
    const before = beside(top(first, this.quill), "prev") as Block | null;
    const after = beside(top(last, this.quill), "next") as Block | null;
    const { scroll } = this.quill;
    return {
      start: before ? lastLine(before).offset(scroll) : -1,
      end: after ? firstLine(after).offset(scroll) + firstLine(after).length() : Number.POSITIVE_INFINITY,
    };
  }

  /** Applies an edit outside of the zone. Quill holds back changes during a composition; this does not. */
  applyAround(edit: Parameters<LineEditor["applyDelta"]>[0]): void {
    const { scroll, editor, selection } = this.quill;
    const held = scroll as unknown as { batch: MutationRecord[] | false; observer: MutationObserver };
    const kept = [...(held.batch || []), ...held.observer.takeRecords()];
    held.batch = false;
    try {
      editor.applyDelta(edit);
    } finally {
      held.observer.takeRecords();
      held.batch = kept;
    }
    // Quill compares the page with the caret before the composition.
    const moved = (index: number) => edit.transformPosition(index, true);
    const range = selection.lastRange;
    if (!range) return;
    const start = moved(range.index);
    selection.lastRange = { index: start, length: moved(range.index + range.length) - start };
    selection.savedRange = selection.lastRange;
  }

  /** Ends the composition from our side, with its present words. */
  settle(): void {
    const { composition } = this.quill;
    if (!composition.isComposing) return;
    (composition as unknown as { handleCompositionEnd(event: Event): void }).handleCompositionEnd(
      new CompositionEvent("compositionend"),
    );
  }

  destroy(): void {
    this.settle();
    clearTimeout(this.timer);
    this.events.abort();
    this.quill.off(Quill.events.COMPOSITION_START, this.started);
    this.quill.off(Quill.events.COMPOSITION_END, this.ended);
  }

  private readonly started = (): void => {
    const selection = document.getSelection();
    const range = selection && selection.rangeCount > 0 ? selection.getRangeAt(0) : null;
    this.first =
      this.lineAt(range?.startContainer) ?? firstLine(this.quill.scroll.children.head as unknown as Block);
    this.last =
      this.lineAt(range?.endContainer) ?? lastLine(this.quill.scroll.children.tail as unknown as Block);
    this.quill.root.classList.add("composing");
    this.watch();
  };

  private readonly ended = (): void => {
    clearTimeout(this.timer);
    this.first = null;
    this.last = null;
    this.quill.root.classList.remove("composing");
    this.onEnd();
  };

  private watch(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.settle(), FORGOTTEN_MS);
  }

  private lineAt(node: Node | undefined): Block | null {
    let blot = node ? this.quill.scroll.find(node, true) : null;
    while (blot && !("delta" in blot)) blot = blot.parent;
    return blot as unknown as Block | null;
  }
}

/** The block of a line: the line itself, or its list. */
function top(line: Block, quill: Quill): Parchment.Blot {
  let found = line as unknown as Parchment.Blot;
  while (found.parent && found.parent !== quill.scroll && !(found.parent instanceof LineGroup))
    found = found.parent;
  return found;
}

type Parent = Block & { children?: { head: Block | null; tail: Block | null } };

function firstLine(block: Parent): Block {
  return "delta" in block || !block.children?.head ? block : firstLine(block.children.head);
}

function lastLine(block: Parent): Block {
  return "delta" in block || !block.children?.tail ? block : lastLine(block.children.tail);
}
