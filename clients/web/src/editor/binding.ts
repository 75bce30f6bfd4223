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
import { asPerson, clearedFormats, inPieces, insertedLength, inWholeCharacters, type Op } from "./delta";

export interface BindingOptions {
  /** Whether this much new text may go in; when not, the edit is taken back. */
  allows(insertedUnits: number): boolean;
  onRemoteChange(): void;
}

/** UTF-16 units of new text in one update. */
const PIECE = 32 * 1024;

export class Binding {
  /** Where each run wrote last, for its cursor. */
  readonly written = new Map<string, RelativePosition>();

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

  private showAll(): void {
    this.quill.setContents(new Delta(fromShared(this.text.toDelta() as Op[])), "api");
  }

  private readonly onQuill = (delta: { ops: unknown }, before: Delta, source: string): void => {
    if (source !== "user") return;
    const ops = delta.ops as Op[];
    if (!this.options.allows(insertedLength(ops))) {
      this.quill.updateContents(new Delta(ops as Delta["ops"]).invert(before), "silent");
      return;
    }
    const person = asPerson(ops);
    const edit = toShared(inWholeCharacters(person.ops, this.text.toString()));
    for (const piece of inPieces(edit, PIECE)) {
      this.text.doc?.transact(() => this.text.applyDelta(piece), this);
    }
    for (const { index, length } of person.spans) {
      this.quill.formatText(index, length, clearedFormats(), "silent");
    }
  };

  private readonly onText = (event: YTextEvent): void => {
    if (event.transaction.origin === this) return;
    const ops = event.delta as Op[];
    this.noteWriting(ops);
    this.quill.updateContents(new Delta(fromShared(ops)), "api");
    this.options.onRemoteChange();
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

/** What Quill has no name for becomes a placeholder of the same length. */
function fromShared(ops: readonly Op[]): Delta["ops"] {
  return ops.map((op) =>
    op.insert === undefined || typeof op.insert === "string" ? op : { ...op, insert: { foreign: true } },
  ) as Delta["ops"];
}

/** A copied placeholder carries nothing that could be shared. */
function toShared(ops: readonly Op[]): Op[] {
  return ops.map((op) => (typeof op.insert === "object" ? { insert: "\ufffc" } : op));
}
