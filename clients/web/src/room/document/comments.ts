// Comments on passages: threads in the shared document, and what people do with them. The passages are marked in the
// text (editor/text/passages.ts).

import { signal } from "@preact/signals";
import type { Doc, Array as YArray, Map as YMap } from "yjs";
import type { Range, RoomPort } from "../roomPort";

/** Characters of a comment or of a reply. */
export const MAX_COMMENT = 4000;

export interface Reply {
  id: string;
  author: string;
  ms: number;
  text: string;
  /** Of a performer's: the run that wrote it. */
  run: string;
}
export interface Comment extends Omit<Reply, "id"> {
  id: string;
  /** The beginning of the passage when the comment was made. */
  quote: string;
  resolved: boolean;
  replies: readonly Reply[];
}

export class Comments {
  /** Oldest first. */
  readonly all = signal<readonly Comment[]>([]);
  /** Id of the open thread. */
  readonly open = signal<string | null>(null);
  private unfollow = () => {};

  constructor(
    private readonly port: RoomPort,
    private readonly newId: () => string,
    private readonly me: () => string | undefined,
  ) {}

  /** Resolves with the comment's id, or null when it did not arrive. */
  async add(range: () => Range | null, text: string): Promise<string | null> {
    const place = await this.port.locate(range);
    if (!place) return null;
    const id = this.newId();
    const arrived = () => this.find(id) !== undefined;
    return (await this.port.request({ tag: "comment", id, ...place, text }, id, arrived)) ? id : null;
  }

  /** Resolves false when it did not arrive. */
  reply(comment: string, text: string): Promise<boolean> {
    const mine = (each: Reply) => each.author === this.me();
    const count = () => this.find(comment)?.replies.filter(mine).length ?? 0;
    const before = count();
    return this.port.request({ tag: "reply", comment, text }, comment, () => count() > before);
  }

  resolve(comment: string, resolved: boolean): void {
    this.port.send({ tag: "resolve", comment, resolved });
  }

  /** A comment with its replies, or one reply. */
  remove(comment: string, reply: string | null = null): void {
    this.port.send({ tag: "delete_comment", comment, reply });
  }

  follow(doc: Doc): void {
    this.unfollow();
    const root = doc.getMap("comments") as YMap<YMap<unknown>>;
    const read = () => {
      const all = [...root.entries()].map(([id, entry]) => readComment(id, entry));
      this.all.value = all.sort((a, b) => a.ms - b.ms || (a.id < b.id ? -1 : 1));
      if (!root.has(this.open.peek() ?? "")) this.open.value = null;
    };
    root.observeDeep(read);
    this.unfollow = () => root.unobserveDeep(read);
    read();
  }

  close(): void {
    this.unfollow();
  }

  private find(id: string): Comment | undefined {
    return this.all.value.find((each) => each.id === id);
  }
}

const word = (value: unknown): string => (typeof value === "string" ? value : "");

function readComment(id: string, entry: YMap<unknown>): Comment {
  const replies = entry.get("replies") as YArray<Record<string, unknown>> | undefined;
  return {
    id,
    author: word(entry.get("author")),
    ms: Number(entry.get("ms")) || 0,
    text: word(entry.get("text")),
    quote: word(entry.get("quote")),
    resolved: entry.get("resolved") === true,
    run: word(entry.get("run")),
    replies: (replies?.toArray() ?? []).map((reply) => ({
      id: word(reply.id),
      author: word(reply.author),
      ms: Number(reply.ms) || 0,
      text: word(reply.text),
      run: word(reply.run),
    })),
  };
}
