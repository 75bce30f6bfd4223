// The writing surface of a room: Quill, its binding to the shared text, and the carets upon it.

import { computed, effect, type Signal, signal, untracked } from "@preact/signals";
import Quill, { Delta } from "quill/core.js";
import {
  createAbsolutePositionFromRelativePosition,
  createRelativePositionFromTypeIndex,
  type RelativePosition,
} from "yjs";
import { type Op, type Span, shown } from "../room/document/delta";
import { storyOf } from "../room/document/document";
import type { Room } from "../room/room";
import { loadAids, saveAids } from "../room/storage/browserStorage";
import { Binding } from "./binding/binding";
import { createQuill } from "./binding/formats";
import type { LineEditor } from "./binding/lineEditor";
import { watchAutoFormat } from "./input/autoFormat";
import { shiftLevel, watchBeforeInput } from "./input/beforeInput";
import { watchDragging } from "./input/dragging";
import { keyOf } from "./input/keyOf";
import { Linking } from "./input/linking";
import { type TextLine, textLines, wordsIn } from "./outline";
import { CaretFollowing } from "./overlay/caretFollowing";
import { caretsOf } from "./overlay/carets";
import { CursorLayer } from "./overlay/cursors";
import { Highlights } from "./overlay/highlights";
import { bringIntoView } from "./overlay/scrollIntoView";
import { TextPositions } from "./overlay/textPositions";
import { TokenPositions } from "./overlay/tokenPositions";
import { WritingAids } from "./overlay/writingAids";
import { CompletionList } from "./script/completionList";
import { elementsOf } from "./script/script";
import type { Match } from "./text/find";
import { commentsAt, type Passages } from "./text/passages";

export interface ActiveFormats {
  bold: boolean;
  italic: boolean;
  underline: boolean;
  strike: boolean;
  header: number;
  list: string;
  blockquote: boolean;
}

const PLAIN: ActiveFormats = {
  bold: false,
  italic: false,
  underline: false,
  strike: false,
  header: 0,
  list: "",
  blockquote: false,
};
/** Above this many units what is made of the whole text waits until nobody types. */
const LONG = 30_000;
const REST_MS = 300;
/** While somebody types on and on it is made all the same, after so long. */
const MOST_MS = 3000;

export class StoryEditor {
  readonly formats: Signal<ActiveFormats> = signal(PLAIN);
  /** The suggested or struck words that the caret stands in. */
  readonly suggestionAtCaret = signal<Element | null>(null);
  readonly selected = signal(0);
  /** Counts the changes of the text; of a long one only when it rests. What is made of the whole text hangs on it. */
  readonly rested = signal(0);
  readonly textLines = computed<readonly TextLine[]>(() => {
    this.rested.value;
    return textLines(this.page.lines);
  });
  readonly words = computed(() => wordsIn(this.textLines.value));
  /** The text, one UTF-16 unit for each place of it. */
  readonly plainText = computed(() => {
    this.rested.value;
    return shown(this.binding?.plain ?? "");
  });
  readonly linking: Linking;
  private readonly quill: Quill;
  private readonly cursors: CursorLayer;
  /** Where the comments' passages stand. */
  readonly passages = computed<Passages>(() =>
    this.rested.value >= 0 && this.hasPassages() ? (this.binding?.passages() ?? new Map()) : new Map(),
  );
  /** Whether a comment on what is selected is being written. */
  readonly commenting = signal(false);
  readonly highlights: Highlights;
  /** Where the model's tokens stand. */
  readonly spots: TokenPositions;
  readonly aids: WritingAids;
  private readonly completions: CompletionList;
  private binding: Binding | null = null;
  private modelName = "";
  private pointing = false;
  private place: { anchor: RelativePosition; head: RelativePosition } | null = null;
  private readonly stops: (() => void)[] = [];
  private readonly events = new AbortController();
  private readonly following: CaretFollowing;
  private rest: ReturnType<typeof setTimeout> | undefined;
  private restless = 0;
  private scripted = false;

  constructor(
    host: HTMLElement,
    private readonly room: Room,
    labels: {
      placeholder: string;
      placeholderReading: string;
      label: string;
      model: string;
      completions: string;
    },
  ) {
    this.quill = createQuill(host, {
      undo: () => room.undoSteps.back("story"),
      redo: () => room.undoSteps.again("story"),
    });
    this.quill.scrollRectIntoView = (box) => bringIntoView(this.quill.root, box);
    const { root } = this.quill;
    root.setAttribute("role", "textbox");
    root.setAttribute("aria-multiline", "true");
    root.setAttribute("aria-label", labels.label);
    root.dataset.home = "";
    this.cursors = new CursorLayer(this.quill);
    this.spots = new TokenPositions(this.quill, room.tokens, () => this.contents());
    this.aids = new WritingAids(this.quill, { load: loadAids, save: saveAids });
    // First: while the list is open, its keys are its own.
    this.completions = new CompletionList(this.quill, {
      active: () => room.settings.form.peek() === "screenplay" && this.quill.isEnabled(),
      label: labels.completions,
    });
    this.highlights = new Highlights(new TextPositions(() => this.page));
    this.linking = new Linking(this.quill);
    this.following = new CaretFollowing(this.quill, {
      written: (run) => this.resolve(this.binding?.written.get(run)),
      place: () => this.resolve(this.place?.head),
      setPlace: (index) => this.setPlace(index, index),
    });
    const { signal: open } = this.events;
    watchAutoFormat(
      this.quill,
      {
        on: () => this.aids.on.peek().signs,
        script: () => room.settings.form.peek() === "screenplay",
        language: () => document.documentElement.lang || navigator.language,
      },
      open,
    );
    watchBeforeInput(this.quill, () => this.binding?.restore(), open);
    watchDragging(this.quill, open);
    root.addEventListener("keydown", (event) => this.onKey(event), { capture: true, signal: open });
    this.quill.on("selection-change", () => this.onSelection());
    root.addEventListener("pointerdown", () => {
      this.pointing = true;
    });
    root.addEventListener("focus", () => this.onFocus());
    root.addEventListener("blur", () => this.catchUp());
    root.addEventListener("click", (event) => this.onClick(event));
    // A format that is chosen with a key, for what comes next, is no change of the text.
    root.addEventListener("keyup", (event) => {
      if (event.ctrlKey || event.metaKey || event.key.length > 1) this.readFormats();
    });
    this.stops.push(
      effect(() => this.bind()),
      effect(() => {
        const enabled = room.entered.value && !room.frozen.value && canWrite(room);
        // A page that may not be written in takes no more words, not even those being composed.
        if (!enabled) untracked(() => this.binding?.settle());
        this.quill.enable(enabled);
      }),
      effect(() => {
        const reading = room.members.me.value?.role === "viewer";
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
    this.events.abort();
    clearTimeout(this.rest);
    this.binding?.destroy();
    this.cursors.destroy();
    this.aids.destroy();
    this.completions.destroy();
    this.highlights.clear();
  }

  focus(): void {
    this.quill.focus();
  }

  /** To the first line, from the title above it. */
  focusStart(): void {
    this.quill.setSelection(0, 0, "user");
  }

  /** The text has got less or more room: what is being written stays in view. */
  keepInView(): void {
    if (this.quill.hasFocus()) this.quill.scrollSelectionIntoView();
  }

  /** What stands before the place of a request, at most so many units. */
  before(units: number): string {
    const { end } = this.range();
    return this.binding?.plain.slice(Math.max(0, end - units), end) ?? "";
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
    for (const op of this.contents()) {
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
        as: (step, edit) => this.room.undoSteps.as(step, edit),
        onChange: (ops) => this.onText(ops),
        onRepair: (what) => console.error(`The page was built anew from the text: ${what}.`),
      });
      this.onText(null);
    });
  }

  /** A step that was taken back, or done again: the caret goes there, and the page where that is out of sight. */
  private showStep(): void {
    const acted = this.room.undoSteps.acted.value;
    if (acted?.surface !== "story" || !acted.range) return;
    const { end } = acted.range;
    untracked(() => {
      this.binding?.part();
      const at = Math.min(end, this.quill.getLength() - 1);
      if (this.quill.hasFocus()) this.quill.setSelection(at, 0, "user");
      else this.bringIntoView(at);
    });
  }

  /** The text with its formats, as a delta of inserts. */
  private contents(): readonly Op[] {
    return this.quill.getContents().ops as Op[];
  }

  private get page(): LineEditor {
    return this.quill.editor as LineEditor;
  }

  private allows(units: number): boolean {
    // The document's encoding holds about two bytes for a character, and its history.
    if ((storyOf(this.room.doc.peek()).length + units) * 2 < this.room.maxDocument) return true;
    this.room.notices.add("too_large");
    return false;
  }

  /** The shared text and Quill's are the same again; `ops` are another's, null means our own. */
  private onText(ops: readonly Op[] | null): void {
    if (this.binding && this.binding.plain.length > LONG) this.later();
    else this.rested.value = this.rested.peek() + 1;
    this.following.changed(ops);
    this.showCursors();
    // Quill moves the caret after it has told of a change (of an Enter, of a paste), and says nothing of it.
    // Without the focus its caret is an old one: the place goes along with the text, or with a run.
    queueMicrotask(() => this.quill.hasFocus() && this.onSelection());
    if (!ops && this.quill.hasFocus())
      requestAnimationFrame(() => this.quill.hasFocus() && this.quill.scrollSelectionIntoView());
  }

  private later(): void {
    clearTimeout(this.rest);
    this.restless ||= performance.now();
    const made = () => {
      this.restless = 0;
      this.rested.value = this.rested.peek() + 1;
    };
    const most = Math.max(0, this.restless + MOST_MS - performance.now());
    this.rest = setTimeout(made, Math.min(REST_MS, most));
  }

  /** The model writes this run where the caret is. */
  follow(run: string): void {
    this.following.begin(run);
  }

  private onKey(event: KeyboardEvent): void {
    if (event.isComposing || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    const letter = keyOf(event);
    const done = () => {
      event.preventDefault();
      event.stopPropagation();
    };
    if (!event.shiftKey && letter === "k") {
      done();
      if (this.quill.isEnabled()) this.linking.dialogOpen.value = true;
    } else if (event.shiftKey && letter === "x") {
      done();
      this.toggle("strike", true);
    } else if (!event.shiftKey && (letter === "[" || letter === "]")) {
      done();
      shiftLevel(this.quill, letter === "]" ? 1 : -1);
    } else if (!event.shiftKey && ({ b: 1, i: 1, u: 1 } as Record<string, number>)[letter]) {
      done();
      this.toggle(letter === "b" ? "bold" : letter === "i" ? "italic" : "underline", true);
    }
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
      this.setPlace(range.index, range.index + range.length);
      this.selected.value = range.length;
      this.readFormats(range);
    } else {
      this.suggestionAtCaret.value = null;
    }
    this.aids.follow();
    this.room.presenceSender.setCursor(range ? this.place : null);
  }

  private setPlace(anchor: number, head: number): void {
    const text = storyOf(this.room.doc.peek());
    const at = (index: number) => createRelativePositionFromTypeIndex(text, Math.min(index, text.length));
    this.place = { anchor: at(anchor), head: at(head) };
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
    const elements = script ? elementsOf(this.textLines.value.map((line) => line.text)) : [];
    this.quill.root.classList.toggle("script", script);
    if (!script && !this.scripted) return;
    this.scripted = script;
    for (const [index, { node }] of this.page.lines.entries()) {
      const element = elements[index];
      if (node.dataset.element === element) continue;
      if (element) node.dataset.element = element;
      else delete node.dataset.element;
    }
  }

  private readFormats(range = this.quill.getSelection()): void {
    if (!range) return;
    const formats = this.quill.getFormat(range);
    const now: ActiveFormats = {
      bold: formats.bold === true,
      italic: formats.italic === true,
      underline: formats.underline === true,
      strike: formats.strike === true,
      header: typeof formats.header === "number" ? formats.header : 0,
      list: typeof formats.list === "string" ? formats.list : "",
      blockquote: formats.blockquote === true,
    };
    const before = this.formats.peek();
    const names = Object.keys(now) as (keyof ActiveFormats)[];
    if (names.some((name) => now[name] !== before[name])) this.formats.value = now;
    this.linking.read(range);
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
  const role = room.members.me.value?.role;
  return role === "owner" || role === "editor";
}
