// The lines of a long text are in groups of about a hundred. The browser lays out and paints only the groups near the
// window (`content-visibility`, in the style sheet), and Quill finds a place without a walk over all lines. A short text
// has no groups. Group boundaries have no meaning: they change neither what is shown nor what is shared.

import Block, { BlockEmbed } from "quill/blots/block.js";
import Container from "quill/blots/container.js";
import Editor from "quill/core/editor.js";
import type { Delta, Parchment } from "quill/core.js";

/** One line of the page, its line end included. The same object as long as the line is the same. */
export interface Line {
  readonly delta: Delta;
  readonly length: number;
  readonly node: HTMLElement;
}

/** Lines of a new group. A list is one of them. */
const SIZE = 100;
/** A larger group is split. */
const MOST = 250;
/** So many lines in a row without a group are grouped. */
const LONG = 400;
/** A glyph is about so wide, in parts of the size of the font: enough to guess how high a group is. */
const GLYPH = 0.47;

type Item = Parchment.Blot & { domNode: HTMLElement };

export class LineGroup extends Container {
  static override blotName = "line-group";
  static override tagName = "LINE-GROUP";
  static override allowedChildren = [Block, BlockEmbed, Container];
  /** The lines as last read; null when something in the group has changed since. */
  lines: readonly Line[] | null = null;
  private units = -1;
  private checked = false;

  constructor(scroll: Parchment.Root) {
    super(scroll, document.createElement("line-group"));
  }

  /** A line of the group was changed, added or removed. */
  touch(): void {
    this.lines = null;
    this.units = -1;
  }

  override length(): number {
    if (this.units < 0) this.units = super.length();
    return this.units;
  }

  override checkMerge(): boolean {
    return false;
  }

  override insertBefore(blot: Parchment.Blot, ref?: Parchment.Blot | null): void {
    this.checked = false;
    super.insertBefore(blot, ref);
    this.touch();
  }

  override removeChild(blot: Parchment.Blot): void {
    super.removeChild(blot);
    this.touch();
  }

  override optimize(context: Parameters<Container["optimize"]>[0]): void {
    super.optimize(context);
    this.touch();
  }

  /** Quill asks at every edit; the kinds of the lines change only when some come. */
  override enforceAllowedChildren(): void {
    if (this.checked) return;
    this.checked = true;
    super.enforceAllowedChildren();
  }

  /** Copies only the lines of a group. */
  html(index: number, length: number): string {
    const lines = Object.create(this, {
      html: { value: undefined },
      // Quill writes a part of a single line without its element, which is right for a whole selection only.
      line: { value: () => [{ length: () => -1 }, 0] },
    });
    return Editor.prototype.getHTML.call({ scroll: lines } as Editor, index, length);
  }

  /** Inserts in the middle of a group: see `PageScroll.insertBefore`. */
  override split(index: number): Parchment.Blot | null {
    if (index === 0) return this;
    if (index >= this.length()) return this.next;
    const [child, offset] = this.children.find(index);
    return child?.split(offset) ?? this.next;
  }
}

/** Methods of lines that invalidate what Quill has cached of them. */
const CHANGES = [
  ...["deleteAt", "formatAt", "insertAt", "insertBefore", "moveChildren"],
  ...["optimize", "remove", "removeChild", "split"],
] as const;

/** The same kind of line, which tells its group when it changes. */
export function telling<T extends new (...args: never[]) => object>(Kind: T): T {
  const Told = class extends (Kind as unknown as new (...args: unknown[]) => object) {};
  for (const name of CHANGES) {
    const original = (Kind.prototype as Record<string, (...args: unknown[]) => unknown>)[name];
    if (!original) continue;
    Object.defineProperty(Told.prototype, name, {
      configurable: true,
      writable: true,
      value(this: Block, ...args: unknown[]) {
        const before = groupOf(this);
        const result = original.apply(this, args);
        before?.touch();
        groupOf(this)?.touch();
        return result;
      },
    });
  }
  return Told as unknown as T;
}

function groupOf(blot: Parchment.Blot): LineGroup | null {
  let found: Parchment.Blot | null = blot;
  while (found && !(found instanceof LineGroup)) found = found.parent;
  return found;
}

/** The item of the page before or after another one, in any group. */
export function beside(item: Parchment.Blot, way: "prev" | "next"): Parchment.Blot | null {
  if (item[way] || !(item.parent instanceof LineGroup)) return inner(item[way], way);
  return inner(item.parent[way], way);
}

function inner(found: Parchment.Blot | null, way: "prev" | "next"): Parchment.Blot | null {
  if (!(found instanceof LineGroup)) return found;
  return way === "prev" ? found.children.tail : found.children.head;
}

/**
 * Puts lines into groups, cuts groups that have grown, and takes the groups of a short text away. Lines that the
 * selection begins or ends in stay where they are: a node that is moved loses it. True when something was done.
 * `face` is from before the lines came: to ask for it lays all lines out.
 */
export function arrange(scroll: Parchment.ScrollBlot, face: Face): boolean {
  const held = heldItems(scroll);
  const items = childrenOf(scroll);
  const groups = items.filter((item) => item instanceof LineGroup);
  let done = false;
  if (groups.length > 0 && groups.reduce((sum, group) => sum + group.children.length, items.length) < SIZE) {
    for (const group of groups) if (!childrenOf(group).some((item) => held.has(item))) done = open(group);
    return done;
  }
  for (const group of groups) if (group.children.length > MOST) done = cut(scroll, group, held, face) || done;
  let row: Item[] = [];
  const end = () => {
    if (row.length > (groups.length > 0 ? SIZE : LONG)) done = gather(scroll, row, face) || done;
    row = [];
  };
  for (const item of items) {
    if (item instanceof LineGroup || held.has(item)) end();
    else row.push(item);
  }
  end();
  return done;
}

/**
 * Two lists that meet at the edge of a group become one, as they do elsewhere: their numbers go on. The caller puts the
 * selection back. True when something was done.
 */
export function joinLists(scroll: Parchment.ScrollBlot): boolean {
  let done = false;
  for (const item of childrenOf(scroll)) {
    if (!(item instanceof LineGroup || item.prev instanceof LineGroup)) continue;
    const list = item instanceof LineGroup ? item.children.head : item;
    const before = list && beside(list, "prev");
    if (!isList(list) || !isList(before)) continue;
    (list as Parchment.ParentBlot).moveChildren(before as Parchment.ParentBlot);
    list.remove();
    if (item instanceof LineGroup && item.children.length === 0) item.remove();
    groupOf(before)?.touch();
    done = true;
  }
  return done;
}

const childrenOf = (parent: Parchment.ParentBlot): Item[] => {
  const found: Item[] = [];
  for (let child = parent.children.head; child; child = child.next) found.push(child as Item);
  return found;
};

/** The items that contain the ends of the selection. */
function heldItems(scroll: Parchment.ScrollBlot): Set<Parchment.Blot> {
  const held = new Set<Parchment.Blot>();
  const selection = document.getSelection();
  for (const node of [selection?.anchorNode, selection?.focusNode]) {
    let blot = node && scroll.domNode.contains(node) ? scroll.find(node, true) : null;
    while (blot && blot.parent !== scroll && !(blot.parent instanceof LineGroup)) blot = blot.parent;
    if (blot) held.add(blot);
  }
  return held;
}

function open(group: LineGroup): true {
  group.unwrap();
  return true;
}

/** Moves lines of a group with too many into groups before and after it. */
function cut(
  scroll: Parchment.ScrollBlot,
  group: LineGroup,
  held: ReadonlySet<Parchment.Blot>,
  face: Face,
): boolean {
  const items = childrenOf(group);
  const first = items.findIndex((item) => held.has(item));
  const last = items.findLastIndex((item) => held.has(item));
  const before = first < 0 ? [] : items.slice(0, Math.max(0, first - SIZE / 2));
  const behind = items.slice(first < 0 ? SIZE : last + 1 + SIZE / 2);
  if (before.length + behind.length < SIZE / 2) return false;
  const { next } = group;
  gather(scroll, before, face, group);
  gather(scroll, behind, face, next);
  measure(group, face);
  return true;
}

/** Puts items into new groups, where the first of them stands. */
function gather(
  scroll: Parchment.ScrollBlot,
  items: readonly Item[],
  face: Face,
  ref: Parchment.Blot | null = items.at(-1)?.next ?? null,
): boolean {
  for (let at = 0; at < items.length; ) {
    let end = at + SIZE;
    // A short rest goes along; and two lists that follow each other count as one, so they are not parted.
    if (items.length - end < SIZE / 2) end = items.length;
    while (end < items.length && isList(items[end - 1]) && isList(items[end])) end += 1;
    const group = new LineGroup(scroll);
    for (const item of items.slice(at, end)) group.appendChild(item);
    scroll.insertBefore(group, ref);
    measure(group, face);
    at = end;
  }
  return items.length > 0;
}

const isList = <T extends Parchment.Blot>(item: T | null | undefined): item is T =>
  item?.statics.blotName === "list-container";

/** Guesses how high a group is, for as long as the browser has not laid it out. */
function measure(group: LineGroup, { width, line, size }: Face): void {
  const letters = Math.max(10, width / (size * GLYPH));
  let height = 0;
  for (const item of childrenOf(group))
    height += Math.ceil(Math.max(1, item.length() - 1) / letters) * line + size * 0.55;
  group.domNode.style.setProperty("contain-intrinsic-block-size", `auto ${Math.round(height)}px`);
}

/** What a guess needs to know, in pixels: how wide the text is, how high a line and how large the font. */
export interface Face {
  width: number;
  line: number;
  size: number;
}

export function faceOf(root: HTMLElement): Face {
  const style = getComputedStyle(root);
  const number = (value: string) => Number.parseFloat(value) || 0;
  const padding = number(style.paddingInlineStart) + number(style.paddingInlineEnd);
  const size = number(style.fontSize) || 16;
  return {
    width: Math.max(0, root.clientWidth - padding),
    line: number(style.lineHeight) || size * 1.7,
    size,
  };
}
