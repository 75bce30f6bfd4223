// Binds a Quill editor to the shared text. It replaces y-quill, because a person's words must not inherit a model's
// attributes, no edit may split a character, a large paste must be sent in pieces, and edits of others during a
// composition must not touch the composed words.

import type Quill from "quill/core.js";
import { Delta, type Range } from "quill/core.js";
import {
  createAbsolutePositionFromRelativePosition,
  createRelativePositionFromTypeIndex,
  type Doc,
  type RelativePosition,
  type Text as YText,
  type YTextEvent,
} from "yjs";
import type { StepKind } from "../../protocol/messages";
import {
  asPerson,
  asShown,
  clearedFormats,
  inPieces,
  insertedLength,
  inWholeCharacters,
  type Op,
  shown,
} from "../../room/document/delta";
import { around } from "../text/composedEdits";
import { endOf, fromShared, growthOf, plainOf, toShared } from "../text/pageEdits";
import { inPassages, type Passages } from "../text/passages";
import { SharedText } from "../text/sharedText";
import { firstPart, isLarge } from "../text/slices";
import { Composition } from "./composition";
import type { LineEditor } from "./lineEditor";
import { differsAnywhere, differsAt } from "./pageCheck";
import { noteRunEnds } from "./runEnds";
import { UndoGroups } from "./undoGroups";

export interface BindingOptions {
  /** Whether this much new text may be inserted; when not, the edit is reverted. */
  allows(insertedUnits: number): boolean;
  /** Most bytes that one update may have. */
  maxUpdateBytes(): number;
  /** Makes an edit as a new step of undo, or as part of the last one. */
  as(step: StepKind, edit: () => void): void;
  /** Whether the room has comments: text typed inside a passage becomes part of it. */
  hasPassages(): boolean;
  /** The two texts are equal again; `ops` is what an edit of others did to the page, null for our own. */
  onChange(ops: readonly Op[] | null): void;
  /** How much of a large edit the page shows, 0 to 1; null: all of it. */
  onShowing(part: number | null): void;
  /** Page and text differed, and the page was rebuilt. */
  onRepair(what: string): void;
}

/** UTF-16 units of new text in one update, at most. */
const PIECE = 32 * 1024;
/** Bytes that a unit may take, and bytes that an update takes beside its text. */
const UNIT_BYTES = 3;
const OVERHEAD = 512;
/** After a pause of this length the whole page is compared with the text. */
const QUIET_MS = 4000;

export class Binding {
  /** Where each run wrote last, for its cursor. */
  readonly written = new Map<string, RelativePosition>();
  private readonly shared: SharedText;
  private readonly composition: Composition;
  private readonly typing = new UndoGroups();
  /**
   * The part of the text that the page does not show yet, as an edit of the page: edits of others in the lines of a
   * composition, and the rest of a large edit.
   */
  private held = new Delta();
  /** A large edit that is being shown part by part: its units, the caret at its beginning, and the final caret. */
  private showing: { units: number; from: number | null; to: RelativePosition | null } | null = null;
  private next: ReturnType<typeof setTimeout> | undefined;
  private quiet: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly quill: Quill,
    private readonly text: YText,
    private readonly options: BindingOptions,
  ) {
    this.shared = new SharedText(text);
    this.composition = new Composition(quill, () => this.composed());
    this.showAll();
    text.observe(this.onText);
    quill.on("text-change", this.onQuill);
  }

  destroy(): void {
    this.composition.destroy();
    clearTimeout(this.quiet);
    clearTimeout(this.next);
    this.text.unobserve(this.onText);
    this.quill.off("text-change", this.onQuill);
  }

  /** The shared text, one UTF-16 unit for each place of it. */
  get plain(): string {
    return this.shared.plain;
  }

  /** The next edit begins a new step of undo. */
  part(): void {
    this.typing.part();
  }

  /** A composition, or a large edit that is not shown yet: places of the page are not those of the text. */
  get behind(): boolean {
    return this.composition.active || this.held.length() > 0;
  }

  /** Ends a composition with its present words, and shows all that waits, before something else changes the text. */
  settle(): void {
    this.composition.settle();
    this.showHeld();
  }

  /** A large edit of this person: the text has it at once, as one step of undo; the page shows it part by part. */
  write(edit: Delta): void {
    this.composition.settle();
    if (!isLarge(edit)) {
      this.quill.updateContents(edit, "user");
      return;
    }
    const ops = edit.ops as Op[];
    if (!this.options.allows(insertedLength(ops))) return;
    const { length } = this.plain;
    const person = new Delta(inWholeCharacters(asPerson(ops).ops, this.pagePlain()) as Delta["ops"]);
    const whole = this.held.transform(person, true);
    this.held = this.held.compose(whole);
    this.share(toShared(whole.ops as Op[], length));
    const end = endOf(whole.ops as Op[]);
    this.showLater(createRelativePositionFromTypeIndex(this.text, Math.min(end, this.text.length), -1));
  }

  /** Keeps a place for words that are still read. What is selected goes at once; what is typed comes behind them. */
  reserve({ index, length }: Range): (words: Delta) => void {
    this.settle();
    if (length > 0) this.quill.deleteText(index, length, "user");
    const place = createRelativePositionFromTypeIndex(this.text, Math.min(index, this.text.length), -1);
    const goOn = length > 0 ? this.typing.mark() : null;
    return (words) => {
      this.settle();
      const at = createAbsolutePositionFromRelativePosition(place, this.text.doc as Doc)?.index;
      goOn?.();
      this.write(new Delta().retain(at ?? this.text.length).concat(words));
    };
  }

  /** The passages of the comments, as the shared text has them. */
  passages(): Passages {
    return this.shared.passages;
  }

  private get page(): LineEditor {
    return this.quill.editor as LineEditor;
  }

  private showAll(): void {
    const ops = fromShared(this.text.toDelta() as Op[]);
    this.quill.setContents(new Delta(asShown(ops, "\n", this.plain) as Delta["ops"]), "api");
  }

  private readonly onQuill = (delta: Delta, before: Delta, source: string): void => {
    if (source !== "user") return;
    const ops = delta.ops as Op[];
    if (!this.options.allows(insertedLength(ops))) {
      this.quill.updateContents(new Delta(ops as Delta["ops"]).invert(before), "silent");
      return;
    }
    const person = asPerson(ops);
    const page = this.held.length() > 0 ? plainOf(before.ops as Op[]) : this.plain;
    const edit = new Delta(inWholeCharacters(person.ops, page) as Delta["ops"]);
    if (this.showing) this.showing.from = null;
    // Letters typed where a large edit is being shown stay together: before the rest of it.
    const first = this.showing === null;
    const mine = this.held.length() > 0 ? this.held.transform(edit, first) : edit;
    this.held = edit.transform(this.held, !first);
    this.share(toShared(mine.ops as Op[], this.plain.length));
    for (const { index, length } of person.spans) {
      this.quill.formatText(index, length, clearedFormats(), "silent");
    }
    if (this.composition.active) return;
    this.endLastLine();
    this.compare();
    this.options.onChange(null);
  };

  /** Applies an edit of this person to the shared text. */
  private share(ops: readonly Op[]): void {
    const edit = this.options.hasPassages() ? inPassages(ops, this.passages()) : ops;
    const units = Math.floor((this.options.maxUpdateBytes() - OVERHEAD) / UNIT_BYTES);
    let step = this.typing.step(ops, performance.now());
    for (const piece of inPieces(edit, Math.max(64, Math.min(PIECE, units)))) {
      this.options.as(step, () => this.text.doc?.transact(() => this.text.applyDelta(piece), this));
      step = "same";
    }
    this.shared.follow(edit);
  }

  /** A new empty line exists in the shared text only when it and the line before have ended. */
  private endLastLine(): void {
    const shows = this.quill.getLength() + growthOf(this.held.ops as Op[]);
    if (shows <= shown(this.plain).length) return;
    const end = [...(this.plain ? [{ retain: this.plain.length }] : []), { insert: "\n" }];
    this.options.as("same", () =>
      this.text.doc?.transact(() => this.text.insert(this.text.length, "\n", {}), this),
    );
    this.shared.follow(end);
  }

  private readonly onText = (event: YTextEvent): void => {
    if (event.transaction.origin === this) return;
    const ops = event.delta as Op[];
    noteRunEnds(this.text, ops, this.written);
    const before = this.plain;
    this.shared.follow(ops);
    const edit = new Delta(asShown(fromShared(ops), before, this.plain) as Delta["ops"]);
    if (this.composition.active) this.showAround(edit);
    else if (this.held.length() > 0 || isLarge(edit)) {
      this.held = this.held.compose(edit);
      this.showLater(null);
    } else {
      this.quill.updateContents(edit, "api");
      this.compare();
    }
    this.options.onChange(edit.ops as Op[]);
  };

  /** During a composition: shows what does not touch its lines, and holds the rest. */
  private showAround(edit: Delta): void {
    const { outside, inside } = around(this.held.compose(edit), this.composition.zone());
    if (outside.length() > 0) this.composition.applyAround(outside);
    this.held = inside;
  }

  /** A composition has ended, and its words are in both texts: shows what was held. */
  private composed(): void {
    // Until now Quill keeps the composed words behind a newly chosen format.
    this.quill.update("user");
    if (isLarge(this.held)) {
      this.showLater(null);
      return;
    }
    const { held } = this;
    this.showHeld();
    this.endLastLine();
    this.compare();
    this.options.onChange(held.length() > 0 ? (held.ops as Op[]) : null);
  }

  /** Shows what is held, or continues with it; `to` is the caret at the end. */
  private showLater(to: RelativePosition | null): void {
    const units = growthOf(this.held.ops as Op[]);
    if (!this.showing) {
      const from = this.quill.hasFocus() ? (this.quill.getSelection()?.index ?? null) : null;
      this.showing = { units, from, to };
      this.showPart();
      return;
    }
    this.showing.units = Math.max(this.showing.units, units);
    if (to) this.showing.to = to;
  }

  /** Shows one part, and the next after the page had time for other work. A hidden page need not wait. */
  private readonly showPart = (): void => {
    if (!this.showing) return;
    if (this.composition.active) {
      this.showing = null; // it continues when the composition has ended
      return;
    }
    const { now, later } = document.hidden ? { now: this.held, later: null } : firstPart(this.held);
    this.held = later ?? new Delta();
    this.quill.updateContents(now, "api");
    if (later) {
      const left = growthOf(later.ops as Op[]);
      this.options.onShowing(Math.max(0, 1 - left / Math.max(1, this.showing.units)));
      this.next = setTimeout(this.showPart, 0);
    } else this.shownAll();
  };

  private showHeld(): void {
    const { held } = this;
    this.held = new Delta();
    if (held.length() > 0) this.quill.updateContents(held, "api");
    if (this.showing) this.shownAll();
  }

  private shownAll(): void {
    const { from = null, to = null } = this.showing ?? {};
    clearTimeout(this.next);
    this.showing = null;
    this.endLastLine();
    this.compare();
    this.options.onShowing(null);
    const place = to && createAbsolutePositionFromRelativePosition(to, this.text.doc as Doc);
    // The caret of a person who has moved on meanwhile stays.
    if (place && from !== null && this.quill.hasFocus() && this.quill.getSelection()?.index === from)
      this.quill.setSelection(place.index, 0, "silent");
    this.options.onChange(null);
  }

  private pagePlain(): string {
    return this.held.length() > 0
      ? plainOf(this.page.getContents(0, this.quill.getLength()).ops as Op[])
      : this.plain;
  }

  /** Checks that page and text are equal, at least where the last change was. */
  private compare(): void {
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => this.compareAll(), QUIET_MS);
    if (this.held.length() > 0) return;
    const differs = differsAt(this.page, shown(this.plain));
    if (differs) this.repair(differs);
  }

  private compareAll(): void {
    if (this.behind) return;
    const differs = this.shared.isTrue()
      ? differsAnywhere(this.page, asShown(fromShared(this.text.toDelta() as Op[]), "\n", this.plain))
      : "the text is not what was followed";
    if (differs) this.repair(differs);
    else this.page.arrange();
  }

  /** Should never be needed: rebuilds the page from the text. */
  private repair(what: string): void {
    this.shared.reread();
    this.restore();
    this.options.onRepair(what);
  }

  /** Rebuilds the page from the text; the selection stays. */
  restore(): void {
    const { scroll, selection } = this.quill;
    const range = this.quill.hasFocus() ? selection.savedRange : null;
    this.held = new Delta();
    this.showing = null;
    // Pending changes of the page are discarded.
    scroll.observer.takeRecords();
    for (const node of [...scroll.domNode.childNodes]) if (!scroll.find(node)) node.remove();
    this.showAll();
    if (range) this.quill.setSelection(range.index, range.length, "silent");
    this.options.onChange(null);
  }
}
