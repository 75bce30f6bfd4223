// A room as this tab sees it: signals for the interface to show, and commands for it to call.
//
// Over 350 lines: this file builds the parts and gives each message of the server to the part that needs it (`receive`).
// What the parts do is in their own files.

import { type Signal, signal } from "@preact/signals";
import type { Doc } from "yjs";
import { Previews } from "../canvas/pictures/previews";
import { type Clock, type ClockOffset, systemClock } from "../connection/clock";
import { Link, type Socket } from "../connection/link";
import type { Phase } from "../connection/phase";
import type {
  ClientMessage,
  MessageOf,
  ModelInfo,
  RunInfo,
  ServerMessage,
  Version,
  Welcome,
} from "../protocol/messages";
import { VERSION } from "../protocol/messages";
import { Chat } from "./document/chat";
import { Codex } from "./document/codex";
import { Comments } from "./document/comments";
import { Dictionary } from "./document/dictionary";
import { byteOffset, storyOf } from "./document/document";
import { EditBackup } from "./document/editBackup";
import type { UnsavedStore } from "./document/offlineEdits";
import { Settings } from "./document/settings";
import { Style } from "./document/style";
import { type Refusal, Sync } from "./document/sync";
import { Drafts, isDraft } from "./drafts";
import { HistoryApi } from "./http/historyApi";
import { Invites } from "./http/invites";
import { Manuscripts } from "./http/manuscripts";
import { Pictures } from "./http/pictures";
import { RoomHttp } from "./http/roomHttp";
import { SearchApi } from "./http/searchApi";
import { SpellingApi } from "./http/spellingApi";
import { JamChannel } from "./jamChannel";
import { Members } from "./members";
import { Notices } from "./notices";
import { PendingRequests } from "./pendingRequests";
import { Performers } from "./performers";
import { PresenceSender } from "./presenceSender";
import type { Place, Range, RoomPort } from "./roomPort";
import { BEGINNING, RunRequests } from "./runRequests";
import { isActive, isPainting, Runs } from "./runs";
import { Search } from "./search";
import { FieldDrafts, type Keeper } from "./storage/fieldDrafts";
import { TextModel } from "./textModel";
import { RunTokens } from "./tokens";
import { UndoSteps } from "./undoSteps";

export interface RoomOptions {
  token: string;
  name: string;
  session: string | null;
  connect(): Socket;
  clock?: Clock;
  random?(): number;
  /** Keeps the text of fields beyond the page. */
  fieldDrafts?: Keeper;
  /** Keeps unsaved edits beyond the page. */
  unsavedStore?: Promise<UnsavedStore | null>;
}

/** An id that nobody else draws: 72 random bits, in small letters and digits. */
const newId = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(14)), (byte) => (byte % 36).toString(36)).join("");

/** How long a request to the AI waits for our last edits to arrive. */
const SETTLE_MS = 3000;
/** A finished picture has been downloaded by then. */
const PREVIEW_LASTS_MS = 8000;

export class Room implements RoomPort {
  readonly phase = signal<Phase>({ name: "connecting" });
  readonly doc = signal<Doc>(undefined as unknown as Doc);
  readonly members = new Members();
  readonly runs = new Runs();
  readonly previews = new Previews();
  readonly models = signal<readonly ModelInfo[]>([]);
  readonly links = signal<Record<string, string>>({});
  /** Characters of the story by participant, as the server counts them. */
  readonly shares = signal<ReadonlyMap<string, number>>(new Map());
  readonly settings = new Settings();
  readonly tokens = new RunTokens(this);
  readonly drafts = new Drafts();
  readonly requests = new RunRequests(this, this.runs);
  /** Our own actions, for undo and redo. */
  readonly undoSteps = new UndoSteps({
    online: () => this.phase.value.name === "open" && this.synced.value,
    send: (message) => this.send(message),
    flush: () => this.flush(),
    unanswered: () => this.sync.unanswered,
    whenSettled: (ms) => this.sync.whenSettled(ms),
    onNothing: (redo) => this.notices.add(redo ? "redo_offline" : "undo_offline"),
  });
  readonly textModel = new TextModel(this.models, this.settings.textModel);
  readonly chat = new Chat(
    this,
    () => this.members.me.peek()?.id,
    () => this.textModel.chosen.peek(),
  );
  readonly comments = new Comments(this, newId, () => this.members.me.peek()?.id);
  /** Text in this tab's fields that was not sent. */
  readonly fieldDrafts: FieldDrafts;
  readonly style = new Style(this);
  readonly codex = new Codex(this);
  readonly performers = new Performers(this, newId);
  readonly dictionary = new Dictionary();
  readonly http = new RoomHttp(() => ({ room: this.id, token: this.token.peek(), session: this.session }));
  readonly pictures = new Pictures(this.http);
  readonly manuscripts = new Manuscripts(this.http);
  readonly history = new HistoryApi(this.http);
  readonly invites = new Invites(this.http);
  readonly spelling = new SpellingApi(this.http);
  private readonly searchApi = new SearchApi(this.http);
  readonly search = new Search((query, signal) => this.searchApi.find(query, signal));
  /** Named points of the history, oldest first. */
  readonly versions = signal<readonly Version[]>([]);
  readonly synced = signal(false);
  readonly saved = signal(true);
  /** The server has applied all that this page wrote, and we have all that came before it. */
  readonly settled = signal(true);
  /** The browser's copy of unsaved edits. */
  readonly backup: EditBackup;
  readonly frozen = signal(false);
  readonly refusals = signal<readonly Refusal[]>([]);
  readonly notices: Notices;
  readonly presenceSender: PresenceSender;
  readonly jam = new JamChannel((message) => this.send(message));
  /** Whether we have ever been in the room. */
  readonly entered = signal(false);
  maxDocument = Number.POSITIVE_INFINITY;
  /** Points of one stroke. */
  maxPoints = 1000;

  /** Parts that read and write the shared document; `follow` gives them another copy of it. */
  private readonly parts = [
    this.undoSteps,
    this.chat,
    this.comments,
    this.style,
    this.codex,
    this.dictionary,
    this.settings,
  ];
  private readonly link: Link;
  private readonly sync: Sync;
  private readonly pending: PendingRequests;
  private readonly clock: Clock;
  private id = "";
  /** The token that opens the room: the link's, later the one that the server gave to this member. */
  readonly token: Signal<string>;

  constructor(private readonly options: RoomOptions) {
    this.token = signal(options.token);
    this.clock = options.clock ?? systemClock;
    this.notices = new Notices(this.clock);
    this.fieldDrafts = new FieldDrafts(options.fieldDrafts);
    this.pending = new PendingRequests(this.clock);
    this.presenceSender = new PresenceSender(options.name, this.clock, (message) => this.link.send(message));
    this.sync = new Sync(
      {
        clock: this.clock,
        send: (message) => this.link.send(message),
        restart: () => this.link.restart(),
        kindOf: (origin) => this.undoSteps.kindOf(origin),
        onDocument: (doc) => {
          this.doc.value = doc;
          this.follow(doc);
        },
        onRefused: (refusal) => {
          this.refusals.value = [...this.refusals.value, refusal];
        },
        onChange: () => {
          this.synced.value = this.sync.synced;
          this.saved.value = this.sync.saved;
          this.settled.value = this.sync.settled;
          this.frozen.value = this.sync.frozen;
          if (this.sync.settled) this.undoSteps.settled();
          if (this.sync.synced) this.backup.synced();
          this.backup.changed();
        },
      },
      options.session,
    );
    this.doc.value = this.sync.doc;
    this.follow(this.sync.doc);
    this.backup = new EditBackup(this.sync, options.unsavedStore, this.clock, () =>
      this.notices.add("restored"),
    );
    this.link = new Link({
      connect: options.connect,
      hello: () => this.hello(),
      clock: this.clock,
      random: options.random ?? Math.random,
      onPhase: (phase) => this.onPhase(phase),
      onMessage: (message) => this.receive(message),
    });
  }

  enter(): void {
    this.link.start();
  }

  leave(): void {
    this.backup.close();
    for (const part of this.parts) part.close();
    this.sync.close();
    this.link.close();
    this.pictures.close();
    this.previews.clear();
  }

  /** Connect now instead of when the back-off says. */
  retry(): void {
    this.link.retry();
  }

  /** The session secret: with it the next visit of this tab is the same participant. */
  get session(): string | null {
    return this.sync.secret;
  }

  /** Text typed here, or in an earlier page of this tab, that may not be in the room: shown when the room is closed. */
  get unsentText(): string {
    return [this.sync.unsentText, this.backup.leftOver.value].filter(Boolean).join("\n\n");
  }

  /** Whether nothing would be lost if the page closed now. */
  get safe(): boolean {
    return this.saved.peek() || this.backup.kept.peek();
  }

  get maxUpdateBytes(): number {
    return this.sync.maxUpdateBytes;
  }

  /** The server's clock, Unix milliseconds. */
  serverNow(): number {
    return this.clock.now() + this.link.offset.value;
  }

  /** The estimate of the server's clock. */
  get clockOffset(): ClockOffset {
    return this.link.offset;
  }

  /** Takes another sample of the server's clock. */
  ping(): void {
    this.link.ping();
  }

  /** See `RoomPort`. */
  async whenSettled(): Promise<boolean> {
    if (await this.sync.whenSettled(SETTLE_MS)) return true;
    this.notices.add("not_connected");
    return false;
  }

  /** See `RoomPort`. */
  placeOf({ start, end }: Range): Place {
    const text = storyOf(this.sync.doc).toString();
    return { offset: this.sync.position, start: byteOffset(text, start), end: byteOffset(text, end) };
  }

  /** See `RoomPort`. */
  async locate(range: () => Range | null): Promise<Place | null> {
    if (!(await this.whenSettled())) return null;
    const found = range();
    return found && this.placeOf(found); // null: somebody has changed it since
  }

  private follow(doc: Doc): void {
    for (const part of this.parts) part.follow(doc);
  }

  /** See `RoomPort`. */
  request(message: ClientMessage, ref: string, arrived: () => boolean): Promise<boolean> {
    if (!this.send(message)) return Promise.resolve(false);
    return this.pending.wait(message.tag, ref, arrived);
  }

  /** See `RoomPort`. */
  flush(): void {
    this.sync.flush();
  }

  removeMember(participant: string, everywhere: boolean): void {
    if (this.send({ tag: "revoke", participant, everywhere })) this.members.markRemoved(participant);
  }

  dismissRefusal(refusal: Refusal): void {
    this.refusals.value = this.refusals.value.filter((each) => each !== refusal);
  }

  private hello(): MessageOf<"hello"> {
    return {
      tag: "hello",
      version: VERSION,
      token: this.token.peek(),
      name: this.options.name,
      client_id: this.sync.clientId,
      session: this.sync.secret,
      resume: this.sync.resume,
      capabilities: ["tokens"],
      agent: "antiphon-web",
      kind: "human",
    };
  }

  private onPhase(phase: Phase): void {
    if (phase.name !== "open") {
      this.sync.disconnected();
      this.runs.abandon();
      this.style.abandon();
      this.tokens.abandon();
      this.undoSteps.abandon();
      this.jam.lost();
    }
    this.phase.value = phase;
  }

  private receive(message: ServerMessage): void {
    this.sync.receive(message);
    this.jam.receive(message);
    switch (message.tag) {
      case "welcome":
        this.welcome(message);
        break;
      case "joined":
        this.members.onJoined(message.participant);
        break;
      case "left":
        this.members.onLeft(message.participant);
        break;
      case "presence":
        this.members.onPresence(message);
        break;
      case "run":
        this.run(message);
        break;
      case "steered":
        this.runs.tookEffect(message.run, message.epoch, message.made);
        break;
      case "tokens":
        this.drafts.onTokens(this.runs.all.value.get(message.run), message.tokens);
        this.runs.progress(message.run, message.epoch, (message.tokens.at(-1)?.index ?? -1) + 1);
        this.tokens.onTokens(message.run, message.tokens);
        break;
      case "preview":
        void this.previews.onPreview(message, this.runs.all.value.get(message.run));
        break;
      case "models":
        this.models.value = message.models;
        break;
      case "shares":
        this.shares.value = new Map(Object.entries(message.people));
        break;
      case "versions":
        this.versions.value = message.versions;
        break;
      case "stepped":
        this.undoSteps.stepped(message, this.sync.position);
        break;
      case "steps":
        this.undoSteps.counts.value = message.steps;
        break;
      case "performers":
        this.performers.onPerformers(message);
        break;
      case "codex":
        this.codex.onCodex(message);
        break;
      case "learned":
        this.style.onLearned(message);
        break;
      case "links":
        this.links.value = message.links;
        break;
      case "pass":
        this.token.value = message.token;
        break;
      case "go_away":
        this.notices.add("draining", message.reason);
        break;
      case "error":
        this.error(message);
        break;
      default:
        break;
    }
    this.pending.check();
  }

  private welcome(message: Welcome): void {
    this.members.onWelcome(message);
    this.performers.onWelcome();
    this.drafts.clear();
    this.undoSteps.counts.value = {};
    this.chat.entered(message.server_ms);
    this.runs.replace(message.runs);
    this.models.value = message.models;
    this.previews.clear();
    this.id = message.room;
    this.maxPoints = message.limits.max_points || this.maxPoints;
    this.maxDocument = message.limits.max_document;
    this.entered.value = true;
    this.pending.reconnected();
    this.presenceSender.again();
    for (const run of message.runs) if (isActive(run) && isDraft(run)) void this.tokens.whenKnown(run);
  }

  private run({ run, ask }: MessageOf<"run">): void {
    if (this.runs.update(run)) this.runFailed(run);
    this.drafts.follow(run);
    this.previews.follow(run);
    if (run.state === "done") this.clock.after(PREVIEW_LASTS_MS, () => this.previews.forget(run.id));
    if (ask > 0 && run.participant === this.members.me.value?.id) this.runs.settle(ask, run);
  }

  /** Tells who asked; the others see the run's card. */
  private runFailed(run: RunInfo): void {
    if (run.participant !== this.members.me.value?.id) return;
    // A frame that was removed meanwhile is no failure of the run.
    if (isPainting(run) && run.error_code === "conflict") this.notices.add("frame_gone");
    else this.notices.add("run_failed", run.error, run.error_code);
  }

  private error(error: MessageOf<"error">): void {
    const { code, message, re, ref } = error;
    this.pending.refused(re, ref);
    if (BEGINNING.has(re)) this.runs.settle(Number(ref), null);
    if (re === "learn_style") this.style.abandon();
    if (re === "undo" || re === "redo") this.undoSteps.answered();
    if (re === "recall") {
      this.tokens.refused(error);
      return; // the card shows what is known
    }
    this.notices.add("request_failed", message, code);
  }

  /** See `RoomPort`. */
  send(message: ClientMessage): boolean {
    if (this.link.send(message)) return true;
    this.notices.add("not_connected");
    return false;
  }
}
