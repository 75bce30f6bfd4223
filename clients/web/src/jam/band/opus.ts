// Decodes Opus packets: with WebCodecs, or with libopus as WebAssembly (loaded on demand) where the browser has none.

/** Samples of one packet, and the number that the first of them has. */
export type OnPcm = (pts: number, left: Float32Array, right: Float32Array) => void;

export interface OpusDecoder {
  readonly name: "WebCodecs" | "WebAssembly";
  decode(pts: number, packet: Uint8Array): void;
  /** Another stream begins: output of the old one is dropped. */
  reset(): void;
  close(): void;
}

const RATE = 48_000;
const CONFIG = { codec: "opus", sampleRate: RATE, numberOfChannels: 2 };
/** Most packets that wait for the browser's decoder; more are dropped and become a gap. */
const MAX_QUEUE = 256;
const MICROSECONDS = 1e6;

export async function openDecoder(onPcm: OnPcm): Promise<OpusDecoder> {
  if (typeof AudioDecoder !== "undefined") {
    const { supported } = await AudioDecoder.isConfigSupported(CONFIG).catch(() => ({ supported: false }));
    if (supported) return new CodecsDecoder(onPcm);
  }
  const { OpusDecoder: Wasm } = await import("opus-decoder");
  const decoder = new Wasm({ channels: 2, sampleRate: RATE });
  await decoder.ready;
  return {
    name: "WebAssembly",
    decode(pts, packet) {
      const { channelData, samplesDecoded } = decoder.decodeFrame(packet);
      const [left, right] = channelData;
      if (left && right && samplesDecoded > 0) onPcm(pts, left.slice(), right.slice());
    },
    reset: () => void decoder.reset(),
    close: () => decoder.free(),
  };
}

class CodecsDecoder implements OpusDecoder {
  readonly name = "WebCodecs";
  private decoder: AudioDecoder;
  /**
   * Numbers of the packets that are being decoded, in order: one packet gives one piece of sound. The decoder's own time
   * stamps are no use, they count on over a hole.
   */
  private under: number[] = [];

  constructor(private readonly onPcm: OnPcm) {
    this.decoder = this.open();
  }

  decode(pts: number, packet: Uint8Array): void {
    if (this.decoder.state === "closed") this.decoder = this.open();
    if (this.decoder.decodeQueueSize > MAX_QUEUE) return;
    const timestamp = Math.round((pts * MICROSECONDS) / RATE);
    this.under.push(pts);
    this.decoder.decode(new EncodedAudioChunk({ type: "key", timestamp, data: packet as BufferSource }));
  }

  reset(): void {
    if (this.decoder.state !== "closed") this.decoder.close();
    this.decoder = this.open();
  }

  close(): void {
    if (this.decoder.state !== "closed") this.decoder.close();
  }

  private open(): AudioDecoder {
    this.under = [];
    const decoder: AudioDecoder = new AudioDecoder({
      output: (data) => {
        const left = new Float32Array(data.numberOfFrames);
        const right = new Float32Array(data.numberOfFrames);
        data.copyTo(left, { planeIndex: 0, format: "f32-planar" });
        data.copyTo(right, { planeIndex: Math.min(1, data.numberOfChannels - 1), format: "f32-planar" });
        data.close();
        // A replaced decoder may still emit what it had.
        const pts = decoder === this.decoder ? this.under.shift() : undefined;
        if (pts !== undefined) this.onPcm(pts, left, right);
      },
      // It closes itself; the next packet opens another one, and the lost packets are a gap.
      error: (error) => console.warn("the band's audio could not be decoded", error),
    });
    decoder.configure(CONFIG);
    return decoder;
  }
}
