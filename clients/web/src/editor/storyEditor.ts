// The writing surface of a room: Quill, its binding to the shared text, and the carets upon it.

import { computed, effect, type Signal, signal, untracked } from "@preact/signals";
import Quill, { Delta } from "quill/core.js";
import {
  createAbsolutePositionFromRelativePosition,
  createRelativePositionFromTypeIndex,
  type RelativePosition,
} from "yjs";
import { loadAids, saveAids } from "../room/keep";
import type { Room } from "../room/room";
import { storyOf } from "../room/story";
import { WritingAids } from "./aids";
import { Binding } from "./binding";
import { caretsOf } from "./carets";
import { CursorLayer } from "./cursors";
import type { Op, Span } from "./delta";
import type { Match } from "./find";
import { createQuill } from "./formats";
import { Highlights } from "./highlights";
import { countWords } from "./outline";
import { commentsAt, type Passages } from "./passages";
import { elementsOf } from "./script";
import { Spots } from "./spots";

export interface ActiveFormats {
  bold: boolean;
  italic: boolean;
  header: number;
  list: string;
  blockquote: boolean;
}

const PLAIN: ActiveFormats = { bold: false, italic: false, header: 0, list: "", blockquote: false };

export class StoryEditor {
  readonly formats: Signal<ActiveFormats> = signal(PLAIN);
  /** The suggested or struck words that the caret stands in. */
  readonly suggestionAtCaret = signal<Element | null>(null);
  readonly words = signal(0);
  readonly selected = signal(0);
  /** The text, one UTF-16 unit for each place of it. */
  readonly plainText = signal("");
  /** The text with its formats, as a delta of inserts. */
  readonly lines = signal<readonly Op[]>([]);
  private readonly quill: Quill;
  private readonly cursors: CursorLayer;
  /** Where the comments' passages stand. */
  readonly passages = computed<Passages>(() =>
    this.lines.value && this.hasPassages() ? (this.binding?.passages() ?? new Map()) : new Map(),
  );
  /** Whether a comment on what is selected is being written. */
  readonly commenting = signal(false);
  readonly highlights: Highlights;
  /** Where the model's tokens stand. */
  readonly spots: Spots;
  readonly aids: WritingAids;
  private binding: Binding | null = null;
  private modelName = "";
  private pointing = false;
  private place: { anchor: RelativePosition; head: RelativePosition } | null = null;
  private readonly stops: (() => void)[] = [];

  constructor(
    host: HTMLElement,
    private readonly room: Room,
    labels: { placeholder: string; placeholderReading: string; label: string; model: string },
  ) {
    this.quill = createQuill(host, {
      undo: () => room.steps.back("story"),
      redo: () => room.steps.again("story"),
    });
    const { root } = this.quill;
    root.setAttribute("role", "textbox");
    root.setAttribute("aria-multiline", "true");
    root.setAttribute("aria-label", labels.label);
    root.dataset.home = "";
    this.cursors = new CursorLayer(this.quill);
    this.spots = new Spots(this.quill, room.tokens, () => this.lines.peek());
    this.aids = new WritingAids(this.quill, { load: loadAids, save: saveAids });
    this.highlights = new Highlights(this.quill);
    this.quill.on("selection-change", () => this.onSelection());
    root.addEventListener("pointerdown", () => {
      this.pointing = true;
    });
    root.addEventListener("focus", () => this.onFocus());
    root.addEventListener("blur", () => this.catchUp());
    root.addEventListener("click", (event) => this.onClick(event));
    // A format that is chosen with a key, for what comes next, is no change of the text.
    root.addEventListener("keyup", () => this.readFormats());
    this.stops.push(
      effect(() => this.bind()),
      effect(() => {
        const enabled = room.entered.value && !room.frozen.value && canWrite(room);
        // A page that may not be written in takes no more words, not even those being composed.
        if (!enabled) untracked(() => this.binding?.settle());
        this.quill.enable(enabled);
      }),
      effect(() => {
        const reading = room.me.value?.role === "viewer";
        root.dataset.placeholder = reading ? labels.placeholderReading : labels.placeholder;
      }),
      effect(() => this.showCursors(labels.model)),
      effect(() => this.showPassages()),
      effect(() => this.showScript()),
      effect(() => this.showStep()),
    );
  }

  destroy(): void {
    for (const stop of this.stops) stop();
    this.binding?.destroy();
    this.cursors.destroy();
    this.aids.destroy();
    this.highlights.clear();
  }

  focus(): void {
    this.quill.focus();
  }

  selectedText(): string {
    const { start, end } = this.range();
    return this.plainText.peek().slice(start, end).split("\n")[0] ?? "";
  }

  /** Brings a place into view and selects it. */
  reveal(index: number, length: number): void {
    this.quill.setSelection(index, length, "user");
    this.quill.scrollSelectionIntoView();
  }

  /** Brings a place into view; the selection and the focus stay. */
  bringIntoView(index: number): void {
    const [leaf] = this.quill.getLeaf(index + 1);
    const node = leaf?.domNode;
    const element = node instanceof Element ? node : node?.parentElement;
    element?.scrollIntoView({ block: "center" });
  }

  /** Marks what was found; `current` is the one to stand out. */
  showMatches(matches: readonly Match[], current: number): void {
    const here = matches[current];
    this.highlights.show(
      "found",
      matches.filter((match) => match !== here),
    );
    this.highlights.show("found-here", here ? [here] : []);
  }

  /** The selection in the window; null when nothing is selected. */
  selectionBox(): DOMRect | null {
    const { start, end } = this.range();
    return end > start ? this.spots.box(start, end - start) : null;
  }

  /** The passage under a point that a run wants to change for one reason: a single correction. */
  correctionAt(run: string, marked: Element): { start: number; end: number } | null {
    const blot = Quill.find(marked, true);
    if (!blot || blot instanceof Quill) return null;
    const at = this.quill.getIndex(blot);
    const reason = marked.getAttribute("data-reason");
    let start = 0;
    let end = 0;
    let index = 0;
    for (const op of this.lines.peek()) {
      const length = typeof op.insert === "string" ? op.insert.length : 1;
      const marks = op.attributes;
      const of = marks?.suggest === run || marks?.suggest_del === run;
      if (of && (marks.reason ?? null) === reason) {
        if (end < index) start = index;
        end = index + length;
      } else if (end > at) break;
      index += length;
    }
    return end > at ? { start, end } : null;
  }

  /** One edit: every match becomes `text`, in the formats of what stood there. */
  replaceMatches(matches: readonly Match[], text: string): void {
    this.binding?.settle();
    const delta = new Delta();
    let at = 0;
    for (const { index, length } of matches) {
      delta.retain(index - at);
      if (text) delta.insert(text, this.quill.getFormat(index, Math.max(1, length)));
      delta.delete(length);
      at = index + length;
    }
    this.quill.updateContents(delta, "user");
  }

  /** Inserts a delta of inserts where the caret is, as this person's own words. */
  insert(ops: readonly Op[]): void {
    this.binding?.settle();
    const { end } = this.range();
    const delta = new Delta(ops as Delta["ops"]);
    this.quill.updateContents(new Delta().retain(end).concat(delta), "user");
    this.quill.setSelection(end + delta.length(), 0, "user");
  }

  /** Toggles a format at the selection, as the toolbar and the keyboard do. */
  toggle(name: keyof ActiveFormats, value: boolean | number | string): void {
    this.binding?.settle();
    this.quill.focus();
    const active = this.formats.value[name] === value;
    this.quill.format(name, active ? false : value, "user");
    this.readFormats();
  }

  /** The selection, or the caret, or the end of the text: where a request to the AI applies. */
  range(): { start: number; end: number } {
    if (this.quill.hasFocus()) this.catchUp();
    const end = storyOf(this.room.doc.value).length;
    const anchor = this.resolve(this.place?.anchor) ?? end;
    const head = this.resolve(this.place?.head) ?? end;
    return { start: Math.min(anchor, head), end: Math.max(anchor, head) };
  }

  private bind(): void {
    const doc = this.room.doc.value;
    // Filling the editor reads other signals; only another document is a reason to bind anew.
    untracked(() => {
      this.binding?.destroy();
      this.place = null;
      this.binding = new Binding(this.quill, storyOf(doc), {
        allows: (units) => this.allows(units),
        maxUpdateBytes: () => this.room.maxUpdateBytes,
        hasPassages: () => untracked(() => this.hasPassages()),
        as: (step, edit) => this.room.steps.as(step, edit),
        onChange: () => this.onText(),
        onRepair: (what) => console.error(`The page was built anew from the text: ${what}.`),
      });
      this.onText();
    });
  }

  /** A step that was taken back, or done again: the caret goes there, and the page where that is out of sight. */
  private showStep(): void {
    const acted = this.room.steps.acted.value;
    if (acted?.surface !== "story" || !acted.range) return;
    const { end } = acted.range;
    untracked(() => {
      this.binding?.part();
      const at = Math.min(end, this.quill.getLength() - 1);
      if (this.quill.hasFocus()) this.quill.setSelection(at, 0, "user");
      else this.bringIntoView(at);
    });
  }

  private allows(units: number): boolean {
    // The document's encoding holds about two bytes for a character, and its history.
    if ((storyOf(this.room.doc.peek()).length + units) * 2 < this.room.maxDocument) return true;
    this.room.notices.add("too_large");
    return false;
  }

  /** The shared text and Quill's are the same again. */
  private onText(): void {
    this.lines.value = this.quill.getContents().ops as Op[];
    // An embed is one unit of the text; Quill leaves it out of its plain text.
    const text = this.lines.value
      .map((op) => (typeof op.insert === "string" ? op.insert : "\ufffc"))
      .join("");
    this.plainText.value = text;
    this.words.value = countWords(text);
    this.showCursors();
    // Quill moves the caret after it has told of a change (of an Enter, of a paste), and says nothing of it.
    queueMicrotask(() => this.onSelection());
  }

  /** Quill tells of a selection that was moved a moment later (a timer); a key that asks for something may come first. */
  private catchUp(): void {
    untracked(() => this.quill.getSelection());
  }

  /** Only after the shared text has followed: indices are carried over to it. */
  private onSelection(): void {
    // What is being composed is in nobody's text yet.
    if (this.binding?.composing) return;
    const range = this.quill.getSelection();
    if (range) {
      const text = storyOf(this.room.doc.peek());
      const at = (index: number) => createRelativePositionFromTypeIndex(text, Math.min(index, text.length));
      this.place = { anchor: at(range.index), head: at(range.index + range.length) };
      this.selected.value = range.length;
      this.readFormats();
    } else {
      this.suggestionAtCaret.value = null;
    }
    this.aids.follow();
    this.room.showing.setCursor(range ? this.place : null);
  }

  private hasPassages(): boolean {
    return this.room.comments.all.value.length > 0;
  }

  /** A click on a passage opens what was said about it. */
  private onClick({ clientX, clientY }: MouseEvent): void {
    const index = this.selected.peek() > 0 ? null : this.spots.indexAt(clientX, clientY);
    const marked = index === null ? [] : commentsAt(this.passages.peek(), index + 1);
    const open = this.room.comments.all.peek().find((each) => !each.resolved && marked.includes(each.id));
    if (open) this.room.comments.open.value = open.id;
  }

  /** Passages of what is not resolved; the open thread's, and one that is being made, stand out. */
  private showPassages(): void {
    const { all, open } = this.room.comments;
    const shown = all.value.filter((each) => !each.resolved || each.id === open.value);
    const spans = (id: string): readonly Span[] => this.passages.value.get(id) ?? [];
    const { start, end } = this.commenting.value ? this.range() : { start: 0, end: 0 };
    const chosen = shown.filter((each) => each.id === open.value).flatMap((each) => spans(each.id));
    this.highlights.show(
      "commented",
      shown.filter((each) => each.id !== open.value).flatMap((each) => spans(each.id)),
    );
    this.highlights.show(
      "commented-open",
      end > start ? [...chosen, { index: start, length: end - start }] : chosen,
    );
  }

  /** In a script every line is shown as what it is. */
  private showScript(): void {
    const script = this.room.settings.form.value === "screenplay";
    const text = this.plainText.value;
    const elements = script ? elementsOf(text.split("\n")) : [];
    this.quill.root.classList.toggle("script", script);
    for (const [index, line] of this.quill.getLines().entries()) {
      const node = line.domNode as HTMLElement;
      const element = elements[index];
      if (node.dataset.element === element) continue;
      if (element) node.dataset.element = element;
      else delete node.dataset.element;
    }
  }

  private readFormats(): void {
    const range = this.quill.getSelection();
    if (!range) return;
    const formats = this.quill.getFormat(range);
    this.formats.value = {
      bold: formats.bold === true,
      italic: formats.italic === true,
      header: typeof formats.header === "number" ? formats.header : 0,
      list: typeof formats.list === "string" ? formats.list : "",
      blockquote: formats.blockquote === true,
    };
    const marked = formats.suggest !== undefined || formats.suggest_del !== undefined;
    const leaf = marked ? this.quill.getLeaf(range.index)[0]?.domNode : null;
    this.suggestionAtCaret.value = leaf?.parentElement?.closest("[data-suggest], [data-suggest-del]") ?? null;
  }

  /** The keyboard comes back to where the caret was; the pointer says itself where it wants to be. */
  private onFocus(): void {
    const place = this.place;
    const pointing = this.pointing;
    this.pointing = false;
    const anchor = this.resolve(place?.anchor);
    const head = this.resolve(place?.head);
    if (pointing || anchor === null || head === null) return;
    this.quill.setSelection(anchor, head - anchor, "silent");
  }

  private showCursors(model = this.modelName): void {
    this.modelName = model;
    const written = (run: string) => this.binding?.written.get(run);
    this.cursors.show(caretsOf(this.room, model, written, (position) => this.resolve(position)));
  }

  private resolve(position: RelativePosition | undefined): number | null {
    if (!position) return null;
    try {
      const doc = this.room.doc.peek();
      const found = createAbsolutePositionFromRelativePosition(position, doc);
      return found?.type === storyOf(doc) ? found.index : null;
    } catch {
      return null; // a peer's position that points nowhere
    }
  }
}

function canWrite(room: Room): boolean {
  const role = room.me.value?.role;
  return role === "owner" || role === "editor";
}
