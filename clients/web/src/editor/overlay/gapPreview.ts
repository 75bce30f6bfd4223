// Shows words in a gap of the text without changing it: a copy of the paragraph, with the words in it, lies over the
// paragraph. Only this page has it.

import type Quill from "quill/core.js";
import type { TextPositions } from "./textPositions";

/** UTF-16 units of a paragraph that is copied; of a longer one only the list of words is shown. */
const MAX_COPIED = 20_000;

const COPIED = [
  "font-family",
  "font-size",
  "font-weight",
  "font-style",
  "font-variation-settings",
  "font-feature-settings",
  "letter-spacing",
  "line-height",
  "color",
  "text-align",
  "text-indent",
  "white-space",
  "overflow-wrap",
  "tab-size",
  "padding",
  "border",
];

export class GapPreview {
  private copy: HTMLElement | null = null;

  constructor(
    private readonly quill: Quill,
    private readonly places: TextPositions,
  ) {}

  /** Whether the words are shown: not where the paragraph is too long, or is not laid out. */
  show(start: number, end: number, words: string): boolean {
    this.clear();
    const range = this.places.range(start, end - start);
    const block = range && this.blockOf(range.startContainer);
    if (!range || !block?.contains(range.endContainer) || (block.textContent ?? "").length > MAX_COPIED)
      return false;
    const copy = block.cloneNode(true) as HTMLElement;
    const from = same(range.startContainer, block, copy);
    const to = same(range.endContainer, block, copy);
    if (!from || !to) return false;
    const inside = document.createRange();
    inside.setStart(from, range.startOffset);
    inside.setEnd(to, range.endOffset);
    inside.deleteContents();
    const mark = document.createElement("mark");
    mark.className = "gap-words";
    mark.textContent = words;
    inside.insertNode(mark);
    this.copy = this.over(block, copy);
    return true;
  }

  clear(): void {
    this.copy?.remove();
    this.copy = null;
  }

  /** Where the words are shown, in the window. */
  box(): DOMRect | null {
    return this.copy?.querySelector("mark")?.getBoundingClientRect() ?? null;
  }

  private over(block: HTMLElement, copy: HTMLElement): HTMLElement {
    const layer = document.createElement("div");
    layer.className = "gap-preview";
    layer.setAttribute("aria-hidden", "true");
    // Outside the text its style sheet does not apply.
    const style = getComputedStyle(block);
    for (const name of COPIED) copy.style.setProperty(name, style.getPropertyValue(name));
    copy.style.margin = "0";
    layer.append(copy);
    const outer = this.quill.container.getBoundingClientRect();
    const box = block.getBoundingClientRect();
    layer.style.left = `${box.left - outer.left}px`;
    layer.style.top = `${box.top - outer.top}px`;
    layer.style.width = `${box.width}px`;
    layer.style.minHeight = `${box.height}px`;
    this.quill.container.append(layer);
    return layer;
  }

  private blockOf(node: Node): HTMLElement | null {
    const element = node instanceof Element ? node : node.parentElement;
    const block = element?.closest<HTMLElement>("p, h1, h2, h3, h4, h5, h6, blockquote, li, pre");
    return block && this.quill.root.contains(block) ? block : null;
  }
}

/** The node of a copy that stands where `node` stands in the original. */
function same(node: Node, original: Node, copy: Node): Node | null {
  const path: number[] = [];
  for (let at: Node = node; at !== original; at = at.parentNode as Node) {
    if (!at.parentNode) return null;
    path.unshift(Array.prototype.indexOf.call(at.parentNode.childNodes, at));
  }
  return path.reduce<Node | null>((at, index) => at?.childNodes[index] ?? null, copy);
}
