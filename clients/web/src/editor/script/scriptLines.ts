// In a script each line of the page says which element it is (a scene heading, a name, dialogue), for the style sheet.

import type { LineEditor } from "../binding/lineEditor";
import { elementsOf } from "./script";

export class ScriptLines {
  private marked = false;

  constructor(
    private readonly root: HTMLElement,
    private readonly page: () => LineEditor,
  ) {}

  /** Marks the lines of a script; null: the text is none, and the marks go. */
  show(lines: readonly string[] | null): void {
    this.root.classList.toggle("script", lines !== null);
    if (!lines && !this.marked) return;
    this.marked = lines !== null;
    const elements = lines ? elementsOf(lines) : [];
    for (const [index, { node }] of this.page().lines.entries()) {
      const element = elements[index];
      if (node.dataset.element === element) continue;
      if (element) node.dataset.element = element;
      else delete node.dataset.element;
    }
  }
}
