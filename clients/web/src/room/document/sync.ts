// Keeps our copy of the document and the server's equal: sends batches, applies updates, handles rebuilds, refusals
// and digests.
//
// A refused change is never lost silently: what may succeed later is sent again; what cannot is removed from our copy
// and its text goes to `onRefused`.
//
// Over 350 lines: one state machine, whose transitions share its fields.

import { applyUpdate, type Doc, encodeStateVector, mergeUpdates } from "yjs";
import type { Clock, Timer } from "../../connection/clock";
import { Outbox } from "../../connection/outbox";
import type {
  AckStatus,
  ClientMessage,
  MessageOf,
  Resume,
  ServerMessage,
  StepKind,
  Welcome,
} from "../../protocol/messages";
import { digestLater, digestOf, insertedText, newDocument, REMOTE, RESTORED, storyOf } from "./document";
import type { Copy, UnsavedEdits } from "./offlineEdits";
import { rebased, wordsIn } from "./rebase";

export type RefusalReason =
  | Exclude<AckStatus, "applied" | "durable" | "remake">
  | "lineage"
  | "unsent"
  | "fields";

export interface Refusal {
  reason: RefusalReason;
  message: string;
  /** Text that was typed and is not in the room. */
  text: string;
}

export interface SyncOptions {
  clock: Clock;
  send(message: ClientMessage): boolean;
  /** Reconnect without a resume point. */
  restart(): void;
  /** The kind of step of a local update, for the server's undo. */
  kindOf(origin: unknown): StepKind;
  /** The document was replaced by another one. */
  onDocument(doc: Doc): void;
  onRefused(refusal: Refusal): void;
  /** `synced`, `saved` or `settled` may have changed. */
  onChange(): void;
}

/** One batch per this time, unless the room's limits ask for fewer. */
const BATCH_MS = 20;
/** Above this many units the digest is computed in pieces. */
const LONG = 50_000;
const HOLD_FIRST_MS = 500;
const HOLD_LONGEST_MS = 8000;
/** Attempts to apply our changes before they are returned to the person. */
const MAX_REMAKES = 4;
const MAX_UPDATE_DEFAULT = 192 * 1024;

export class Sync implements Copy {
  doc: Doc;
  /** Whether our copy has caught up since the last greeting. */
  synced = false;
  /** Our copy is about to be dropped: edits would be lost. */
  frozen = false;
  lineage: string | null = null;
  private epoch = "";
  private offset = 0;
  private session: string | null;
  private readonly outbox = new Outbox();
  private maxUpdate = MAX_UPDATE_DEFAULT;
  private batchMs = BATCH_MS;
  private flushTimer: Timer | null = null;
  private holdMs = 0;
  private held = false;
  private replaceNext = false;
  /** The waiting changes must be written again on top of the next rebuild. */
  private remaking = false;
  private remakes = 0;
  /** The Yjs client id that the server gave us; 0: none yet. */
  private leased = 0;
  private waiters: (() => void)[] = [];
  /** Since when a batch of ours is out and no answer has come; null: nothing is. */
  private unansweredSince: number | null = null;

  constructor(
    private readonly options: SyncOptions,
    session: string | null,
  ) {
    this.session = session;
    this.doc = this.listen(newDocument());
  }

  /** The resume point for `hello`; null when our copy cannot be continued. */
  get resume(): Resume | null {
    if (this.lineage === null || this.replaceNext) return null;
    return { lineage: this.lineage, epoch: this.epoch, offset: this.offset };
  }

  /** The Yjs client id that `hello` asks for. */
  get clientId(): number {
    return this.leased || this.doc.clientID;
  }

  get secret(): string | null {
    return this.session;
  }

  /** The room offset of our copy, for positions in requests. */
  get position(): number {
    return this.offset;
  }

  /** Everything we wrote is on the server's disk. */
  get saved(): boolean {
    return this.outbox.empty;
  }

  /** Text that was typed here and may not be in the room. */
  get unsentText(): string {
    return insertedText(
      this.outbox
        .waiting()
        .map((batch) => batch.update)
        .concat(this.outbox.unsent()),
      this.doc,
    );
  }

  /** See `Copy`. */
  get waits(): boolean {
    return !this.outbox.empty;
  }

  /** See `Copy`. */
  unsaved(): Uint8Array | null {
    const updates = this.outbox.updates();
    return updates.length > 0 ? mergeUpdates(updates) : null;
  }

  /** See `Copy`. */
  restore({ lineage, update }: UnsavedEdits): boolean {
    if (lineage !== this.lineage) {
      const text = insertedText([update], this.doc);
      if (text) this.options.onRefused({ reason: "lineage", message: "", text });
      return false;
    }
    const before = encodeStateVector(this.doc);
    applyUpdate(this.doc, update, RESTORED);
    return encodeStateVector(this.doc).some((byte, index) => byte !== before[index]);
  }

  /** Most bytes that one update may have. */
  get maxUpdateBytes(): number {
    return this.maxUpdate;
  }

  /** The server has applied all we wrote, and we have all that came before it. */
  get settled(): boolean {
    return this.synced && !this.outbox.unapplied;
  }

  /** For how many milliseconds the server has not answered what we sent. */
  get unanswered(): number {
    return this.unansweredSince === null ? 0 : this.options.clock.now() - this.unansweredSince;
  }

  /** Resolves true when `settled`, false when that takes longer than `ms`. */
  whenSettled(ms: number): Promise<boolean> {
    this.flush();
    if (this.settled) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = this.options.clock.after(ms, () => finish(false));
      const check = () => {
        if (this.settled) finish(true);
      };
      const finish = (result: boolean) => {
        timer.cancel();
        this.waiters = this.waiters.filter((waiter) => waiter !== check);
        resolve(result);
      };
      this.waiters.push(check);
    });
  }

  /** The connection was lost; changes are kept until it is back. */
  disconnected(): void {
    this.synced = false;
    this.unansweredSince = null;
    this.changed();
  }

  receive(message: ServerMessage): void {
    switch (message.tag) {
      case "welcome":
        this.welcome(message);
        break;
      case "rebuild":
        this.rebuild(message);
        break;
      case "update":
        applyUpdate(this.doc, message.update, REMOTE);
        this.offset = message.offset;
        break;
      case "ack":
        this.acknowledged(message);
        break;
      case "digest":
        this.compare(message);
        break;
      case "error":
        // No rebuild will come: the next digest asks again.
        if (message.re === "resync") this.replaceNext = false;
        break;
      default:
        return;
    }
    this.changed();
  }

  /** Sends waiting edits now (before a request that depends on them). */
  flush(): void {
    this.flushTimer?.cancel();
    this.flushTimer = null;
    if (!this.synced || this.held) return;
    for (let batch = this.outbox.take(this.maxUpdate); batch; batch = this.outbox.take(this.maxUpdate)) {
      this.options.send({ tag: "edit", batch: batch.number, update: batch.update, step: batch.step });
      this.unansweredSince ??= this.options.clock.now();
    }
  }

  close(): void {
    this.flush();
    this.flushTimer?.cancel();
    this.doc.destroy();
  }

  private listen(doc: Doc): Doc {
    doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin === REMOTE) return;
      this.outbox.add(update, this.options.kindOf(origin));
      this.schedule(this.batchMs);
      this.changed();
    });
    return doc;
  }

  private schedule(ms: number): void {
    this.flushTimer ??= this.options.clock.after(ms, () => this.flush());
  }

  private welcome(message: Welcome): void {
    this.maxUpdate = Math.min(MAX_UPDATE_DEFAULT, message.limits.max_update);
    this.batchMs = Math.max(BATCH_MS, 1250 / Math.max(1, message.limits.edits_per_second));
    this.held = false;
    if (this.lineage !== null && this.lineage !== message.lineage) {
      this.dropCopy("lineage", "");
    }
    this.outbox.resume(this.session === message.session, message.last_batch);
    this.session = message.session;
    this.lease(message.client_id);
    if (message.resumed && this.remaking) this.options.restart();
    else if (message.resumed) this.caughtUp();
  }

  /** Uses this client id from now on; changes that wait under another one are written again. */
  private lease(client: number): void {
    this.leased = client;
    if (client === 0 || client === this.doc.clientID) return;
    if (this.outbox.empty) this.doc.clientID = client;
    else this.replaceNext = this.remaking = true;
  }

  private rebuild(message: MessageOf<"rebuild">): void {
    if (this.lineage !== null && this.lineage !== message.lineage && !this.replaceNext) {
      this.dropCopy("lineage", "");
    }
    if (this.replaceNext) {
      this.replaceNext = false;
      this.replace(message.update);
    } else {
      applyUpdate(this.doc, message.update, REMOTE);
    }
    this.lineage = message.lineage;
    this.epoch = message.epoch;
    this.offset = message.offset;
    this.caughtUp();
  }

  /** Replaces our document by another one, with our waiting changes on top. */
  private replace(update: Uint8Array): void {
    const old = this.doc;
    const fresh = newDocument();
    applyUpdate(fresh, update, REMOTE);
    if (this.remaking) this.remake(old, fresh);
    for (const waiting of this.outbox.updates()) applyUpdate(fresh, waiting, REMOTE);
    // Yjs changes its id when an update contains it; we keep the id of our greeting.
    fresh.clientID = this.clientId;
    this.frozen = false;
    this.doc = this.listen(fresh);
    this.options.onDocument(fresh);
    old.destroy();
  }

  /** Writes the waiting changes again under our id, on top of what the room has. */
  private remake(old: Doc, fresh: Doc): void {
    this.remaking = false;
    const ours = (id: number) => id === this.leased && id === old.clientID && this.remakes < 2;
    const { updates, homeless } = rebased(this.outbox.updates(), old, fresh, this.clientId, ours);
    this.outbox.remake(updates);
    const text = homeless.map((item) => wordsIn(item)).join("");
    if (text) this.options.onRefused({ reason: "invalid", message: "", text });
  }

  private caughtUp(): void {
    if (!this.synced) this.sendAgain();
    this.synced = true;
    this.flush();
  }

  private acknowledged({ batch, status, offset, message }: MessageOf<"ack">): void {
    switch (status) {
      case "applied":
        this.outbox.applied(batch);
        this.unansweredSince = this.outbox.waiting().length > 0 ? this.options.clock.now() : null;
        // All updates up to here have arrived before it; a tick with only our edits has no echo.
        this.offset = Math.max(this.offset, offset);
        this.holdMs = 0;
        return;
      case "durable":
        this.outbox.applied(batch);
        this.outbox.durable(batch);
        this.remakes = 0;
        return;
      case "remake":
        this.again(message);
        return;
      case "rate_limited":
      case "unavailable":
        this.hold();
        return;
      default:
        this.abandon(status, message);
    }
  }

  /** The room refuses the batch as it is: gets its copy, and writes our waiting changes again. */
  private again(message: string): void {
    if (this.remaking) return; // an answer to an earlier batch
    this.remakes += 1;
    if (this.remakes > MAX_REMAKES) {
      this.abandon("invalid", message);
      return;
    }
    this.replaceNext = this.remaking = true;
    this.synced = false;
    this.options.restart();
  }

  /** Refused for now: waits, then sends the batch and the following ones again. */
  private hold(): void {
    if (this.held) return;
    this.held = true;
    this.holdMs = Math.min(HOLD_LONGEST_MS, Math.max(HOLD_FIRST_MS, this.holdMs * 2));
    this.options.clock.after(this.holdMs, () => {
      this.held = false;
      if (!this.synced) return;
      this.sendAgain();
      this.flush();
    });
  }

  private sendAgain(): void {
    for (const batch of this.outbox.waiting()) {
      this.unansweredSince = this.options.clock.now();
      this.options.send({ tag: "edit", batch: batch.number, update: batch.update, step: batch.step });
    }
  }

  /**
   * Refused for good. Later edits depend on it in Yjs's counting, so the whole copy is dropped: a new
   * document under a new client id, and the text is offered to the person.
   */
  private abandon(reason: RefusalReason, message: string): void {
    this.dropCopy(reason, message);
    this.leased = 0;
    this.doc.clientID = newDocument().clientID;
    this.synced = false;
    this.options.restart();
  }

  private dropCopy(reason: RefusalReason, message: string): void {
    const text = insertedText(this.outbox.drain(), this.doc);
    this.replaceNext = true;
    this.remaking = false;
    this.frozen = true;
    if (text || reason !== "lineage") this.options.onRefused({ reason, message, text });
  }

  private compare({ offset, sha256 }: MessageOf<"digest">): void {
    if (!this.settled || offset !== this.offset || this.replaceNext) return;
    const { doc } = this;
    const ours = storyOf(doc).toString();
    const judge = (digest: Uint8Array) => {
      // Later edits do not matter: the copies differed at this point of the log.
      if (digest.every((byte, index) => byte === sha256[index]) || this.doc !== doc || this.replaceNext)
        return;
      this.replaceNext = true;
      this.options.send({ tag: "resync", reason: "the copy differs from the digest" });
    };
    // For a novel this takes longer than a key may.
    if (ours.length > LONG) void digestLater(ours).then(judge);
    else judge(digestOf(ours));
  }

  private changed(): void {
    for (const waiter of [...this.waiters]) waiter();
    this.options.onChange();
  }
}
