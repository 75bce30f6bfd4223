// The page's AudioContext and what hangs on it: synthesiser and band into their own gains, those into the master.
//
//   synthesiser -> people gain -> meter \
//                                        master gain -> limiter -> the loudspeaker
//   band        -> band gain   -> meter /
//
// It starts from a person's gesture only, and the SoundFont is fetched then.

import { signal } from "@preact/signals";
import { systemClock } from "../connection/clock";
import { AudioClock } from "./audioClock";
import type { BandStats, ToBand } from "./band/bandPort";
import { Synth } from "./synth/synth";
import type { FromSynth, ToSynth } from "./synth/synthPort";

/** off: not started; loading: worklets or SoundFont load; on; asleep: the browser suspended it. */
export type SoundState = "off" | "loading" | "on" | "asleep" | "failed";
export type Bus = "people" | "band";

const SOUND_FONT = "/sounds/band.sf3";
const READ_MS = 250;
/** Seconds in which a gain moves, so that it does not click. */
const FADE = 0.02;

export class AudioOutput {
  readonly state = signal<SoundState>("off");
  /** Part of the SoundFont that has come, 0 to 1. */
  readonly progress = signal(0);
  readonly volume = signal(0.8);
  readonly muted = signal(false);
  readonly busVolumes = signal<Readonly<Record<Bus, number>>>({ people: 0.9, band: 0.9 });
  readonly synth = new Synth();
  /** The worklet of the band reports; set by who plays the band. */
  onBandStats: (stats: BandStats) => void = () => {};
  private context: AudioContext | null = null;
  private clock: AudioClock | null = null;
  private timer: ReturnType<typeof setInterval> | null = null;
  private master: GainNode | null = null;
  private readonly buses = new Map<Bus, { gain: GainNode; meter: AnalyserNode }>();
  private band: AudioWorkletNode | null = null;
  private player: AudioWorkletNode | null = null;
  private readonly samples = new Float32Array(1024);

  /** Call it from a gesture. Later calls only wake a context that the browser has paused. */
  join(): void {
    if (this.context) {
      // Not awaited: without a gesture the promise stays open for ever.
      void this.context.resume().catch(() => {});
      if (this.state.peek() !== "failed") return;
      this.close();
    }
    const context = new AudioContext({ latencyHint: "interactive", sampleRate: 48_000 });
    this.context = context;
    void context.resume().catch(() => {});
    this.clock = new AudioClock(context, systemClock.now, performance.timeOrigin);
    context.onstatechange = () => this.stateChanged();
    this.timer = setInterval(() => this.clock?.read(), READ_MS);
    this.state.value = "loading";
    this.progress.value = 0;
    this.open(context).catch((error: unknown) => {
      if (this.context !== context) return;
      console.warn("the sound could not be started", error);
      this.state.value = "failed";
    });
  }

  close(): void {
    if (this.timer) clearInterval(this.timer);
    this.player?.port.postMessage({ kind: "end" } satisfies ToSynth);
    this.band?.port.postMessage({ kind: "end" } satisfies ToBand);
    if (this.context) {
      this.context.onstatechange = null;
      void this.context.close().catch(() => {});
    }
    this.context = null;
    this.clock = null;
    this.band = null;
    this.player = null;
    this.buses.clear();
    this.synth.connect(() => {});
    this.state.value = "off";
  }

  /** Seconds of the context that are heard at `pageMs` of the page's clock; null while nothing is heard. */
  timeAt(pageMs: number): number | null {
    return this.state.peek() === "on" && this.clock?.ready ? this.clock.timeAt(pageMs) : null;
  }

  /** Seconds of the context at which something that should sound at once is best placed. */
  get soon(): number {
    return this.context?.currentTime ?? 0;
  }

  get latencyMs(): number {
    return ((this.context?.baseLatency ?? 0) + (this.context?.outputLatency ?? 0)) * 1000;
  }

  toBand(message: ToBand, transfer: Transferable[] = []): void {
    this.band?.port.postMessage(message, transfer);
  }

  setVolume(volume: number): void {
    this.volume.value = volume;
    this.applyVolumes();
  }

  setMuted(muted: boolean): void {
    this.muted.value = muted;
    this.applyVolumes();
  }

  setBus(bus: Bus, volume: number): void {
    this.busVolumes.value = { ...this.busVolumes.peek(), [bus]: volume };
    this.applyVolumes();
  }

  /** The loudest sample of a bus just now, 0 to 1. */
  level(bus: Bus): number {
    const meter = this.buses.get(bus)?.meter;
    if (!meter) return 0;
    meter.getFloatTimeDomainData(this.samples);
    return this.samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  }

  private async open(context: AudioContext): Promise<void> {
    const bank = this.download();
    // It is awaited below; this avoids a second report if it fails before that.
    bank.catch(() => {});
    await Promise.all([SYNTH_WORKLET, BAND_WORKLET].map((url) => context.audioWorklet.addModule(url)));
    if (this.context !== context) return;
    const limiter = new DynamicsCompressorNode(context, { threshold: -6, ratio: 12, attack: 0.003, knee: 6 });
    this.master = new GainNode(context, { gain: 0 });
    this.master.connect(limiter).connect(context.destination);
    this.player = this.plug(context, "antiphon-synth", "people");
    this.band = this.plug(context, "antiphon-band", "band");
    this.band.port.onmessage = (event: MessageEvent<BandStats>) => this.onBandStats(event.data);
    this.applyVolumes();
    const { port } = this.player;
    const ready = new Promise<void>((resolve, reject) => {
      port.onmessage = ({ data }: MessageEvent<FromSynth>) => {
        this.synth.onMessage(data);
        if (data.kind === "ready") resolve();
        if (data.kind === "failed") reject(new Error(data.message));
      };
    });
    this.synth.connect((message, transfer = []) => port.postMessage(message, transfer));
    const data = await bank;
    port.postMessage({ kind: "bank", data } satisfies ToSynth, [data]);
    await ready;
    if (this.context !== context) return;
    this.state.value = context.state === "running" ? "on" : "asleep";
  }

  private plug(context: AudioContext, name: string, bus: Bus): AudioWorkletNode {
    const node = new AudioWorkletNode(context, name, { numberOfInputs: 0, outputChannelCount: [2] });
    const gain = new GainNode(context);
    const meter = new AnalyserNode(context, { fftSize: 1024 });
    node.connect(gain).connect(this.master as GainNode);
    gain.connect(meter);
    this.buses.set(bus, { gain, meter });
    return node;
  }

  private async download(): Promise<ArrayBuffer> {
    const answer = await fetch(SOUND_FONT);
    if (!answer.ok || !answer.body) throw new Error(`${SOUND_FONT}: ${answer.status}`);
    const length = Number(answer.headers.get("Content-Length") ?? 0);
    const parts: Uint8Array[] = [];
    let size = 0;
    const reader = answer.body.getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      parts.push(piece.value);
      size += piece.value.length;
      if (length > 0) this.progress.value = Math.min(1, size / length);
    }
    return new Blob(parts as BlobPart[]).arrayBuffer();
  }

  private stateChanged(): void {
    const state = this.state.peek();
    this.clock?.reset();
    if (state !== "on" && state !== "asleep") return;
    this.state.value = this.context?.state === "running" ? "on" : "asleep";
  }

  private applyVolumes(): void {
    if (!this.context) return;
    const { currentTime } = this.context;
    const master = this.muted.peek() ? 0 : this.volume.peek();
    this.master?.gain.setTargetAtTime(master, currentTime, FADE);
    for (const [bus, { gain }] of this.buses) {
      gain.gain.setTargetAtTime(this.busVolumes.peek()[bus], currentTime, FADE);
    }
  }
}
