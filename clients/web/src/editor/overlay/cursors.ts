// Draws the carets and selections of other people and of the model over the text.

import type Quill from "quill/core.js";

export interface Caret {
  id: string;
  name: string;
  color: string;
  /** UTF-16 indices; equal when nothing is selected. */
  anchor: number;
  head: number;
  model: boolean;
}

interface ObjectView {
  root: HTMLElement;
  caret: HTMLElement;
  flag: HTMLElement;
  marks: HTMLElement[];
  place: string;
}

/** How long a name stays beside a caret that has moved. */
const FLAG_MS = 2600;

export class CursorLayer {
  private readonly root: HTMLElement;
  private readonly drawn = new Map<string, ObjectView>();
  private readonly flags = new Map<string, ReturnType<typeof setTimeout>>();
  private carets: readonly Caret[] = [];
  private frame = 0;
  private readonly resized: ResizeObserver;

  constructor(private readonly quill: Quill) {
    this.root = document.createElement("div");
    this.root.className = "cursors";
    this.root.setAttribute("aria-hidden", "true");
    quill.container.append(this.root);
    this.resized = new ResizeObserver(() => this.schedule());
    this.resized.observe(quill.root);
  }

  show(carets: readonly Caret[]): void {
    this.carets = carets;
    this.schedule();
  }

  destroy(): void {
    cancelAnimationFrame(this.frame);
    for (const timer of this.flags.values()) clearTimeout(timer);
    this.resized.disconnect();
    this.root.remove();
  }

  private schedule(): void {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  private draw(): void {
    const present = new Set(this.carets.map((caret) => caret.id));
    for (const [id, drawn] of this.drawn) {
      if (present.has(id)) continue;
      drawn.root.remove();
      this.drawn.delete(id);
    }
    for (const caret of this.carets) this.place(caret, this.drawn.get(caret.id) ?? this.make(caret.id));
  }

  private make(id: string): ObjectView {
    const element = (name: string, parent: HTMLElement) => {
      const child = document.createElement("div");
      child.className = name;
      parent.append(child);
      return child;
    };
    const root = element("cursor", this.root);
    const caret = element("cursor-caret", root);
    const drawn = { root, caret, flag: element("cursor-flag", caret), marks: [], place: "" };
    this.drawn.set(id, drawn);
    return drawn;
  }

  private place(caret: Caret, drawn: ObjectView): void {
    const last = this.quill.getLength() - 1;
    const head = Math.min(caret.head, last);
    const anchor = Math.min(caret.anchor, last);
    const bounds = this.quill.getBounds(head);
    drawn.root.hidden = !bounds;
    if (!bounds) return;
    drawn.root.classList.toggle("cursor-model", caret.model);
    drawn.root.style.setProperty("--who", caret.color);
    drawn.caret.style.transform = `translate(${bounds.left}px, ${bounds.top}px)`;
    drawn.caret.style.height = `${bounds.height}px`;
    if (drawn.flag.textContent !== caret.name) drawn.flag.textContent = caret.name;
    // A name that would leave the page on the right opens to the left.
    drawn.flag.classList.toggle("cursor-flag-left", bounds.left > this.quill.container.clientWidth * 0.8);
    this.markSelection(drawn, Math.min(anchor, head), Math.abs(anchor - head));
    const place = `${anchor}:${head}`;
    if (place !== drawn.place) this.showFlag(caret.id, drawn);
    drawn.place = place;
  }

  private showFlag(id: string, drawn: ObjectView): void {
    drawn.root.classList.add("cursor-named");
    clearTimeout(this.flags.get(id));
    this.flags.set(
      id,
      setTimeout(() => drawn.root.classList.remove("cursor-named"), FLAG_MS),
    );
  }

  private markSelection(drawn: ObjectView, index: number, length: number): void {
    const rects = length > 0 ? this.rects(index, length) : [];
    while (drawn.marks.length > rects.length) drawn.marks.pop()?.remove();
    rects.forEach((rect, at) => {
      let mark = drawn.marks[at];
      if (!mark) {
        mark = document.createElement("div");
        mark.className = "cursor-mark";
        drawn.root.append(mark);
        drawn.marks.push(mark);
      }
      mark.style.transform = `translate(${rect.left}px, ${rect.top}px)`;
      mark.style.width = `${rect.width}px`;
      mark.style.height = `${rect.height}px`;
    });
  }

  private rects(
    index: number,
    length: number,
  ): { left: number; top: number; width: number; height: number }[] {
    const [startLeaf, startOffset] = this.quill.getLeaf(index);
    const [endLeaf, endOffset] = this.quill.getLeaf(index + length);
    if (!startLeaf || !endLeaf) return [];
    const range = document.createRange();
    try {
      range.setStart(startLeaf.domNode, startOffset);
      range.setEnd(endLeaf.domNode, endOffset);
    } catch {
      return []; // an empty line has no text node
    }
    const origin = this.quill.container.getBoundingClientRect();
    return [...range.getClientRects()]
      .filter((rect) => rect.width > 0)
      .map((rect) => ({
        left: rect.left - origin.left,
        top: rect.top - origin.top,
        width: rect.width,
        height: rect.height,
      }));
  }
}
