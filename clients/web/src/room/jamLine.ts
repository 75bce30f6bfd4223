// The jam's messages. The panel that plays them is loaded when it is first opened: what it will need is kept till then.

import type {
  ClientMessage,
  MessageOf,
  NoteEvent,
  ServerMessage,
  TransportChange,
} from "../protocol/messages";

export type BandStream = MessageOf<"band_stream">;
export type JamMessage = MessageOf<"played" | "band_stream" | "audio" | "band_notes" | "audio_gap">;
export type Conducted = MessageOf<"conducted">;

export class JamLine {
  /** How to hear the band that plays now; null before it was told. */
  stream: BandStream | null = null;
  /** Hears every message of the jam, and null when the connection is gone. */
  listener: ((message: JamMessage | null) => void) | null = null;
  private readonly waiting = new Map<number, (answer: Conducted | null) => void>();
  private nextConduct = 1;

  constructor(private readonly send: (message: ClientMessage) => boolean) {}

  play(events: NoteEvent[]): void {
    this.send({ tag: "play", events });
  }

  /** Resolves with what the server made of it, or null when it was refused. */
  conduct(change: TransportChange, when: "now" | "beat" | "bar"): Promise<Conducted | null> {
    const conduct = this.nextConduct;
    this.nextConduct += 1;
    if (!this.send({ tag: "conduct", conduct, change, when })) return Promise.resolve(null);
    return new Promise((resolve) => this.waiting.set(conduct, resolve));
  }

  receive(message: ServerMessage): void {
    switch (message.tag) {
      case "conducted":
        this.settle(message.conduct, message);
        break;
      case "error":
        if (message.re === "conduct") this.settle(Number(message.ref), null);
        break;
      case "band_stream":
        this.stream = message;
        this.listener?.(message);
        break;
      case "played":
      case "audio":
      case "band_notes":
      case "audio_gap":
        this.listener?.(message);
        break;
    }
  }

  /** The connection is gone, and with it who would have answered. */
  lost(): void {
    this.stream = null;
    for (const conduct of [...this.waiting.keys()]) this.settle(conduct, null);
    this.listener?.(null);
  }

  private settle(conduct: number, answer: Conducted | null): void {
    this.waiting.get(conduct)?.(answer);
    this.waiting.delete(conduct);
  }
}
