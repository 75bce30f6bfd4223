// Converts places of the text to places of the page, for many at once: Quill searches from the start for each.

import type { Line, LineEditor } from "../binding/lineEditor";

export class TextPositions {
  private of: readonly Line[] | null = null;
  private starts: number[] = [];

  constructor(private readonly page: () => LineEditor) {}

  /** A range of the text as a range of the page; null where there is no text node. */
  range(index: number, length: number): Range | null {
    const start = this.at(index, false);
    const end = this.at(index + length, true);
    if (!start || !end) return null;
    const range = document.createRange();
    range.setStart(...start);
    range.setEnd(...end);
    return range;
  }

  /** `end`: a place between two lines belongs to the first. */
  private at(index: number, end: boolean): [Node, number] | null {
    const { lines } = this.page();
    this.count(lines);
    const wanted = end ? index - 1 : index;
    let low = 0;
    let high = lines.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] ?? 0) <= wanted) low = middle;
      else high = middle - 1;
    }
    const line = lines[low];
    return line ? within(line.node, index - (this.starts[low] ?? 0)) : null;
  }

  private count(lines: readonly Line[]): void {
    if (this.of === lines) return;
    this.of = lines;
    this.starts = [];
    let at = 0;
    for (const line of lines) {
      this.starts.push(at);
      at += line.length;
    }
  }
}

/** The text node of a line, and the place in it, of an offset. */
function within(line: Node, offset: number): [Node, number] | null {
  const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
  let left = offset;
  let last: Node | null = null;
  while (walker.nextNode()) {
    const node = walker.currentNode as Text;
    if (left <= node.length) return [node, left];
    left -= node.length;
    last = node;
  }
  return last ? [last, (last as Text).length] : null;
}
