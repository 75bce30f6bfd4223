// One connection to the server that reconnects by itself: socket, phases, greeting, pings, back-off. It knows messages
// and nothing of documents.

import { decodeServer, Malformed } from "../protocol/codec";
import { CloseCode, verdict } from "../protocol/errors";
import { Assembly, frames } from "../protocol/fragments";
import type { ClientMessage, MessageOf, ServerMessage } from "../protocol/messages";
import { Backoff, STABLE_MS } from "./backoff";
import { type Clock, ClockOffset, type Timer } from "./clock";
import { follow, type Phase, type PhaseEvent } from "./phase";

/** The part of WebSocket that a link uses. */
export interface Socket {
  binaryType: string;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  send(data: Uint8Array): void;
  close(code?: number, reason?: string): void;
}

export interface LinkOptions {
  connect(): Socket;
  hello(): MessageOf<"hello">;
  clock: Clock;
  random(): number;
  onPhase(phase: Phase): void;
  onMessage(message: ServerMessage): void;
}

const PING_MS = 10_000;
/** Silence after which the socket is dead, whatever TCP believes. */
const SILENCE_MS = 25_000;
const WELCOME_MS = 15_000;
const ABANDONED = 4000;

export class Link {
  phase: Phase = { name: "connecting" };
  readonly offset = new ClockOffset();
  private socket: Socket | null = null;
  private readonly assembly = new Assembly();
  private readonly backoff: Backoff;
  private heardMs = 0;
  private goAwayMs = 0;
  private retryTimer: Timer | null = null;
  private pingTimer: Timer | null = null;

  constructor(private readonly options: LinkOptions) {
    this.backoff = new Backoff(options.random);
  }

  /** Opens the first socket. */
  start(): void {
    this.options.onPhase(this.phase);
    this.open();
  }

  /** Sends when open; false when there is no connection. */
  send(message: ClientMessage): boolean {
    if (this.phase.name !== "open" || !this.socket) return false;
    for (const frame of frames(message)) this.socket.send(frame);
    return true;
  }

  /** Another sample of the server's clock, when open. */
  ping(): void {
    this.send({ tag: "ping", sent_ms: this.options.clock.now() });
  }

  /** Connect now: the network came back, or a person asked for it. */
  retry(): void {
    if (this.phase.name === "offline" || this.phase.name === "denied") this.reopen();
  }

  /** Reconnect with a new greeting (the copy of the document was dropped). */
  restart(): void {
    if (this.phase.name === "open") this.reopen();
  }

  close(): void {
    this.drop(CloseCode.NORMAL);
    this.move("leave", { name: "closed" });
  }

  private reopen(): void {
    this.drop(ABANDONED);
    this.move("retry", { name: "connecting" });
    this.open();
  }

  private open(): void {
    const socket = this.options.connect();
    this.socket = socket;
    this.assembly.reset();
    this.heardMs = this.options.clock.now();
    socket.binaryType = "arraybuffer";
    // Each handler answers for its own socket only: a late event of an abandoned one changes nothing.
    socket.onopen = () => {
      if (this.socket === socket) for (const frame of frames(this.options.hello())) socket.send(frame);
    };
    socket.onmessage = (event) => {
      if (this.socket === socket) this.receive(event.data);
    };
    socket.onclose = (event) => {
      if (this.socket === socket) this.lost(event.code, event.reason);
    };
    this.watch();
  }

  private watch(): void {
    this.pingTimer?.cancel();
    const wait = this.phase.name === "open" ? PING_MS : WELCOME_MS;
    this.pingTimer = this.options.clock.after(wait, () => {
      const now = this.options.clock.now();
      const patience = this.phase.name === "open" ? SILENCE_MS : WELCOME_MS;
      if (now - this.heardMs >= patience) {
        this.drop(ABANDONED);
        this.lost(0, "");
        return;
      }
      this.ping();
      this.watch();
    });
  }

  private receive(data: unknown): void {
    this.heardMs = this.options.clock.now();
    try {
      const message = this.read(data);
      if (message) this.onMessage(message);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      // A message that cannot be decoded: a new connection starts from a known state.
      console.error(error);
      this.drop(CloseCode.MALFORMED);
      this.lost(0, "");
    }
  }

  private read(data: unknown): ServerMessage | null {
    if (!(data instanceof ArrayBuffer)) throw new Malformed("expected binary frames");
    const message = decodeServer(new Uint8Array(data));
    if (message?.tag !== "fragment") return message;
    const whole = this.assembly.add(message);
    return whole ? decodeServer(whole) : null;
  }

  private onMessage(message: ServerMessage): void {
    const now = this.options.clock.now();
    if (message.tag === "welcome") {
      this.goAwayMs = 0;
      this.move("welcomed", { name: "open", sinceMs: now });
      this.offset.renew();
      this.ping();
      this.watch();
    } else if (this.phase.name !== "open" && message.tag !== "error") {
      throw new Malformed(`${message.tag} before welcome`);
    }
    if (message.tag === "pong") this.offset.add(message.sent_ms, message.server_ms, now);
    if (message.tag === "go_away") this.goAwayMs = message.retry_ms;
    this.options.onMessage(message);
  }

  private lost(code: number, reason: string): void {
    this.drop(ABANDONED);
    if (verdict(code) !== "retry") {
      this.move("refused", { name: "denied", code, reason });
      return;
    }
    const now = this.options.clock.now();
    if (this.phase.name === "open" && now - this.phase.sinceMs >= STABLE_MS) this.backoff.reset();
    const wait = Math.max(this.backoff.next(), this.goAwayMs);
    this.move("lost", { name: "offline", retryAtMs: now + wait, code });
    this.retryTimer = this.options.clock.after(wait, () => this.retry());
  }

  private drop(code: number): void {
    const socket = this.socket;
    this.socket = null;
    this.retryTimer?.cancel();
    this.pingTimer?.cancel();
    if (!socket) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close(code);
  }

  private move(event: PhaseEvent, phase: Phase): void {
    if (follow(this.phase.name, event) !== phase.name) return;
    this.phase = phase;
    this.options.onPhase(phase);
  }
}
