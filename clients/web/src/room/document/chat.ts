// The room's chat: its entries in the shared document, and sending a message.

import { signal } from "@preact/signals";
import type { Doc, Array as YArray, Map as YMap } from "yjs";
import type { RoomPort } from "../roomPort";

/** Most characters of one message. */
export const MAX_SAID = 4000;

export interface MessageItem {
  id: string;
  participant: string;
  text: string;
  ms: number;
  /** Of an answer of the model: the run that writes it. */
  run: string;
}

export class Chat {
  readonly entries = signal<readonly MessageItem[]>([]);
  /** Number of entries of others since the chat was last visible. */
  readonly unread = signal(0);
  /** Whether the chat is visible. */
  private looking = false;
  private seen = new Set<string>();
  /** Server time at which we entered: earlier entries are not unread. */
  private since = Number.POSITIVE_INFINITY;
  private nextSay = 1;
  private unfollow = () => {};

  constructor(
    private readonly port: RoomPort,
    private readonly me: () => string | undefined,
    private readonly model: () => string,
  ) {}

  /** `toModel`: the model answers in the chat, for everybody. Resolves false when the message did not arrive. */
  async say(text: string, toModel: boolean, at: () => number): Promise<boolean> {
    const place = await this.port.locate(() => ({ start: at(), end: at() }));
    if (!place) return false;
    const say = this.nextSay;
    this.nextSay += 1;
    const known = new Set(this.entries.value.map((entry) => entry.id));
    const arrived = () =>
      this.entries.value.some(({ id, participant }) => participant === this.me() && !known.has(id));
    const { offset, start } = place;
    return this.port.request(
      { tag: "say", say, text, to_ai: toModel, offset, at: start, model: this.model() },
      String(say),
      arrived,
    );
  }

  /** We have entered the room, at this server time. */
  entered(ms: number): void {
    this.since = Math.min(this.since, ms);
  }

  /** The chat is shown or hidden. */
  look(looking: boolean): void {
    this.looking = looking;
    this.count();
  }

  follow(doc: Doc): void {
    this.unfollow();
    const root = doc.getArray("chat") as YArray<YMap<unknown>>;
    const read = () => {
      this.entries.value = root.map(readEntry);
      this.count();
    };
    root.observeDeep(read);
    this.unfollow = () => root.unobserveDeep(read);
    read();
  }

  close(): void {
    this.unfollow();
  }

  private count(): void {
    const entries = this.entries.value;
    if (this.looking) this.seen = new Set(entries.map((entry) => entry.id));
    const me = this.me();
    this.unread.value = entries.filter(
      (entry) => entry.participant !== me && entry.ms > this.since && !this.seen.has(entry.id),
    ).length;
  }
}

const word = (value: unknown): string => (typeof value === "string" ? value : "");

function readEntry(entry: YMap<unknown>): MessageItem {
  return {
    id: word(entry.get("id")),
    participant: word(entry.get("participant")),
    text: word(entry.get("text")),
    ms: Number(entry.get("ms")) || 0,
    run: word(entry.get("run")),
  };
}
