// Undo and redo of our own actions. The server does it, because it knows who wrote what; without a connection the page
// does it for edits that the server does not have yet.

import { signal } from "@preact/signals";
import { type Doc, UndoManager, type YTextEvent } from "yjs";
import { CANVAS } from "../canvas/board";
import type { ClientMessage, MessageOf, StepKind, Surface } from "../protocol/messages";
import { REMOTE, RESTORED, storyOf } from "./document/document";

/** Where a step acted, in UTF-16 units of our copy, and on which objects. */
export interface Acted {
  surface: Surface;
  redo: boolean;
  kind: string;
  range: { start: number; end: number } | null;
  objects: readonly string[];
}

export interface UndoStepsOptions {
  /** Whether the server can be asked now. */
  online(): boolean;
  send(message: ClientMessage): boolean;
  flush(): void;
  /** For how many milliseconds the server has not answered what we sent. */
  unanswered(): number;
  /** Resolves true when the server has all our edits, false when that takes longer than `ms`. */
  whenSettled(ms: number): Promise<boolean>;
  /** Offline, and there is nothing of ours to undo here. */
  onNothing(redo: boolean): void;
}

const SURFACES: readonly Surface[] = ["story", "canvas", "jam", "film"];
/** Edits that nobody marks are one step until a pause of this. */
const PAUSE_MS = 500;
/** A server that has not answered for so long may be gone: a step waits for its answer first. */
const LATE_MS = 200;
/** A server that has not answered for so long is as good as gone: what it has not confirmed is undone here. */
const GONE_MS = 1000;

/** Everything that is written in this page. */
class Here extends Set<unknown> {
  override has(origin: unknown): boolean {
    if (origin instanceof UndoManager) return super.has(origin);
    // Yjs asks for the constructor of an origin too.
    return typeof origin !== "function" && origin !== REMOTE && origin !== RESTORED;
  }
}

export class UndoSteps {
  /** How many actions can be undone and done again, by surface; the server's count. */
  readonly counts = signal<Partial<Record<Surface, readonly number[]>>>({});
  /** The last step, for the surface that it acted on. */
  readonly acted = signal<Acted | null>(null);
  /** What can be undone here, without the server: a number that changes. */
  private readonly here = signal(0);
  private managers = new Map<Surface, UndoManager>();
  private doc: Doc | null = null;
  private mark: StepKind = "";
  private next = 1;
  /** Steps that wait for the server's answer to our edits, each after the one before. */
  private queue: Promise<void> = Promise.resolve();
  private queued = 0;
  /** Steps that the server was asked for and has not taken. Until then none is taken here: it would be one too many. */
  private asked = 0;

  constructor(private readonly options: UndoStepsOptions) {}

  /** The room's document was replaced. */
  follow(doc: Doc): void {
    for (const manager of this.managers.values()) manager.destroy();
    this.doc = doc;
    this.managers = new Map(
      SURFACES.map((surface) => {
        const scope =
          surface === "story"
            ? [storyOf(doc), doc.getMap("style"), doc.getMap("codex")]
            : doc.getMap(surface === "canvas" ? CANVAS : surface);
        const manager = new UndoManager(scope, { trackedOrigins: new Here(), captureTimeout: PAUSE_MS });
        const changed = () => {
          this.here.value += 1;
        };
        manager.on("stack-item-added", changed);
        manager.on("stack-item-popped", changed);
        return [surface, manager];
      }),
    );
  }

  /** Makes an edit as a new step (`new`), as part of the last one (`same`), or grouped by pauses. */
  as(step: StepKind, edit: () => void): void {
    for (const manager of this.managers.values()) {
      if (step === "new") manager.stopCapturing();
      else if (step === "same" && manager.undoStack.length > 0 && manager.lastChange > 0)
        manager.lastChange = Date.now();
    }
    this.mark = step;
    try {
      edit();
    } finally {
      this.mark = "";
    }
  }

  /** The kind of step of an update in the making, for the server's undo. */
  kindOf(origin: unknown): StepKind {
    if (origin instanceof UndoManager) return origin.redoing ? "redo" : "undo";
    return this.mark;
  }

  /** The server has all our edits. */
  settled(): void {
    for (const manager of this.managers.values()) {
      if (manager.undoStack.length > 0 || manager.redoStack.length > 0) {
        manager.clear();
        this.here.value += 1;
      }
    }
  }

  can(surface: Surface, redo: boolean): boolean {
    if (this.options.online())
      return (this.counts.value[surface]?.[redo ? 1 : 0] ?? 0) > 0 || this.waits(surface, redo);
    return this.waits(surface, redo);
  }

  back(surface: Surface): void {
    this.step(surface, false);
  }

  again(surface: Surface): void {
    this.step(surface, true);
  }

  /** The server took a step: `position` is the room offset that our copy stands at. */
  stepped(message: MessageOf<"stepped">, position: number): void {
    this.answered();
    const { surface, redo, kind, start, end, objects, offset } = message;
    let range: Acted["range"] = null;
    if (start !== null && end !== null && offset === position && this.doc) {
      const text = storyOf(this.doc).toString();
      range = { start: unitIndex(text, start), end: unitIndex(text, end) };
    }
    this.acted.value = { surface, redo, kind, range, objects };
  }

  /** The server took a step that it was asked for, or refused it. */
  answered(): void {
    this.asked = Math.max(0, this.asked - 1);
  }

  /** The connection is lost. */
  abandon(): void {
    this.asked = 0;
  }

  close(): void {
    for (const manager of this.managers.values()) manager.destroy();
  }

  /** Whether an edit that the server does not have can be undone here. */
  private waits(surface: Surface, redo: boolean): boolean {
    const manager = this.here.value >= 0 ? this.managers.get(surface) : undefined;
    return manager ? (redo ? manager.canRedo() : manager.canUndo()) : false;
  }

  private step(surface: Surface, redo: boolean): void {
    const late = this.options.online() && this.options.unanswered() >= LATE_MS;
    if (this.queued === 0 && !late) {
      this.take(surface, redo, false);
      return;
    }
    this.queued += 1;
    this.queue = this.queue.then(async () => {
      const left = GONE_MS - this.options.unanswered();
      const gone =
        !(left > 0 && (await this.options.whenSettled(left))) && this.options.unanswered() >= GONE_MS;
      this.queued -= 1;
      this.take(surface, redo, gone);
    });
  }

  private take(surface: Surface, redo: boolean, gone: boolean): void {
    const here = gone && this.asked === 0 && this.waits(surface, redo);
    if (this.options.online() && !here) {
      this.options.flush();
      const step = this.next;
      this.next += 1;
      const message: ClientMessage = redo
        ? { tag: "redo", surface, step }
        : { tag: "undo", run: null, surface, step };
      if (this.options.send(message)) this.asked += 1;
      return;
    }
    const manager = this.managers.get(surface);
    if (!manager || !this.waits(surface, redo)) {
      this.options.onNothing(redo);
      return;
    }
    const story = this.doc && storyOf(this.doc);
    let range: Acted["range"] = null;
    const note = (event: YTextEvent) => {
      const first = event.delta[0];
      const at = typeof first?.retain === "number" ? first.retain : 0;
      const inserted = event.delta.find((op) => typeof op.insert === "string");
      range = { start: at, end: at + (typeof inserted?.insert === "string" ? inserted.insert.length : 0) };
    };
    story?.observe(note);
    if (redo) manager.redo();
    else manager.undo();
    story?.unobserve(note);
    this.acted.value = { surface, redo, kind: "edit", range, objects: [] };
  }
}

/** UTF-16 index of a UTF-8 byte offset. */
export function unitIndex(text: string, bytes: number): number {
  let at = 0;
  let index = 0;
  while (at < bytes && index < text.length) {
    const code = text.codePointAt(index) ?? 0;
    at += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    index += code < 0x10000 ? 1 : 2;
  }
  return index;
}
