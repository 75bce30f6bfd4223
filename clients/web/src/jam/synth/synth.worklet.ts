// The SoundFont synthesiser on the audio thread. A note starts within the block of 128 samples that contains its time.
// The samples of an instrument are decoded when it is chosen, one at a time between blocks: decoding takes up to 20
// ms, and no key may wait for it.

import { type BasicSample, SoundBankLoader, SpessaSynthProcessor } from "spessasynth_core";
import { NoteQueue } from "./noteQueue";
import { DRUMS, type FromSynth, MAX_CHANNELS, type ToSynth } from "./synthPort";

/** MIDI controller numbers. */
const VOLUME = 7;
const PAN = 10;
const REPORT_BLOCKS = 94;
const DECODE_BLOCKS = 12;
const VOICES = 96;

class SynthProcessor extends AudioWorkletProcessor {
  private readonly synth = new SpessaSynthProcessor(sampleRate, {
    effectsEnabled: false,
    eventsEnabled: false,
  });
  private readonly queue = new NoteQueue();
  private readonly undecoded = new Set<BasicSample>();
  private loaded = false;
  private alive = true;
  private begun = 0;
  private blocks = 0;
  /** Channels set before the sounds were there. */
  private readonly channels = new Map<number, { program: number; volume: number; pan: number }>();

  constructor() {
    super();
    this.synth.setSystemParameter("voiceCap", VOICES);
    this.port.onmessage = (event: MessageEvent<ToSynth>) => this.onMessage(event.data);
  }

  process(_inputs: Float32Array[][], [output]: Float32Array[][]): boolean {
    const [left, right] = output ?? [];
    if (!this.loaded || !left || !right) return this.alive;
    // The block's own notes: those whose time has come by its end.
    for (const due of this.queue.take(currentTime + left.length / sampleRate)) {
      if (due.velocity > 0) this.begun += 1;
      if (due.velocity > 0) this.synth.noteOn(due.channel, due.pitch, due.velocity);
      else this.synth.noteOff(due.channel, due.pitch);
    }
    this.synth.process(left, right);
    this.blocks += 1;
    if (this.blocks % DECODE_BLOCKS === 0) this.decodeOne();
    if (this.blocks % REPORT_BLOCKS === 0) {
      this.emit({
        kind: "stats",
        begun: this.begun,
        voices: this.synth.voiceCount,
        refused: this.queue.refused,
      });
    }
    return this.alive;
  }

  private onMessage(message: ToSynth): void {
    switch (message.kind) {
      case "bank":
        void this.load(message.data);
        break;
      case "channel":
        this.channels.set(message.channel, message);
        if (this.loaded) this.voice(message.channel);
        break;
      case "note":
        this.queue.add(message.note);
        break;
      case "release":
        this.queue.release(message.channel, message.pitch, message.at);
        break;
      case "cancel":
        this.queue.cancel(message.channel, message.at);
        break;
      case "silence":
        this.queue.clear(message.channel);
        this.synth.midiChannels[message.channel]?.stopAllNotes(false);
        break;
      case "end":
        this.alive = false;
        break;
    }
  }

  private async load(data: ArrayBuffer): Promise<void> {
    try {
      await this.synth.processorInitialized;
      this.synth.soundBankManager.addSoundBank(SoundBankLoader.fromArrayBuffer(data), "band");
      this.loaded = true;
      for (const channel of this.channels.keys()) this.voice(channel);
      this.emit({ kind: "ready" });
    } catch (error) {
      this.emit({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
    }
  }

  private voice(channel: number): void {
    const wanted = this.channels.get(channel);
    if (!wanted || channel >= MAX_CHANNELS) return;
    while (this.synth.midiChannels.length <= channel) this.synth.createMIDIChannel();
    const midi = this.synth.midiChannels[channel];
    if (!midi) return;
    const drums = wanted.program === DRUMS;
    if (midi.drumChannel !== drums) midi.setDrums(drums);
    this.synth.programChange(channel, drums ? 0 : wanted.program);
    this.synth.controllerChange(channel, VOLUME, Math.round(wanted.volume * 127));
    this.synth.controllerChange(channel, PAN, Math.round(wanted.pan * 127));
    for (const zone of midi.preset?.zones ?? []) {
      for (const part of zone.instrument?.zones ?? []) if (part.sample) this.undecoded.add(part.sample);
    }
  }

  private decodeOne(): void {
    for (const sample of this.undecoded) {
      this.undecoded.delete(sample);
      sample.getAudioData();
      return;
    }
  }

  private emit(message: FromSynth): void {
    this.port.postMessage(message);
  }
}

registerProcessor("antiphon-synth", SynthProcessor);
