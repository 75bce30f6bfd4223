// The editor of a room's story: Quill, its binding to the shared text, and carets.
//
// Over 350 lines: this file builds the parts of the editor and is what the interface calls. What the parts do is in
// `binding/`, `input/`, `overlay/`, `script/` and `text/`.

import { computed, effect, type ReadonlySignal, type Signal, signal, untracked } from "@preact/signals";
import Quill, { Delta, type Range } from "quill/core.js";
import type { Span } from "../room/document/delta";
import { type Op, shown } from "../room/document/delta";
import { storyOf } from "../room/document/document";
import type { Room } from "../room/room";
import { loadAids, saveAids } from "../room/storage/browserStorage";
import { Binding } from "./binding/binding";
import { createQuill } from "./binding/formats";
import type { LineEditor } from "./binding/lineEditor";
import { ChangeCounter } from "./changeCounter";
import { type ActiveFormats, activeFormats, sameFormats } from "./input/activeFormats";
import { watchAutoFormat } from "./input/autoFormat";
import { watchBeforeInput } from "./input/beforeInput";
import { watchDragging } from "./input/dragging";
import { Linking } from "./input/linking";
import { watchShortcuts } from "./input/shortcuts";
import { watchTextEnds } from "./input/textEnds";
import { type TextLine, textLines, wordsIn } from "./outline";
import { CaretFollowing } from "./overlay/caretFollowing";
import { CaretPlace } from "./overlay/caretPlace";
import { caretsOf } from "./overlay/carets";
import { CursorLayer } from "./overlay/cursors";
import { GapPreview } from "./overlay/gapPreview";
import { Highlights } from "./overlay/highlights";
import { MatchMarks } from "./overlay/matchMarks";
import { OddMarks, spanOf } from "./overlay/oddMarks";
import { PassageMarks } from "./overlay/passageMarks";
import { bringIntoView } from "./overlay/scrollIntoView";
import { TextPositions } from "./overlay/textPositions";
import { TokenPositions } from "./overlay/tokenPositions";
import { WritingAids } from "./overlay/writingAids";
import { CompletionList } from "./script/completionList";
import { ScriptLines } from "./script/scriptLines";
import { Spelling } from "./spelling/spelling";
import { correctionAround } from "./text/corrections";
import type { Match } from "./text/find";
import type { Sides } from "./text/gap";
import type { Losses } from "./text/losses";
import { isLarge } from "./text/slices";

/** A place or a selection that stays where it is in the text, whatever becomes of the caret. */
export interface Gap {
  /** Null when it has gone with another document. */
  range(): { start: number; end: number } | null;
  sides(): Sides;
}

/** UTF-16 units on each side of a gap that are looked at here. */
const BESIDE = 400;

export class StoryEditor {
  readonly formats: Signal<ActiveFormats> = signal(activeFormats({}));
  /** The suggested or struck words at the caret. */
  readonly suggestionAtCaret = signal<Element | null>(null);
  readonly selected = signal(0);
  /** Files that were pasted into the text or dropped on it. */
  readonly offered = signal<readonly File[]>([]);
  /** How much of a large edit the page shows, 0 to 1; null: all of it. */
  readonly showing = signal<number | null>(null);
  /** Counts the changes of the text. Values that are computed from the whole text depend on it. */
  readonly rested: ReadonlySignal<number>;
  readonly textLines: ReadonlySignal<readonly TextLine[]>;
  readonly words: ReadonlySignal<number>;
  /** The text, one UTF-16 unit for each place of it. */
  readonly plainText: ReadonlySignal<string>;
  readonly linking: Linking;
  private readonly quill: Quill;
  private readonly cursors: CursorLayer;
  readonly highlights: Highlights;
  readonly passageMarks: PassageMarks;
  readonly matches: MatchMarks;
  /** Where the model's tokens are. */
  readonly tokenPositions: TokenPositions;
  readonly gapPreview: GapPreview;
  readonly aids: WritingAids;
  readonly spelling: Spelling;
  private readonly completions: CompletionList;
  private binding: Binding | null = null;
  private modelName = "";
  private pointing = false;
  private readonly caret: CaretPlace;
  private readonly changes = new ChangeCounter();
  private readonly scriptLines: ScriptLines;
  private readonly stops: (() => void)[] = [];
  private readonly events = new AbortController();
  private readonly following: CaretFollowing;

  constructor(
    host: HTMLElement,
    private readonly room: Room,
    labels: {
      placeholder: string;
      placeholderReading: string;
      label: string;
      model: string;
      completions: string;
      pasted: (losses: Losses) => void;
    },
  ) {
    this.quill = createQuill(host, {
      undo: () => room.undoSteps.back("story"),
      redo: () => room.undoSteps.again("story"),
      write: (edit) => this.binding?.write(edit),
      reserve: (range) => this.reserve(range),
      report: (losses) => labels.pasted(losses),
      receive: (files) => {
        this.offered.value = files;
      },
    });
    this.rested = this.changes.count;
    this.textLines = computed(() => {
      this.rested.value;
      return textLines(this.page.lines);
    });
    this.words = computed(() => wordsIn(this.textLines.value));
    this.plainText = computed(() => {
      this.rested.value;
      return shown(this.binding?.plain ?? "");
    });
    this.caret = new CaretPlace(room.doc);
    this.quill.scrollRectIntoView = (box) => bringIntoView(this.quill.root, box);
    const { root } = this.quill;
    root.setAttribute("role", "textbox");
    root.setAttribute("aria-multiline", "true");
    root.setAttribute("aria-label", labels.label);
    root.dataset.home = "";
    this.cursors = new CursorLayer(this.quill);
    this.tokenPositions = new TokenPositions(this.quill, room.tokens, () => this.contents());
    this.aids = new WritingAids(this.quill, { load: loadAids, save: saveAids });
    // First: while the list is open, its keys are its own.
    this.completions = new CompletionList(this.quill, {
      active: () => room.settings.form.peek() === "screenplay" && this.quill.isEnabled(),
      label: labels.completions,
    });
    this.highlights = new Highlights(new TextPositions(() => this.page));
    this.gapPreview = new GapPreview(this.quill, new TextPositions(() => this.page));
    this.passageMarks = new PassageMarks(room.comments, this.highlights, this.rested, () =>
      this.binding?.passages(),
    );
    const oddMarks = new OddMarks(room.codex, this.highlights, this.rested, () => this.plainText.peek());
    this.matches = new MatchMarks(this.quill, this.highlights);
    this.spelling = new Spelling(
      this.quill,
      () => this.page,
      this.highlights,
      room.dictionary,
      room.spelling,
      {
        on: computed(() => this.aids.on.value.spellcheck && room.entered.value && room.members.canEdit),
        ready: () => this.binding !== null && !this.binding.behind,
        online: () => room.phase.peek().name === "open",
        settle: () => this.binding?.settle(),
        script: () => room.settings.form.peek() === "screenplay",
      },
    );
    this.scriptLines = new ScriptLines(root, () => this.page);
    this.linking = new Linking(this.quill);
    this.following = new CaretFollowing(this.quill, {
      written: (run) => this.caret.resolve(this.binding?.written.get(run)),
      place: () => this.caret.head,
      setPlace: (index) => this.caret.set(index, index),
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
    const openLink = () => {
      if (this.quill.isEnabled()) this.linking.dialogOpen.value = true;
    };
    watchTextEnds(this.quill, open);
    watchShortcuts(this.quill, { toggle: (format) => this.toggle(format, true), openLink }, open);
    this.quill.on("selection-change", () => this.onSelection());
    root.addEventListener("pointerdown", () => {
      this.pointing = true;
    });
    root.addEventListener("focus", () => this.onFocus());
    root.addEventListener("blur", () => this.catchUp());
    root.addEventListener("click", (event) => this.onClick(event));
    // A format that is chosen with a key for the next letters does not change the text.
    root.addEventListener("keyup", (event) => {
      if (event.ctrlKey || event.metaKey || event.key.length > 1) this.readFormats();
    });
    this.stops.push(
      effect(() => this.bind()),
      effect(() => {
        const enabled = room.entered.value && !room.frozen.value && room.members.canEdit;
        // A page that becomes read-only accepts no more text, not even a composition in progress.
        if (!enabled) untracked(() => this.binding?.settle());
        this.quill.enable(enabled);
      }),
      effect(() => {
        const reading = room.members.me.value?.role === "viewer";
        root.dataset.placeholder = reading ? labels.placeholderReading : labels.placeholder;
      }),
      effect(() => this.showCursors(labels.model)),
      effect(() => this.passageMarks.show(() => this.range())),
      effect(() => oddMarks.show()),
      effect(() => this.showScript()),
      effect(() => this.showStep()),
    );
  }

  destroy(): void {
    for (const stop of this.stops) stop();
    this.events.abort();
    this.changes.close();
    this.binding?.destroy();
    this.cursors.destroy();
    this.aids.destroy();
    this.spelling.destroy();
    this.completions.destroy();
    this.gapPreview.clear();
    this.highlights.clear();
  }

  focus(): void {
    this.quill.focus();
  }

  /** To the first line, from the title above it. */
  focusStart(): void {
    this.quill.setSelection(0, 0, "user");
  }

  /** The size of the text's area has changed: keeps the caret in view. */
  keepInView(): void {
    if (this.quill.hasFocus()) this.quill.scrollSelectionIntoView();
  }

  /** The text before the place of a request, at most so many UTF-16 units. */
  before(units: number): string {
    const { end } = this.range();
    return this.binding?.plain.slice(Math.max(0, end - units), end) ?? "";
  }

  /** The caret or the selection of now, to be kept. */
  gap(): Gap {
    const place = new CaretPlace(this.room.doc);
    const { start, end } = this.range();
    place.set(start, end);
    const range = () => {
      const { anchor, head } = place;
      return anchor === null || head === null ? null : { start: anchor, end: Math.max(anchor, head) };
    };
    const sides = () => {
      const { start, end } = range() ?? { start: 0, end: 0 };
      const text = this.binding?.plain ?? "";
      return {
        before: text.slice(Math.max(0, start - BESIDE), start),
        selection: text.slice(start, end),
        after: text.slice(end, end + BESIDE),
      };
    };
    return { range, sides };
  }

  selectedText(): string {
    const { start, end } = this.range();
    return this.plainText.peek().slice(start, end).split("\n")[0] ?? "";
  }

  /** Brings a place into view and selects it. */
  reveal(index: number, length: number): void {
    this.binding?.settle();
    this.quill.setSelection(index, length, "user");
    this.quill.scrollSelectionIntoView();
  }

  /** Where a sentence stands; null where it does not any more. */
  spanOf(quote: string): Span | null {
    return spanOf(this.plainText.peek(), quote);
  }

  /** Brings a place into view; the selection and the focus stay. */
  bringIntoView(index: number): void {
    const [leaf] = this.quill.getLeaf(index + 1);
    const node = leaf?.domNode;
    const element = node instanceof Element ? node : node?.parentElement;
    element?.scrollIntoView({ block: "center" });
  }

  /** The selection in the window; null when nothing is selected. */
  selectionBox(): DOMRect | null {
    const { start, end } = this.range();
    return end > start ? this.tokenPositions.box(start, end - start) : null;
  }

  /** The passage under a point that a run wants to change for one reason: a single correction. */
  correctionAt(run: string, marked: Element): { start: number; end: number } | null {
    const blot = Quill.find(marked, true);
    if (!blot || blot instanceof Quill) return null;
    const reason = marked.getAttribute("data-reason");
    return correctionAround(this.contents(), run, reason, this.quill.getIndex(blot));
  }

  /** One edit: every match becomes `text`. */
  replaceMatches(matches: readonly Match[], text: string): void {
    this.binding?.settle();
    this.matches.replace(matches, text);
  }

  /** Inserts a delta of inserts where the caret is, as this person's own words. */
  insert(ops: readonly Op[]): void {
    this.binding?.settle();
    const { end } = this.range();
    const delta = new Delta(ops as Delta["ops"]);
    if (isLarge(delta)) this.quill.setSelection(end, 0, "silent");
    this.binding?.write(new Delta().retain(end).concat(delta));
    if (!isLarge(delta)) this.quill.setSelection(end + delta.length(), 0, "user");
  }

  /** Words that are still read go to the caret when the document was replaced meanwhile. */
  private reserve(range: Range): (words: Delta) => void {
    const { binding } = this;
    const put = binding?.reserve(range);
    return (words) => (put && this.binding === binding ? put(words) : this.insert(words.ops as Op[]));
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
    const anchor = this.caret.anchor ?? end;
    const head = this.caret.head ?? end;
    return { start: Math.min(anchor, head), end: Math.max(anchor, head) };
  }

  private bind(): void {
    const doc = this.room.doc.value;
    // Filling the editor reads other signals; only another document is a reason to bind anew.
    untracked(() => {
      this.binding?.destroy();
      this.caret.clear();
      this.binding = new Binding(this.quill, storyOf(doc), {
        allows: (units) => this.allows(units),
        maxUpdateBytes: () => this.room.maxUpdateBytes,
        hasPassages: () => untracked(() => this.passageMarks.any),
        as: (step, edit) => this.room.undoSteps.as(step, edit),
        onChange: (ops) => this.onText(ops),
        onShowing: (part) => {
          this.showing.value = part;
        },
        onRepair: (what) => console.error(`The page was built anew from the text: ${what}.`),
      });
      this.onText(null);
    });
  }

  /** After an undo or redo: moves the caret there, and scrolls there if it is out of view. */
  private showStep(): void {
    const acted = this.room.undoSteps.acted.value;
    if (acted?.surface !== "story" || !acted.range) return;
    const { end } = acted.range;
    untracked(() => {
      this.binding?.part();
      this.binding?.settle();
      const at = Math.min(end, this.quill.getLength() - 1);
      if (this.quill.hasFocus()) this.quill.setSelection(at, 0, "user");
      else this.bringIntoView(at);
    });
  }

  /** The text with its formats, as a delta of inserts. */
  private contents(): readonly Op[] {
    this.binding?.settle();
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

  /** The shared text and Quill's are equal again; `ops` is an edit of others, null means our own. */
  private onText(ops: readonly Op[] | null): void {
    this.changes.changed(this.binding?.plain.length ?? 0);
    // What follows needs the places of the text, which the page does not have yet.
    if (this.binding?.behind) return;
    this.following.changed(ops);
    this.spelling.changed(!ops);
    this.showCursors();
    // Quill moves the caret after it has reported a change (Enter, paste), without an event.
    // Without the focus its caret is outdated: the place moves with the text, or with a run.
    queueMicrotask(() => this.quill.hasFocus() && this.onSelection());
    if (!ops && this.quill.hasFocus())
      requestAnimationFrame(() => this.quill.hasFocus() && this.quill.scrollSelectionIntoView());
  }

  /** The model writes this run where the caret is. */
  follow(run: string): void {
    this.following.begin(run);
  }

  /** Quill reports a moved selection a moment later (a timer); a key may come first. */
  private catchUp(): void {
    untracked(() => this.quill.getSelection());
  }

  /** Only after the shared text has followed: indices are carried over to it. */
  private onSelection(): void {
    // What is composed, or not shown yet, has other places in the page than in the text.
    if (this.binding?.behind) return;
    const range = this.quill.getSelection();
    if (range) {
      this.caret.set(range.index, range.index + range.length);
      this.selected.value = range.length;
      this.spelling.moved(range.length === 0 ? range.index : null);
      this.readFormats(range);
    } else {
      this.suggestionAtCaret.value = null;
    }
    this.aids.follow();
    this.room.presenceSender.setCursor(range ? this.caret.shared : null);
  }

  /** A click on a passage opens its thread. */
  private onClick({ clientX, clientY }: MouseEvent): void {
    const index = this.selected.peek() > 0 ? null : this.tokenPositions.indexAt(clientX, clientY);
    if (index !== null) this.passageMarks.openAt(index);
  }

  private showScript(): void {
    const script = this.room.settings.form.value === "screenplay";
    this.scriptLines.show(script ? this.textLines.value.map((line) => line.text) : null);
  }

  private readFormats(range = this.quill.getSelection()): void {
    if (!range) return;
    const formats = this.quill.getFormat(range);
    const now = activeFormats(formats);
    if (!sameFormats(now, this.formats.peek())) this.formats.value = now;
    this.linking.read(range);
    const marked = formats.suggest !== undefined || formats.suggest_del !== undefined;
    const leaf = marked ? this.quill.getLeaf(range.index)[0]?.domNode : null;
    this.suggestionAtCaret.value = leaf?.parentElement?.closest("[data-suggest], [data-suggest-del]") ?? null;
  }

  /** Focus by keyboard returns to the last caret; a pointer sets its own. */
  private onFocus(): void {
    const { pointing } = this;
    const { anchor, head } = this.caret;
    this.pointing = false;
    if (pointing || anchor === null || head === null) return;
    this.quill.setSelection(anchor, head - anchor, "silent");
  }

  private showCursors(model = this.modelName): void {
    this.modelName = model;
    const written = (run: string) => this.binding?.written.get(run);
    this.cursors.show(caretsOf(this.room, model, written, (position) => this.caret.resolve(position)));
  }
}
