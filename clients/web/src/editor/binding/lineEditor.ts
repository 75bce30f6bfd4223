// Quill's editor, by lines. Quill's own reads and compares the whole text after every change, so that a key in a novel
// takes time in proportion to the novel; this one reads only the lines that are not the same objects as before.

import type Block from "quill/blots/block.js";
import Editor from "quill/core/editor.js";
import { Delta, type Parchment, type Range } from "quill/core.js";
import type { Op } from "../../room/document/delta";
import { firstPart, isLarge } from "../text/slices";
import { arrange, faceOf, joinLists, type Line, LineGroup } from "./lineGroups";

export type { Line };

/** What the last change replaced: `removed` units from `index` on by the lines [first, first + count). */
export interface Changed {
  index: number;
  removed: number;
  first: number;
  count: number;
}

interface Hints {
  oldRange: Range;
  newRange: Range;
}

/** An insertion of more lines than this is built in one piece. */
const MANY_LINES = 40;

export class LineEditor extends Editor {
  lines: readonly Line[] = [];
  changed: Changed = { index: 0, removed: 0, first: 0, count: 0 };
  private readonly known = new WeakMap<Block, Line>();
  private whole: { of: readonly Line[]; delta: Delta } | null = null;

  constructor(scroll: Editor["scroll"]) {
    super(scroll);
    // Quill asks for the text before every change, and rarely uses it.
    Object.defineProperty(this, "delta", { get: () => this.contents() });
    this.lines = this.read();
  }

  /** The text as a delta that is built when it is read. */
  private contents(): Delta {
    const { lines } = this;
    if (this.whole?.of !== lines) this.whole = { of: lines, delta: new Contents(lines) };
    return this.whole.delta;
  }

  override getContents(index: number, length: number): Delta {
    return slice(this.lines, index, index + length);
  }

  override applyDelta(delta: Delta): Delta {
    const large = largeInsertion(delta.ops as Op[]);
    if (!large) return super.applyDelta(delta);
    this.scroll.update();
    const inserted = new Delta(large.inserts as Delta["ops"]);
    // Insertions first: Quill cannot be without its last line end, not even for a moment.
    this.insertLines(large.index, inserted);
    if (large.deleted > 0) this.scroll.deleteAt(large.index + inserted.length(), large.deleted);
    return this.update(delta);
  }

  override insertContents(index: number, contents: Delta): Delta {
    if (!isLarge(contents)) return super.insertContents(index, contents);
    this.insertLines(index, contents);
    return this.update(new Delta().retain(index).concat(contents));
  }

  /** A group's worth at a time: for each line Quill looks through all that stand in one row. */
  private insertLines(index: number, contents: Delta): void {
    const face = faceOf(this.scroll.domNode);
    let at = index;
    let rest: Delta | null = contents;
    while (rest) {
      const { now, later } = firstPart(rest);
      this.scroll.insertContents(at, now);
      at += now.length();
      rest = later && new Delta(later.ops.slice(1));
      if (arrange(this.scroll, face)) this.scroll.observer.takeRecords();
    }
  }

  override update(change: Delta | null, _mutations: MutationRecord[] = [], hints?: Hints): Delta {
    const old = this.lines;
    // Quill restores the selection after an edit by its API.
    if (change && joinLists(this.scroll)) this.scroll.observer.takeRecords();
    const now = this.read();
    const most = Math.min(old.length, now.length);
    let first = 0;
    let index = 0;
    while (first < most && old[first] === now[first]) {
      index += (old[first] as Line).length;
      first += 1;
    }
    let kept = 0;
    while (kept < most - first && old[old.length - 1 - kept] === now[now.length - 1 - kept]) kept += 1;
    const gone = old.slice(first, old.length - kept);
    const come = now.slice(first, now.length - kept);
    this.lines = now;
    const removed = gone.reduce((sum, line) => sum + line.length, 0);
    this.changed = { index, removed, first, count: come.length };
    return changeBetween(joined(gone), joined(come), index, change, hints);
  }

  override isBlank(): boolean {
    const [line] = this.lines;
    return this.lines.length === 1 && line?.length === 1 && line.node.tagName === "P";
  }

  /** Puts the lines of a long text into groups; the text stays the same. */
  arrange(): void {
    this.scroll.update();
    // The lines are the same objects as before; these changes must not be read from the page.
    if (arrange(this.scroll, faceOf(this.scroll.domNode))) this.scroll.observer.takeRecords();
  }

  /** The present lines of the page; unchanged groups are not read. */
  private read(): Line[] {
    const found: Line[] = [];
    const lines = (parent: Parchment.ParentBlot, into: Line[]) => {
      for (let child = parent.children.head; child; child = child.next) {
        if (child instanceof LineGroup) {
          if (!child.lines) {
            const own: Line[] = [];
            lines(child, own);
            child.lines = own;
          }
          for (const line of child.lines) into.push(line);
        } else if ("delta" in child) into.push(this.line(child as unknown as Block));
        else if ("children" in child) lines(child as Parchment.ParentBlot, into);
      }
    };
    lines(this.scroll, found);
    return found;
  }

  private line(block: Block): Line {
    const known = this.known.get(block);
    const delta = block.delta();
    const node = (block as Parchment.BlockBlot).domNode as HTMLElement;
    if (known && known.delta === delta && known.node === node) return known;
    const made = { delta, length: delta.length(), node };
    this.known.set(block, made);
    return made;
  }
}

class Contents extends Delta {
  constructor(lines: readonly Line[]) {
    super();
    let ops: Delta["ops"] | null = null;
    Object.defineProperty(this, "ops", {
      get: () => {
        ops ??= joined(lines).ops;
        return ops;
      },
    });
  }
}

function joined(lines: readonly Line[]): Delta {
  const all = new Delta();
  for (const { delta } of lines) for (const op of delta.ops) all.push(op);
  return all;
}

function slice(lines: readonly Line[], start: number, end: number): Delta {
  const found: Line[] = [];
  let at = 0;
  let skipped = 0;
  for (const line of lines) {
    if (at >= end) break;
    if (at + line.length > start) found.push(line);
    else skipped += line.length;
    at += line.length;
  }
  return joined(found).slice(start - skipped, end - skipped);
}

/** The edit of the changed lines: the requested edit, if it explains them. */
function changeBetween(
  gone: Delta,
  come: Delta,
  index: number,
  change: Delta | null,
  hints: Hints | undefined,
): Delta {
  if (change && explains(change, gone, come, index)) return change;
  const moved = (range: Range) => ({ index: range.index - index, length: range.length });
  const cursor = hints && { oldRange: moved(hints.oldRange), newRange: moved(hints.newRange) };
  const usable = cursor && cursor.oldRange.index >= 0 && cursor.newRange.index >= 0;
  const diff = gone.diff(come, (usable ? cursor : undefined) as Parameters<Delta["diff"]>[1]);
  return new Delta().retain(index).concat(diff).chop();
}

function explains(change: Delta, gone: Delta, come: Delta, index: number): boolean {
  let [head, ...rest] = change.ops;
  if (index > 0) {
    if (typeof head?.retain !== "number" || head.attributes || head.retain < index) return false;
    const left = head.retain - index;
    head = left > 0 ? { retain: left } : undefined;
  }
  const inside = new Delta(head ? [head, ...rest] : rest);
  return gone.compose(inside).diff(come).length() === 0;
}

/** An edit that puts many lines into one place. */
function largeInsertion(ops: readonly Op[]): { index: number; deleted: number; inserts: Op[] } | null {
  const rest = [...ops];
  const head = rest[0];
  const index = typeof head?.retain === "number" && !head.attributes ? head.retain : 0;
  if (index > 0) rest.shift();
  const inserts = rest.filter((op) => op.insert !== undefined);
  const deleted = rest.reduce((sum, op) => sum + (op.delete ?? 0), 0);
  if (rest.some((op) => op.retain !== undefined)) return null;
  let lines = 0;
  for (const { insert } of inserts) if (typeof insert === "string") lines += insert.split("\n").length - 1;
  return lines > MANY_LINES ? { index, deleted, inserts } : null;
}
