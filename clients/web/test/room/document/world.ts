import { applyUpdate, Doc, encodeStateAsUpdate } from "yjs";
import type { ClientMessage, MessageOf } from "../../../src/protocol/messages";
import { digestOf, storyOf } from "../../../src/room/document/document";
import { type Refusal, Sync } from "../../../src/room/document/sync";
import { FakeClock, welcome } from "../../support";

/** A server's document, and a client that is synced with it. */
export class World {
  readonly clock = new FakeClock();
  server = new Doc();
  sent: ClientMessage[] = [];
  refusals: Refusal[] = [];
  documents: Doc[] = [];
  restarts = 0;
  open = true;
  lastBatch = 0;
  offset = 0;
  readonly sync: Sync;

  constructor() {
    this.sync = new Sync(
      {
        clock: this.clock,
        send: (message) => {
          if (this.open) this.sent.push(message);
          return this.open;
        },
        kindOf: () => "",
        restart: () => {
          this.restarts += 1;
        },
        onDocument: (doc) => this.documents.push(doc),
        onRefused: (refusal) => this.refusals.push(refusal),
        onChange: () => {},
      },
      null,
    );
  }

  /** Greets and sends the whole document. */
  join(changes: Partial<Parameters<typeof welcome>[0]> = {}): this {
    const lineage = changes?.lineage ?? "lin";
    this.open = true;
    this.sync.receive(welcome({ last_batch: this.lastBatch, ...changes }));
    if (!changes?.resumed) this.rebuild(lineage);
    return this;
  }

  rebuild(lineage = "lin"): void {
    this.sync.receive({
      tag: "rebuild",
      lineage,
      epoch: "ep",
      offset: this.offset,
      reason: "new",
      update: encodeStateAsUpdate(this.server),
    });
  }

  drop(): void {
    this.open = false;
    this.sync.disconnected();
  }

  type(text: string): void {
    const story = storyOf(this.sync.doc);
    story.insert(story.length, text);
  }

  edits(): MessageOf<"edit">[] {
    this.clock.advance(50);
    return this.sent.filter((message) => message.tag === "edit");
  }

  /** The server takes every edit that came and was not taken yet. */
  take(durable = true): void {
    for (const edit of this.edits()) {
      if (edit.batch <= this.lastBatch) continue;
      applyUpdate(this.server, edit.update);
      this.lastBatch = edit.batch;
      this.offset += 1;
      this.ack(edit.batch, "applied");
      if (durable) this.ack(edit.batch, "durable");
    }
  }

  ack(batch: number, status: MessageOf<"ack">["status"], message = ""): void {
    this.sync.receive({ tag: "ack", batch, status, offset: status === "applied" ? this.offset : 0, message });
  }

  /** Somebody else writes. */
  other(text: string): void {
    const before = encodeStateAsUpdate(this.server);
    const elsewhere = new Doc();
    applyUpdate(elsewhere, before);
    storyOf(elsewhere).insert(0, text);
    const update = encodeStateAsUpdate(elsewhere);
    applyUpdate(this.server, update);
    this.offset += 1;
    this.sync.receive({ tag: "update", offset: this.offset, update });
  }

  digest(text = this.serverText): void {
    this.sync.receive({ tag: "digest", offset: this.offset, sha256: digestOf(text) });
  }

  get text(): string {
    return storyOf(this.sync.doc).toString();
  }

  get serverText(): string {
    return storyOf(this.server).toString();
  }
}
