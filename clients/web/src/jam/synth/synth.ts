// The page's side of the synthesiser: one channel for each person, loop and the metronome, and notes at audio times.
// Notes before the sound is on are dropped.

import { type FromSynth, MAX_CHANNELS, type ToSynth } from "./synthPort";

export interface Voice {
  program: number;
  /** 0 to 1. */
  volume: number;
  /** 0 is left, 1 right. */
  pan: number;
}

/** What plays on a channel: "me", "click", "person:ID", "loop:ID". */
export type Owner = string;

/** General MIDI's drum channel is of no use to others. */
const RESERVED = 9;

export class Synth {
  readonly stats = { begun: 0, voices: 0, refused: 0 };
  private post: ((message: ToSynth, transfer?: Transferable[]) => void) | null = null;
  private readonly channels = new Map<Owner, number>();
  private readonly voices = new Map<Owner, Voice>();

  /** The worklet is ready: sends it all channels. */
  connect(post: (message: ToSynth, transfer?: Transferable[]) => void): void {
    this.post = post;
    for (const [owner, voice] of this.voices) this.sendVoice(owner, voice);
  }

  onMessage(message: FromSynth): void {
    if (message.kind === "stats") Object.assign(this.stats, message);
  }

  /** Sets an owner's instrument and volume, if they changed. */
  voice(owner: Owner, voice: Voice): void {
    const was = this.voices.get(owner);
    if (was && was.program === voice.program && was.volume === voice.volume && was.pan === voice.pan) return;
    this.voices.set(owner, voice);
    this.sendVoice(owner, voice);
  }

  /** `at` and `until` in seconds of the AudioContext; `until` null: until `release`. */
  note(owner: Owner, pitch: number, velocity: number, at: number, until: number | null = null): void {
    const channel = this.channels.get(owner);
    if (channel !== undefined) this.post?.({ kind: "note", note: { channel, pitch, velocity, at, until } });
  }

  release(owner: Owner, pitch: number, at: number): void {
    const channel = this.channels.get(owner);
    if (channel !== undefined) this.post?.({ kind: "release", channel, pitch, at });
  }

  /** Takes back keys that would be pressed from `at` on. */
  cancel(owner: Owner, at: number): void {
    const channel = this.channels.get(owner);
    if (channel !== undefined) this.post?.({ kind: "cancel", channel, at });
  }

  silence(owner: Owner): void {
    const channel = this.channels.get(owner);
    if (channel !== undefined) this.post?.({ kind: "silence", channel });
  }

  /** The owner is gone: frees its channel. */
  forget(owner: Owner): void {
    this.silence(owner);
    this.channels.delete(owner);
    this.voices.delete(owner);
  }

  /** Stops every note of everybody. */
  silenceAll(): void {
    for (const owner of this.channels.keys()) this.silence(owner);
  }

  private sendVoice(owner: Owner, { program, volume, pan }: Voice): void {
    const channel = this.channels.get(owner) ?? this.free();
    // More owners than channels: the last ones are silent. The limits of the panel make this very unlikely.
    if (channel === null) return;
    this.channels.set(owner, channel);
    this.post?.({ kind: "channel", channel, program, volume, pan });
  }

  private free(): number | null {
    const taken = new Set(this.channels.values());
    for (let channel = 0; channel < MAX_CHANNELS; channel += 1) {
      if (channel !== RESERVED && !taken.has(channel)) return channel;
    }
    return null;
  }
}
