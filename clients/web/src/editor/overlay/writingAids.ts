// Aids for one person that nobody else sees: the browser's spelling check, and focus on one paragraph.

import { effect, type Signal, signal } from "@preact/signals";
import type Quill from "quill/core.js";

export interface Aids {
  spellcheck: boolean;
  /** Focus mode: only the paragraph at the cursor stands out, and its line stays in the middle. */
  focus: boolean;
  /** Automatic headings, quotations, quotes and dashes. */
  signs: boolean;
}

export class WritingAids {
  readonly on: Signal<Aids>;
  private here: HTMLElement | null = null;
  private readonly stops: (() => void)[];

  constructor(
    private readonly quill: Quill,
    options: { load(): Aids; save(aids: Aids): void },
  ) {
    this.on = signal(options.load());
    this.stops = [
      effect(() => {
        const { spellcheck, focus } = this.on.value;
        quill.root.setAttribute("spellcheck", String(spellcheck));
        quill.root.classList.toggle("focusing", focus);
        if (focus) this.follow();
        else this.mark(null);
      }),
      this.on.subscribe((aids) => options.save(aids)),
    ];
  }

  set(aids: Partial<Aids>): void {
    this.on.value = { ...this.on.value, ...aids };
  }

  /** The caret has moved, or the text under it. */
  follow(): void {
    if (!this.on.peek().focus) return;
    const range = this.quill.getSelection();
    if (!range) return;
    const [line] = this.quill.getLine(range.index);
    this.mark((line?.domNode as HTMLElement | undefined) ?? null);
    const bounds = range.length === 0 ? this.quill.getBounds(range.index) : null;
    const page = this.quill.root.closest(".desk");
    if (!bounds || !page) return;
    const { top } = this.quill.container.getBoundingClientRect();
    const middle = page.getBoundingClientRect();
    page.scrollTop += top + bounds.top + bounds.height / 2 - (middle.top + middle.height * 0.42);
  }

  destroy(): void {
    for (const stop of this.stops) stop();
  }

  private mark(line: HTMLElement | null): void {
    if (this.here !== line) this.here?.removeAttribute("data-here");
    this.here = line;
    line?.setAttribute("data-here", "");
  }
}
