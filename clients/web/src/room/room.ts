// A room as this tab sees it: signals for the interface to show, and commands for it to call.
//
// Longer than most files since its parts meet here: what they do is in their own files (chat, comments, settings, writing,
// showing, sync, ...), who hears which message of the server is in `receive`.

import { type Signal, signal } from "@preact/signals";
import type { Doc } from "yjs";
import { Previews } from "../canvas/pictures/previews";
import { type Clock, type ClockOffset, systemClock } from "../connection/clock";
import { Link, type Socket } from "../connection/link";
import type { Phase } from "../connection/phase";
import type {
  ClientMessage,
  ImageParams,
  ImageTask,
  MessageOf,
  ModelInfo,
  Participant,
  Right,
  RunInfo,
  ServerMessage,
  TextSteer,
  Version,
  Welcome,
} from "../protocol/messages";
import { VERSION } from "../protocol/messages";
import { Chat } from "./document/chat";
import { Comments } from "./document/comments";
import { byteOffset, insertedText, newDocument, storyOf } from "./document/document";
import { OfflineEdits, type UnsavedStore } from "./document/offlineEdits";
import { Settings } from "./document/settings";
import { Style } from "./document/style";
import { type Refusal, Sync } from "./document/sync";
import { Drafts, isDraft } from "./drafts";
import { HistoryApi } from "./http/historyApi";
import { type JamFile, jamFile } from "./http/httpApi";
import { Invites } from "./http/invites";
import { Manuscripts } from "./http/manuscripts";
import { Pictures } from "./http/pictures";
import { JamChannel } from "./jamChannel";
import { Notices } from "./notices";
import { PendingRequests } from "./pendingRequests";
import { type Presence, readPresence } from "./presence";
import { PresenceSender } from "./presenceSender";
import type { Place, Range, RoomPort } from "./roomPort";
import { isActive, isPainting, Runs } from "./runs";
import { FieldDrafts, type Keeper } from "./storage/fieldDrafts";
import { StoryRequests } from "./storyRequests";
import { RunTokens } from "./tokens";
import { UndoSteps } from "./undoSteps";

export interface RoomOptions {
  token: string;
  name: string;
  session: string | null;
  connect(): Socket;
  clock?: Clock;
  random?(): number;
  /** Where the words of fields outlive the page. */
  fieldDrafts?: Keeper;
  /** Where edits that are not saved outlive it. */
  unsavedStore?: Promise<UnsavedStore | null>;
}

/** Requests that a run answers: an error of one of them settles it. */
const ASKING = new Set(["ask", "paint", "perform", "replace_token", "retry"]);
/** An id that nobody else draws: 72 random bits, in small letters and digits. */
const newId = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(14)), (byte) => (byte % 36).toString(36)).join("");

/** How long a request to the AI waits for our own last words to arrive. */
const SETTLE_MS = 3000;
/** A finished picture has come down by then. */
const PREVIEW_LASTS_MS = 8000;

export class Room implements RoomPort {
  readonly phase = signal<Phase>({ name: "connecting" });
  readonly doc = signal<Doc>(undefined as unknown as Doc);
  readonly me = signal<Participant | null>(null);
  readonly people = signal<ReadonlyMap<string, Participant>>(new Map());
  readonly presences = signal<ReadonlyMap<string, Presence>>(new Map());
  readonly runs = new Runs();
  readonly previews = new Previews();
  readonly pictures: Pictures;
  readonly models = signal<readonly ModelInfo[]>([]);
  readonly links = signal<Record<string, string>>({});
  /** Characters of the story by participant, as the server counts them. */
  readonly shares = signal<ReadonlyMap<string, number>>(new Map());
  readonly settings = new Settings();
  readonly tokens = new RunTokens(this);
  readonly drafts = new Drafts();
  readonly writing = new StoryRequests(this, this.runs);
  /** Our own actions, to be taken back and done again. */
  readonly undoSteps = new UndoSteps({
    online: () => this.phase.value.name === "open" && this.synced.value,
    send: (message) => this.send(message),
    flush: () => this.flush(),
    onNothing: (redo) => this.notices.add(redo ? "redo_offline" : "undo_offline"),
  });
  readonly chat = new Chat(this, () => this.me.peek()?.id);
  readonly comments = new Comments(this, newId, () => this.me.peek()?.id);
  /** What stands in this tab's fields and is not in the room. */
  readonly fieldDrafts: FieldDrafts;
  readonly style = new Style(this);
  readonly history: HistoryApi;
  readonly invites: Invites;
  /** Points of the history that were given a name, oldest first. */
  readonly versions = signal<readonly Version[]>([]);
  /** What we may do, beyond what our role says. */
  readonly rights = signal<ReadonlySet<Right>>(new Set());
  readonly manuscripts: Manuscripts;
  readonly synced = signal(false);
  readonly saved = signal(true);
  /** The server has applied all that this page wrote, and we have all that came before it. */
  readonly settled = signal(true);
  /** What is not saved would outlive the page. */
  readonly kept = signal(false);
  /** This browser keeps nothing: what is not saved lives in this page only. */
  readonly unkept = signal(false);
  /** The words among what an earlier page left, as long as they are not in the text. */
  private readonly leftOver = signal("");
  readonly frozen = signal(false);
  readonly refusals = signal<readonly Refusal[]>([]);
  readonly notices: Notices;
  readonly presenceSender: PresenceSender;
  readonly jam = new JamChannel((message) => this.send(message));
  /** Members whom we put out. */
  readonly removed = signal<ReadonlyMap<string, true>>(new Map());
  /** Whether the room has ever been reached. */
  readonly entered = signal(false);
  maxDocument = Number.POSITIVE_INFINITY;
  /** Points of one stroke. */
  maxPoints = 1000;

  private readonly link: Link;
  private readonly sync: Sync;
  private readonly pending: PendingRequests;
  private keeping: OfflineEdits | null = null;
  private gone = false;
  private readonly clock: Clock;
  private id = "";
  /** What opens the room: the link's token, then the pass that the server gave to this member. */
  readonly token: Signal<string>;

  constructor(private readonly options: RoomOptions) {
    this.token = signal(options.token);
    this.clock = options.clock ?? systemClock;
    this.notices = new Notices(this.clock);
    this.fieldDrafts = new FieldDrafts(options.fieldDrafts);
    this.pending = new PendingRequests(this.clock);
    this.presenceSender = new PresenceSender(options.name, this.clock, (message) => this.link.send(message));
    this.pictures = new Pictures(
      () => this.id,
      () => this.token.peek(),
    );
    this.manuscripts = new Manuscripts(
      () => this.id,
      () => this.token.peek(),
    );
    this.history = new HistoryApi(
      () => this.id,
      () => this.token.peek(),
      () => this.session,
    );
    this.invites = new Invites(
      () => this.id,
      () => this.token.peek(),
      () => this.session,
    );
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
          if (this.sync.synced) this.keeping?.synced();
          this.keeping?.changed();
        },
      },
      options.session,
    );
    this.doc.value = this.sync.doc;
    this.follow(this.sync.doc);
    void options.unsavedStore?.then((unsavedStore) => {
      const restored = () => this.notices.add("restored");
      this.unkept.value = !unsavedStore;
      if (!unsavedStore || this.gone) return;
      this.keeping = new OfflineEdits(this.sync, unsavedStore, this.clock, restored);
      this.keeping.kept.subscribe((kept) => {
        this.kept.value = kept;
      });
      this.keeping.broken.subscribe((broken) => {
        this.unkept.value = broken;
      });
      this.keeping.left.subscribe((found) => {
        const updates = found.map(({ update }) => update);
        this.leftOver.value = updates.length > 0 ? insertedText(updates, newDocument()) : "";
      });
    });
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
    this.gone = true;
    this.keeping?.close();
    this.undoSteps.close();
    this.chat.close();
    this.comments.close();
    this.style.close();
    this.settings.close();
    this.sync.close();
    this.link.close();
    this.pictures.close();
    this.previews.clear();
  }

  /** Connect now instead of when the back-off says. */
  retry(): void {
    this.link.retry();
  }

  /** The secret that makes the next visit of this tab the same participant. */
  get session(): string | null {
    return this.sync.secret;
  }

  /** What was typed here, or in an earlier page of this tab, and may not be in the room: for when there is no way in. */
  get unsentText(): string {
    return [this.sync.unsentText, this.leftOver.value].filter(Boolean).join("\n\n");
  }

  /** Whether nothing that was written here would be lost if the page went now. */
  get safe(): boolean {
    return this.saved.peek() || this.kept.peek();
  }

  /** The page may go any moment. */
  keepNow(): void {
    this.keeping?.now();
  }

  get maxUpdateBytes(): number {
    return this.sync.maxUpdateBytes;
  }

  get canEdit(): boolean {
    const role = this.me.value?.role;
    return role === "owner" || role === "editor";
  }

  /** Whether a run is ours to stop and to steer. */
  mayConduct(run: RunInfo): boolean {
    const me = this.me.value;
    return me !== null && (me.role === "owner" || (me.role === "editor" && run.participant === me.id));
  }

  /** The server's clock, Unix milliseconds. */
  serverNow(): number {
    return this.clock.now() + this.link.offset.value;
  }

  /** How the server's clock is known. */
  get clockOffset(): ClockOffset {
    return this.link.offset;
  }

  /** Another sample of the server's clock. */
  ping(): void {
    this.link.ping();
  }

  /** See `RoomPort`. */
  async locate(range: () => Range | null): Promise<Place | null> {
    if (!(await this.sync.whenSettled(SETTLE_MS))) {
      this.notices.add("not_connected");
      return null;
    }
    const text = storyOf(this.sync.doc).toString();
    const found = range();
    if (!found) return null; // somebody has changed it since
    const { start, end } = found;
    return { offset: this.sync.position, start: byteOffset(text, start), end: byteOffset(text, end) };
  }

  /**
   * Ask the AI to paint a frame, once the server has the frame and what is drawn in it. Resolves with the run, or null
   * when it was refused.
   */
  async paint(request: {
    frame: string;
    task: ImageTask;
    prompt: string;
    params: ImageParams;
    source: string | null;
    mask?: string | null;
    live?: boolean;
  }): Promise<RunInfo | null> {
    if (!(await this.sync.whenSettled(SETTLE_MS))) {
      this.notices.add("not_connected");
      return null;
    }
    const { ask: paint, answer } = this.runs.begin();
    if (!this.send({ tag: "paint", paint, mask: null, live: false, ...request }))
      this.runs.settle(paint, null);
    return answer;
  }

  /** Start the band. Resolves with its run, or null when it was refused. */
  async perform(): Promise<RunInfo | null> {
    const { ask: perform, answer } = this.runs.begin();
    if (!this.send({ tag: "perform", perform, seed: null })) this.runs.settle(perform, null);
    return answer;
  }

  /** What was played, as a file of the server's making. Throws ApiError. */
  jamFile(kind: JamFile): Promise<Blob> {
    return jamFile(this.id, this.token.peek(), kind);
  }

  private follow(doc: Doc): void {
    this.undoSteps.follow(doc);
    this.chat.follow(doc);
    this.comments.follow(doc);
    this.style.follow(doc);
    this.settings.follow(doc);
  }

  stop(run: string): void {
    this.send({ tag: "stop", run });
  }

  /** Whether the change came to be in force; of a run that ended first it did not. */
  steer(run: string, change: TextSteer): Promise<boolean> {
    const now = () => this.runs.all.value.get(run);
    const epoch = now()?.epoch ?? 0;
    let over = false;
    const arrived = () => {
      over = !isActive(now() ?? ({ state: "done" } as RunInfo));
      return over || this.runs.answered(run, epoch);
    };
    return this.request({ tag: "steer", run, change, image: null }, run, arrived).then(
      (done) => done && !over,
    );
  }

  /** See `RoomPort`. */
  request(message: ClientMessage, ref: string, arrived: () => boolean): Promise<boolean> {
    if (!this.send(message)) return Promise.resolve(false);
    return this.pending.wait(message.tag, ref, arrived);
  }

  /** Settle a suggestion, whole or only a range of it. */
  decide(verdict: "accept" | "reject", run: string, range: Range | null = null): void {
    const text = range ? storyOf(this.sync.doc).toString() : "";
    const start = range && byteOffset(text, range.start);
    const end = range && byteOffset(text, range.end);
    this.send({ tag: verdict, run, offset: this.sync.position, start, end });
  }

  /** See `RoomPort`. */
  flush(): void {
    this.sync.flush();
  }

  /** Take back what a run made. What is still on its way goes first. */
  undo(run: string): void {
    this.flush();
    this.send({ tag: "undo", run, surface: null, step: 0 });
  }

  /** Let another model serve all rooms. */
  useModel(modality: ModelInfo["modality"], model: string): void {
    this.send({ tag: "use_model", modality, model });
  }

  removeMember(participant: string, everywhere: boolean): void {
    if (this.send({ tag: "revoke", participant, everywhere })) this.put(this.removed, participant, true);
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
        this.put(this.people, message.participant.id, message.participant);
        if (message.participant.id === this.me.value?.id) this.me.value = message.participant;
        break;
      case "left":
        this.left(message.participant);
        break;
      case "presence":
        this.presence(message);
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
    this.me.value = message.participant;
    this.rights.value = new Set(message.rights);
    this.drafts.clear();
    this.undoSteps.counts.value = {};
    this.chat.entered(message.server_ms);
    this.people.value = new Map(message.participants.map((each) => [each.id, each]));
    this.runs.replace(message.runs);
    this.models.value = message.models;
    this.presences.value = new Map();
    this.previews.clear();
    this.id = message.room;
    this.maxPoints = message.limits.max_points || this.maxPoints;
    this.maxDocument = message.limits.max_document;
    this.entered.value = true;
    this.pending.reconnected();
    this.presenceSender.again();
    for (const run of message.runs) if (isActive(run) && isDraft(run)) void this.tokens.whenKnown(run);
  }

  /** Kept as absent: what they wrote and asked for still bears their name. */
  private left(id: string): void {
    this.remove(this.presences, id);
    const person = this.people.value.get(id);
    if (person) this.put(this.people, id, { ...person, online: false });
  }

  private presence(message: MessageOf<"presence">): void {
    const presence = readPresence(message.state);
    if (presence) this.put(this.presences, message.participant, presence);
    else this.remove(this.presences, message.participant);
  }

  private run({ run, ask }: MessageOf<"run">): void {
    if (this.runs.update(run)) this.runFailed(run);
    this.drafts.follow(run);
    this.previews.follow(run);
    if (run.state === "done") this.clock.after(PREVIEW_LASTS_MS, () => this.previews.forget(run.id));
    if (ask > 0 && run.participant === this.me.value?.id) this.runs.settle(ask, run);
  }

  private runFailed(run: RunInfo): void {
    // A frame that was taken away meanwhile is nobody's failure.
    if (isPainting(run) && run.error_code === "conflict") this.notices.add("frame_gone");
    else this.notices.add("run_failed", run.error, run.error_code);
  }

  private error(error: MessageOf<"error">): void {
    const { code, message, re, ref } = error;
    this.pending.refused(re, ref);
    if (ASKING.has(re)) this.runs.settle(Number(ref), null);
    if (re === "learn_style") this.style.abandon();
    if (re === "recall") {
      this.tokens.refused(error);
      return; // nobody asked for it by name: the card says what is known
    }
    this.notices.add("request_failed", message, code);
  }

  /** False, and the person is told, when there is no connection. */
  send(message: ClientMessage): boolean {
    if (this.link.send(message)) return true;
    this.notices.add("not_connected");
    return false;
  }

  private put<V>(target: { value: ReadonlyMap<string, V> }, key: string, value: V): void {
    target.value = new Map(target.value).set(key, value);
  }

  private remove<V>(target: { value: ReadonlyMap<string, V> }, key: string): void {
    const next = new Map(target.value);
    if (next.delete(key)) target.value = next;
  }
}
