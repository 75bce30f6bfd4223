// Ties a Quill editor to the shared text. Ours rather than y-quill's, because a person's words must not inherit a model's
// marks, no edit may split a character, and a large paste must travel in pieces.

import type Quill from "quill/core.js";
import { Delta } from "quill/core.js";
import {
  createRelativePositionFromTypeIndex,
  type RelativePosition,
  type Text as YText,
  type YTextEvent,
} from "yjs";
import {
  asPerson,
  asShown,
  clearedFormats,
  inPieces,
  insertedLength,
  inWholeCharacters,
  type Op,
  shown,
} from "./delta";
import { inPassages, type Passages, passagesOf, withoutPassages } from "./passages";

export interface BindingOptions {
  /** Whether this much new text may go in; when not, the edit is taken back. */
  allows(insertedUnits: number): boolean;
  /** Most bytes that one update may have. */
  maxUpdateBytes(): number;
  /** Whether the room has comments: then what is typed inside a passage has to become part of it. */
  hasPassages(): boolean;
  /** The two texts were brought in line, whoever made the change. */
  onChange(): void;
}

/** UTF-16 units of new text in one update, at most. */
const PIECE = 32 * 1024;
/** Bytes that a unit may take, and bytes that an update takes beside its text. */
const UNIT_BYTES = 3;
const OVERHEAD = 512;
/** OBJECT REPLACEMENT CHARACTER */
const PLACEHOLDER = "\ufffc";

export class Binding {
  /** Where each run wrote last, for its cursor. */
  readonly written = new Map<string, RelativePosition>();
  /** The shared text as it was when Quill was last brought in line with it. */
  private plain = "";

  constructor(
    private readonly quill: Quill,
    private readonly text: YText,
    private readonly options: BindingOptions,
  ) {
    this.showAll();
    text.observe(this.onText);
    quill.on("text-change", this.onQuill);
  }

  destroy(): void {
    this.text.unobserve(this.onText);
    this.quill.off("text-change", this.onQuill);
  }

  /** The passages of the comments, as the shared text has them. */
  passages(): Passages {
    return passagesOf(this.text.toDelta() as Op[]);
  }

  private showAll(): void {
    const ops = fromShared(this.text.toDelta() as Op[]);
    this.plain = plainOf(this.text);
    this.quill.setContents(new Delta(asShown(ops, "\n", this.plain) as Delta["ops"]), "api");
  }

  private readonly onQuill = (delta: { ops: unknown }, before: Delta, source: string): void => {
    if (source !== "user") return;
    const ops = delta.ops as Op[];
    if (!this.options.allows(insertedLength(ops))) {
      this.quill.updateContents(new Delta(ops as Delta["ops"]).invert(before), "silent");
      return;
    }
    const person = asPerson(ops);
    const whole = toShared(inWholeCharacters(person.ops, this.plain));
    const edit = this.options.hasPassages() ? inPassages(whole, this.passages()) : whole;
    const units = Math.floor((this.options.maxUpdateBytes() - OVERHEAD) / UNIT_BYTES);
    for (const piece of inPieces(edit, Math.max(64, Math.min(PIECE, units)))) {
      this.text.doc?.transact(() => this.text.applyDelta(piece), this);
    }
    this.endLastLine();
    for (const { index, length } of person.spans) {
      this.quill.formatText(index, length, clearedFormats(), "silent");
    }
    this.options.onChange();
  };

  /** A line that is begun but empty exists in the shared text only when the line before and it have ended. */
  private endLastLine(): void {
    this.plain = plainOf(this.text);
    if (this.quill.getLength() <= shown(this.plain).length) return;
    this.text.doc?.transact(() => this.text.insert(this.text.length, "\n", {}), this);
    this.plain += "\n";
  }

  private readonly onText = (event: YTextEvent): void => {
    if (event.transaction.origin === this) return;
    const ops = event.delta as Op[];
    this.noteWriting(ops);
    const before = this.plain;
    this.plain = plainOf(this.text);
    this.quill.updateContents(new Delta(asShown(fromShared(ops), before, this.plain) as Delta["ops"]), "api");
    this.options.onChange();
  };

  private noteWriting(ops: readonly Op[]): void {
    let index = 0;
    for (const op of ops) {
      if (op.insert === undefined) {
        index += typeof op.retain === "number" ? op.retain : 0;
        continue;
      }
      index += typeof op.insert === "string" ? op.insert.length : 1;
      const run = op.attributes?.ai ?? op.attributes?.suggest;
      // Bound to the character before it: what people type there does not push the cursor on.
      if (typeof run === "string") {
        this.written.set(run, createRelativePositionFromTypeIndex(this.text, index, -1));
      }
    }
  }
}

/** The text with a placeholder for each thing in it that is no text, so that indices agree. */
function plainOf(text: YText): string {
  const plain = text.toString();
  if (plain.length === text.length) return plain;
  const ops = text.toDelta() as Op[];
  return ops.map((op) => (typeof op.insert === "string" ? op.insert : PLACEHOLDER)).join("");
}

/** What Quill has no name for becomes a placeholder of the same length; passages are drawn over the text. */
function fromShared(ops: readonly Op[]): Op[] {
  return withoutPassages(ops).map((op) =>
    op.insert === undefined || typeof op.insert === "string" ? op : { ...op, insert: { foreign: true } },
  );
}

/** A copied placeholder carries nothing that could be shared. */
function toShared(ops: readonly Op[]): Op[] {
  return ops.map((op) => (typeof op.insert === "object" ? { insert: PLACEHOLDER } : op));
}
