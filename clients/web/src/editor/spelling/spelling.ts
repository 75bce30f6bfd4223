// Marks faults of spelling and grammar in the part of the text that is in view, and corrects them. The check follows the
// text, whoever edits it; it changes nothing by itself and never moves the caret.

import { computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import type Quill from "quill/core.js";
import { Delta } from "quill/core.js";
import type { Dictionary } from "../../room/document/dictionary";
import type { Finding, SpellingApi } from "../../room/http/spellingApi";
import type { LineEditor } from "../binding/lineEditor";
import type { Highlights } from "../overlay/highlights";
import { carriedFaults, smallestEdit } from "./carried";
import { Findings } from "./findings";
import { ownWords } from "./ownWords";
import { type LineInView, LONG_LINE, View } from "./view";

/** A fault in the text, in UTF-16 units. */
export interface Fault {
  index: number;
  length: number;
  kind: string;
  wrong: string;
  replacements: readonly string[];
  message: string;
}

/** A pause of this length in one's own typing; after edits of others, which come in a stream. */
const PAUSE_MS = 70;
const OTHERS_MS = 700;
const SCROLL_MS = 150;
const WORDS: ReadonlySet<string> = new Set(["spelling", "typo"]);

export interface SpellingOptions {
  on: ReadonlySignal<boolean>;
  /** Whether the page shows the whole text, with no composition under way. */
  ready(): boolean;
  settle(): void;
  /** Whether the server can be asked. */
  online(): boolean;
  script(): boolean;
}

export class Spelling {
  /** The faults in view, in order. */
  readonly faults = signal<readonly Fault[]>([]);
  /** The fault that the caret was put on. */
  readonly atCaret: ReadonlySignal<Fault | null>;
  private readonly caret = signal<number | null>(null);
  private readonly dismissed = signal<string | null>(null);
  private readonly findings: Findings;
  private readonly ignored = signal<ReadonlySet<string>>(new Set());
  private readonly lines = new WeakMap<HTMLElement, { text: string; faults: readonly Finding[] }>();
  /** Where the caret was after this person's last key: the word that ends there is not finished. */
  private typedAt: number | null = null;
  /** What moves the caret next: nobody, this person's key, or an edit of others before it. */
  private pending: "" | "own" | "others" = "";
  private readonly view: View;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private frame = 0;
  private readonly stops: (() => void)[];
  private readonly events = new AbortController();

  constructor(
    private readonly quill: Quill,
    private readonly page: () => LineEditor,
    private readonly highlights: Highlights,
    private readonly dictionary: Dictionary,
    api: SpellingApi,
    private readonly options: SpellingOptions,
  ) {
    this.view = new View(quill.root);
    this.findings = new Findings(api, () => this.draw());
    this.atCaret = computed(() => {
      const at = this.caret.value;
      if (at === null) return null;
      const found = this.faults.value.find((fault) => fault.index <= at && at <= fault.index + fault.length);
      return found && this.dismissed.value !== `${found.index} ${found.wrong}` ? found : null;
    });
    const { signal: open } = this.events;
    document.addEventListener("scroll", () => this.later(SCROLL_MS), {
      capture: true,
      passive: true,
      signal: open,
    });
    addEventListener("resize", () => this.later(SCROLL_MS), { signal: open });
    quill.root.addEventListener("keydown", this.onKey, { capture: true, signal: open });
    quill.root.addEventListener("blur", () => this.moved(null), { signal: open });
    this.stops = [
      effect(() => {
        this.options.on.value;
        this.dictionary.words.value;
        ownWords.all.value;
        this.ignored.value;
        this.later(0);
      }),
    ];
  }

  destroy(): void {
    for (const stop of this.stops) stop();
    this.events.abort();
    this.findings.close();
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
  }

  /** The text has changed; `own`: by this person. */
  changed(own: boolean): void {
    // Without the focus the caret of the page stays where it was.
    if (this.quill.hasFocus()) this.pending = own ? "own" : this.pending || "others";
    if (own) this.caret.value = null;
    if (!this.options.on.peek()) return;
    cancelAnimationFrame(this.frame);
    // What is marked stands elsewhere now.
    this.frame = requestAnimationFrame(() => this.draw());
    this.later(own ? PAUSE_MS : OTHERS_MS);
  }

  /** The caret was put somewhere; null: something is selected, or the text has lost the focus. */
  moved(index: number | null): void {
    const { pending } = this;
    this.pending = "";
    if (pending === "own") this.typedAt = index;
    else if (pending === "others") {
      if (this.typedAt !== null) this.typedAt = index;
      else if (this.caret.peek() !== null) this.caret.value = index;
    } else if (index !== this.typedAt && index !== this.caret.peek()) {
      this.typedAt = null;
      this.dismissed.value = null;
      this.caret.value = index;
      if (this.options.on.peek()) this.later(PAUSE_MS);
    }
  }

  /** Corrects a fault, as an edit of this person. False when the text has changed there. */
  accept(fault: Fault, replacement: string): boolean {
    this.options.settle();
    if (!this.quill.isEnabled() || this.quill.getText(fault.index, fault.length) !== fault.wrong)
      return false;
    const { skip, remove, insert } = smallestEdit(fault.wrong, replacement);
    const at = fault.index + skip;
    const formats = this.quill.getFormat(remove > 0 ? at : Math.max(fault.index, at - 1), 1);
    const edit = new Delta().retain(at);
    if (insert) edit.insert(insert, inline(formats));
    if (remove) edit.delete(remove);
    this.quill.updateContents(edit, "user");
    return true;
  }

  /** Leaves a word alone until the page is closed. */
  ignore(fault: Fault): void {
    this.ignored.value = new Set([...this.ignored.peek(), fault.wrong.toLowerCase()]);
  }

  dismiss(fault: Fault): void {
    this.dismissed.value = `${fault.index} ${fault.wrong}`;
  }

  private later(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), ms);
  }

  /** Has what is in view checked. */
  private check(): void {
    if (!this.options.on.peek()) {
      this.draw();
      return;
    }
    if (!this.options.ready()) return; // the end of it is an edit
    this.view.moved();
    if (this.options.online())
      this.findings.want(
        this.inView().flatMap(({ passages }) => passages.flatMap(({ passage }) => passage ?? [])),
      );
    this.draw();
  }

  private draw(): void {
    if (!this.options.ready()) return;
    const found: Fault[] = [];
    if (this.options.on.peek()) {
      for (const line of this.inView()) {
        for (const fault of this.faultsOf(line)) {
          const index = line.index + fault.start;
          const length = fault.end - fault.start;
          // The word that is being typed is not finished.
          if (index + length === this.typedAt && fault.kind !== "repetition") continue;
          found.push({ ...fault, index, length, wrong: line.text.slice(fault.start, fault.end) });
        }
      }
    }
    const shown = found.filter((fault) => !this.isKnown(fault));
    this.faults.value = shown;
    this.highlights.show(
      "misspelt",
      shown.filter((fault) => WORDS.has(fault.kind)),
    );
    this.highlights.show(
      "fault",
      shown.filter((fault) => !WORDS.has(fault.kind)),
    );
  }

  private isKnown({ kind, wrong }: Fault): boolean {
    const word = wrong.toLowerCase();
    if (this.ignored.peek().has(word)) return true;
    return WORDS.has(kind) && (this.dictionary.words.peek().has(word) || ownWords.all.peek().includes(word));
  }

  /** The faults of a line: as it was checked, or as its earlier text had them. */
  private faultsOf({ line, text, passages }: LineInView): readonly Finding[] {
    const before = this.lines.get(line.node);
    const found = passages.map(({ passage, piece }) => {
      const known = passage ? this.findings.of(passage) : [];
      return (
        known?.map((one) => ({ ...one, start: one.start + piece.start, end: one.end + piece.start })) ?? null
      );
    });
    let faults: Finding[] = [];
    if (found.includes(null)) {
      const old = before && text.length <= LONG_LINE ? carriedFaults(before.faults, before.text, text) : [];
      for (const [at, known] of found.entries()) {
        const { start, text: part } = passages[at]?.piece ?? { start: 0, text: "" };
        faults = faults.concat(
          known ?? old.filter((one) => one.start >= start && one.end <= start + part.length),
        );
      }
    } else faults = found.flatMap((each) => each ?? []);
    this.lines.set(line.node, { text, faults });
    return faults;
  }

  private inView(): LineInView[] {
    return this.view.read(this.page().lines, {
      caret: this.quill.selection.savedRange.index,
      script: this.options.script(),
      checks: (language) => this.findings.checks(language),
    });
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.isComposing || event.altKey) return;
    const here = this.atCaret.peek();
    const command = event.ctrlKey || event.metaKey;
    if (here && !command && !event.shiftKey && event.key === "Tab" && here.replacements[0] !== undefined) {
      this.accept(here, here.replacements[0]);
      this.dismiss(here);
    } else if (here && !command && event.key === "Escape") this.dismiss(here);
    else if (command && event.key === ".") {
      const nearest = here ?? this.nearest();
      const best = nearest?.replacements[0];
      if (!nearest || best === undefined) return;
      this.accept(nearest, best);
    } else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };

  /** The last fault before the caret with a replacement. */
  private nearest(): Fault | undefined {
    const at = this.quill.getSelection()?.index ?? 0;
    return this.faults.peek().findLast((fault) => fault.index <= at && fault.replacements.length > 0);
  }
}

const WORD_FORMATS: ReadonlySet<string> = new Set(["bold", "italic", "underline", "strike", "link"]);

/** The formats of words, without those of lines and runs: what is typed is this person's. */
function inline(formats: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(formats).filter(([name]) => WORD_FORMATS.has(name)));
}
