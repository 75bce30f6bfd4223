// Decodes the band's packets, fills the worklet's buffer, and keeps telling it which sample is due at which audio
// time.

import { signal } from "@preact/signals";
import type { MessageOf } from "../../protocol/messages";
import type { BandStream } from "../../room/jamChannel";
import { PlayoutDelay } from "../playoutDelay";
import type { BandStats, ToBand } from "./bandPort";
import { type OnPcm, type OpusDecoder, openDecoder } from "./opus";

const SAMPLES_PER_MS = 48;
/** Bound on how late this page may run behind the room to keep its sound whole. */
const MOST_DELAY_MS = 250;
const MARGIN_MS = 20;

export interface FeedOptions {
  serverNow(): number;
  /** Server time to seconds of the AudioContext; null while there is no sound. */
  timeAt(serverMs: number): number | null;
  post(message: ToBand, transfer?: Transferable[]): void;
  open?(onPcm: OnPcm): Promise<OpusDecoder>;
}

export interface FeedStats extends BandStats {
  /** Packets that came; holes in their numbering; packets of an epoch that is over. */
  packets: number;
  holes: number;
  stale: number;
  /** Milliseconds that this page runs behind the room. */
  delayMs: number;
  /** Largest sample since the stream began. */
  loudest: number;
  decoder: string;
}

const NOTHING: FeedStats = {
  played: 0,
  missing: 0,
  underruns: 0,
  late: 0,
  overflow: 0,
  jumps: 0,
  atMs: 0,
  aheadMs: 0,
  peak: 0,
  packets: 0,
  holes: 0,
  stale: 0,
  delayMs: 0,
  loudest: 0,
  decoder: "",
};

export class BandFeed {
  readonly stats = signal<FeedStats>(NOTHING);
  private stream: BandStream | null = null;
  private decoder: OpusDecoder | null = null;
  private opening = false;
  private closed = false;
  private nextSeq: number | null = null;
  private readonly delay = new PlayoutDelay(MARGIN_MS, MOST_DELAY_MS);
  private loudest = 0;
  private readonly counts = { packets: 0, holes: 0, stale: 0 };

  constructor(private readonly options: FeedOptions) {}

  /** Starts a stream; null: the band has stopped. */
  follow(stream: BandStream | null): void {
    const before = this.stream;
    this.stream = stream;
    if (!stream) {
      this.options.post({ kind: "anchor", anchor: null });
    } else if (before?.run !== stream.run || before.start_ms !== stream.start_ms) {
      this.nextSeq = null;
      this.loudest = 0;
      this.delay.reset();
      this.decoder?.reset();
      this.options.post({ kind: "reset" });
    } else if (stream.epoch > before.epoch) {
      // Its numbering continues or restarts: gaps are counted from its first packet on.
      this.nextSeq = null;
      this.options.post({ kind: "flush", pts: stream.from_pts });
    }
    this.align();
  }

  onPacket(packet: MessageOf<"audio">): void {
    const { stream } = this;
    if (!stream || packet.run !== stream.run || packet.epoch < stream.epoch) {
      this.counts.stale += 1;
      return;
    }
    this.counts.packets += 1;
    if (this.nextSeq !== null && packet.seq > this.nextSeq) this.counts.holes += packet.seq - this.nextSeq;
    this.nextSeq = packet.seq + 1;
    this.delay.add(this.options.serverNow() - (stream.start_ms + packet.pts / SAMPLES_PER_MS));
    // Nothing is decoded while the sound is off.
    if (this.options.timeAt(0) === null) return;
    if (this.decoder) this.decoder.decode(packet.pts, packet.opus);
    else void this.open();
  }

  /** Tell the worklet which sample is due when; call it several times a second. */
  align(): void {
    const { stream } = this;
    if (!stream) return;
    const nowMs = this.options.serverNow();
    const time = this.options.timeAt(nowMs);
    if (time === null) return;
    const pts = (nowMs - this.delay.value - stream.start_ms) * SAMPLES_PER_MS;
    this.options.post({ kind: "anchor", anchor: { time, pts } });
  }

  onStats(stats: BandStats): void {
    const decoder = this.decoder?.name ?? "";
    this.loudest = Math.max(this.loudest, stats.peak);
    this.stats.value = {
      ...stats,
      ...this.counts,
      delayMs: this.delay.value,
      loudest: this.loudest,
      decoder,
    };
  }

  close(): void {
    this.closed = true;
    this.follow(null);
    this.decoder?.close();
  }

  private async open(): Promise<void> {
    if (this.opening) return;
    this.opening = true;
    try {
      const decoder = await (this.options.open ?? openDecoder)((pts, left, right) => {
        const from = pts - (this.stream?.pre_skip ?? 0);
        this.options.post({ kind: "pcm", pts: from, left, right }, [left.buffer, right.buffer]);
      });
      if (this.closed) decoder.close();
      else this.decoder = decoder;
    } finally {
      this.opening = false;
    }
  }
}
