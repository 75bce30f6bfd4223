// The link at the caret, and setting, changing and removing it.

import { type Signal, signal } from "@preact/signals";
import type Quill from "quill/core.js";
import { Delta } from "quill/core.js";
import { safeLink } from "../text/links";

export interface LinkHere {
  address: string;
  index: number;
  length: number;
}

export class Linking {
  /** The link at the caret. */
  readonly here: Signal<LinkHere | null> = signal(null);
  /** Whether the dialog is open that sets the address of what is selected, or of the link at the caret. */
  readonly dialogOpen = signal(false);

  constructor(private readonly quill: Quill) {}

  /** The caret has moved, or the text under it. */
  read(range: { index: number; length: number }): void {
    const found = range.length === 0 ? this.around(range.index) : null;
    const before = this.here.peek();
    const same =
      found?.address === before?.address &&
      found?.index === before?.index &&
      found?.length === before?.length;
    if (!same) this.here.value = found;
  }

  /** Sets the address of the selection or of the link at the caret, or inserts it as text. */
  set(address: string): void {
    const link = safeLink(address);
    const range = this.quill.getSelection(true);
    if (!link || !range) return;
    const here = this.around(range.index);
    if (range.length > 0) this.quill.formatText(range.index, range.length, "link", link, "user");
    else if (here) this.quill.formatText(here.index, here.length, "link", link, "user");
    else {
      const words = link.replace(/^mailto:/, "");
      this.quill.updateContents(new Delta().retain(range.index).insert(words, { link }), "user");
      this.quill.setSelection(range.index + words.length, 0, "silent");
      // Text typed next is not part of the link.
      this.quill.format("link", false, "user");
    }
  }

  remove(): void {
    const range = this.quill.getSelection(true);
    const here = range && this.around(range.index);
    if (range && range.length > 0) this.quill.formatText(range.index, range.length, "link", false, "user");
    else if (here) this.quill.formatText(here.index, here.length, "link", false, "user");
  }

  private around(index: number): LinkHere | null {
    const [line, offset] = this.quill.getLine(index);
    if (!line) return null;
    const start = index - offset;
    let at = start;
    let found = { address: "", index: 0, length: 0 };
    for (const op of line.delta().ops) {
      const length = typeof op.insert === "string" ? op.insert.length : 1;
      const address = typeof op.attributes?.link === "string" ? op.attributes.link : "";
      // The caret belongs to the text before it.
      if (address !== found.address) {
        if (at >= index) break;
        found = { address, index: at, length: 0 };
      }
      found.length += length;
      at += length;
    }
    return found.address ? found : null;
  }
}
