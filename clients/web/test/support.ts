// A clock that a test moves by hand, and a socket whose other end is the test.

import type { Clock, Timer } from "../src/connection/clock";
import type { Socket } from "../src/connection/link";
import { decodeClient, encodeServer } from "../src/protocol/codec";
import type {
  ClientMessage,
  MessageOf,
  Participant,
  RunInfo,
  ServerMessage,
  Welcome,
} from "../src/protocol/messages";

export class FakeClock implements Clock {
  time = 1_000_000;
  private timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.time;
  }

  after(ms: number, callback: () => void): Timer {
    const timer = { at: this.time + ms, callback };
    this.timers.push(timer);
    return {
      cancel: () => {
        this.timers = this.timers.filter((each) => each !== timer);
      },
    };
  }

  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const due = this.timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.timers = this.timers.filter((each) => each !== due);
      this.time = due.at;
      due.callback();
    }
    this.time = end;
  }

  get waiting(): number {
    return this.timers.length;
  }
}

export class FakeSocket implements Socket {
  binaryType = "";
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  sent: ClientMessage[] = [];
  closedWith: number | null = null;

  send(data: Uint8Array): void {
    const message = decodeClient(data);
    if (message) this.sent.push(message);
  }

  close(code = 1000): void {
    this.closedWith = code;
  }

  open(): void {
    this.onopen?.();
  }

  say(message: ServerMessage): void {
    this.raw(encodeServer(message));
  }

  raw(data: Uint8Array): void {
    this.onmessage?.({ data: data.slice().buffer });
  }

  /** The other side, or the network, ends it. */
  end(code: number, reason = ""): void {
    this.onclose?.({ code, reason });
  }

  of<T extends ClientMessage["tag"]>(tag: T): MessageOf<T>[] {
    return this.sent.filter((message): message is MessageOf<T> & ClientMessage => message.tag === tag);
  }
}

export const ada: Participant = {
  id: "p_ada",
  name: "Ada",
  color: "#1f6feb",
  role: "owner",
  kind: "human",
  online: true,
};

export function welcome(changes: Partial<Welcome> = {}): Welcome {
  return {
    tag: "welcome",
    version: 1,
    room: "room",
    participant: ada,
    session: "secret",
    lineage: "lin",
    epoch: "ep",
    offset: 0,
    participants: [ada],
    runs: [],
    models: [],
    limits: {
      max_message: 8 << 20,
      max_update: 4 << 20,
      max_document: 16 << 20,
      max_runs: 8,
      edits_per_second: 200,
      max_asset: 16 << 20,
      max_asset_pixels: 16 << 20,
      max_objects: 5000,
      max_points: 4000,
      max_chat: 500,
      max_comments: 1000,
    },
    server_ms: 0,
    resumed: false,
    last_batch: 0,
    rights: [],
    client_id: 0,
    ...changes,
  };
}

export function run(changes: Partial<RunInfo> = {}): RunInfo {
  return {
    id: "run_1",
    epoch: 1,
    participant: "p_ada",
    author: "ai",
    task: "continue",
    mode: "write",
    state: "running",
    model: "smollm2",
    instruction: "",
    progress: 0,
    length: 120,
    position: 0,
    expected_start_ms: 0,
    seed: 0,
    suggestion: "none",
    undone: false,
    error_code: "",
    error: "",
    created_ms: 0,
    target: "",
    group: "",
    origin: "",
    text: "",
    thinned: "",
    fills: [],
    ...changes,
  };
}

/** Numbers that look random and are the same in every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
