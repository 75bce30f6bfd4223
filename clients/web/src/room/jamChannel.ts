// The jam's messages. The code that plays them loads when the jam is first opened; until then the channel keeps what
// it will need.

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

export class JamChannel {
  /** The stream of the band that plays now; null before it is known. */
  stream: BandStream | null = null;
  /** Gets every message of the jam, and null when the connection is lost. */
  listener: ((message: JamMessage | null) => void) | null = null;
  private readonly waiting = new Map<number, (answer: Conducted | null) => void>();
  private nextConduct = 1;

  constructor(private readonly send: (message: ClientMessage) => boolean) {}

  play(events: NoteEvent[]): void {
    this.send({ tag: "play", events });
  }

  /**
   * Changes the transport. `onAnswer` gets the time from which it applies, again when that moves, and null when it is refused or
   * the connection is gone; until `forget`.
   */
  conduct(
    change: TransportChange,
    when: "now" | "beat" | "bar",
    onAnswer: (answer: Conducted | null) => void,
  ): number {
    const conduct = this.nextConduct;
    this.nextConduct += 1;
    this.waiting.set(conduct, onAnswer);
    if (!this.send({ tag: "conduct", conduct, change, when })) this.refused(conduct);
    return conduct;
  }

  forget(conduct: number): void {
    this.waiting.delete(conduct);
  }

  receive(message: ServerMessage): void {
    switch (message.tag) {
      case "conducted":
        this.waiting.get(message.conduct)?.(message);
        break;
      case "error":
        if (message.re === "conduct") this.refused(Number(message.ref));
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

  /** The connection was lost: no answers will come. */
  lost(): void {
    this.stream = null;
    for (const conduct of [...this.waiting.keys()]) this.refused(conduct);
    this.listener?.(null);
  }

  private refused(conduct: number): void {
    this.waiting.get(conduct)?.(null);
    this.waiting.delete(conduct);
  }
}
