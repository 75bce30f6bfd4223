// The number of an ordered list's item that does not follow the one before it: a list that starts at 3.

import type Quill from "quill/core.js";
import { Delta, Parchment } from "quill/core.js";

class StartAttributor extends Parchment.Attributor {
  override add(node: HTMLElement, value: unknown): boolean {
    const number = Number(value);
    if (!Number.isInteger(number) || number < 1 || number > 1_000_000) return false;
    // A page of ours may set styles by hand, though not by its markup (the content security policy).
    node.style.setProperty("--start", String(number));
    return super.add(node, number);
  }

  override remove(node: HTMLElement): void {
    node.style.removeProperty("--start");
    if (node.getAttribute("style") === "") node.removeAttribute("style");
    super.remove(node);
  }

  override value(node: HTMLElement): number | string {
    return Number(super.value(node)) || "";
  }
}

export const Start = new StartAttributor("start", "data-start", { scope: Parchment.Scope.BLOCK });

/** Enter in such an item: the next line continues the numbers. */
export const startBinding = {
  key: "Enter",
  shiftKey: null,
  format: ["start"],
  handler(this: { quill: Quill }, range: { index: number; length: number }): boolean {
    const { quill } = this;
    const [line, offset] = quill.getLine(range.index);
    if (!line || line.length() <= 1) return true;
    const formats = line.formats() as Record<string, unknown>;
    const delta = new Delta()
      .retain(range.index)
      .delete(range.length)
      .insert("\n", formats)
      .retain(Math.max(0, line.length() - 1 - offset - range.length))
      .retain(1, { start: null });
    quill.updateContents(delta, "user");
    quill.setSelection(range.index + 1, "silent");
    quill.focus();
    return false;
  },
};
