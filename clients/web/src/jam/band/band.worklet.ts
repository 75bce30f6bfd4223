// Plays the band's sound on the audio thread, from a jitter buffer that the clock reads.

import type { BandStats, ToBand } from "./bandPort";
import { JitterBuffer } from "./jitterBuffer";

const STREAM_RATE = 48_000;
const REPORT_BLOCKS = 94;

class BandProcessor extends AudioWorkletProcessor {
  private buffer = new JitterBuffer();
  private anchor: { time: number; pts: number } | null = null;
  private alive = true;
  private peak = 0;
  private blocks = 0;

  constructor() {
    super();
    this.port.onmessage = (event: MessageEvent<ToBand>) => this.onMessage(event.data);
  }

  process(_inputs: Float32Array[][], [output]: Float32Array[][]): boolean {
    const [left, right] = output ?? [];
    if (left && right && this.anchor) {
      const wanted = this.anchor.pts + (currentTime - this.anchor.time) * STREAM_RATE;
      this.buffer.read(left, right, wanted, STREAM_RATE / sampleRate);
      for (const sample of left) this.peak = Math.max(this.peak, Math.abs(sample));
    }
    this.blocks += 1;
    if (this.blocks % REPORT_BLOCKS === 0) this.report();
    return this.alive;
  }

  private onMessage(message: ToBand): void {
    switch (message.kind) {
      case "pcm":
        this.buffer.write(message.pts, message.left, message.right);
        break;
      case "anchor":
        this.anchor = message.anchor;
        break;
      case "flush":
        this.buffer.flush(message.pts);
        break;
      case "reset":
        this.buffer = new JitterBuffer();
        this.anchor = null;
        break;
      case "end":
        this.alive = false;
        break;
    }
  }

  private report(): void {
    const aheadMs = (this.buffer.ahead / STREAM_RATE) * 1000;
    const stats: BandStats = { ...this.buffer.stats, atMs: currentTime * 1000, aheadMs, peak: this.peak };
    this.port.postMessage(stats);
    this.peak = 0;
  }
}

registerProcessor("antiphon-band", BandProcessor);
