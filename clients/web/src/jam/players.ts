// Notes of people: our own sound at once and go to the others; notes of others sound at their time.

import { signal } from "@preact/signals";
import type { MessageOf, NoteEvent } from "../protocol/messages";
import { HeldKeys } from "./heldKeys";
import type { Pedal } from "./midi";
import { PlayoutDelay } from "./playoutDelay";
import type { Score } from "./score";
import type { Synth } from "./synth/synth";
import { beatAt, inForce, msAt } from "./transport";

export interface PlayersOptions {
  score(): Score;
  synth: Synth;
  serverNow(): number;
  /** Server time to seconds of the AudioContext; null while there is no sound. */
  timeAt(serverMs: number): number | null;
  soon(): number;
  send(events: NoteEvent[]): void;
  /** Reports a key of a person ("me" or a participant) to the roll and the recorder; `velocity` 0 releases it. */
  onKey(who: string, atMs: number, pitch: number, velocity: number): void;
  /** Calls back after some milliseconds. */
  after(ms: number, callback: () => void): void;
}

/** Keys that come together (a chord) go out together. */
const GATHER_MS = 4;
const MOST_EVENTS = 64;
const MARGIN_MS = 8;
const MOST_DELAY_MS = 300;

export const me = "me";
export const personOwner = (id: string) => `person:${id}`;

export class Players {
  /** Our keys that sound, by pitch. */
  readonly held = signal<ReadonlySet<number>>(new Set());
  private readonly keys = new HeldKeys();
  private outgoing: NoteEvent[] = [];
  private readonly delays = new Map<string, PlayoutDelay>();

  constructor(private readonly options: PlayersOptions) {}

  /** Our key goes down; `atMs` is the server time of the gesture. */
  press(pitch: number, velocity: number, atMs: number): void {
    if (this.keys.press(pitch)) this.end(pitch, atMs);
    this.held.value = new Set(this.keys.sounding);
    this.options.synth.note(me, pitch, velocity, this.options.soon());
    this.sendKey(pitch, velocity, atMs);
  }

  /** It ends now, unless a pedal keeps it. */
  release(pitch: number, atMs: number): void {
    if (this.keys.release(pitch)) this.end(pitch, atMs);
    this.held.value = new Set(this.keys.sounding);
  }

  pedal(pedal: Pedal, down: boolean, atMs: number): void {
    for (const pitch of this.keys.pedal(pedal, down)) this.end(pitch, atMs);
    this.held.value = new Set(this.keys.sounding);
  }

  /** The window lost the keyboard, we leave, or somebody presses the panic button: nothing of ours stays down. */
  releaseAll(): void {
    for (const pitch of this.keys.clear()) this.end(pitch, this.options.serverNow());
    this.held.value = new Set();
  }

  /** Keys of another participant. */
  onPlayed({ participant, events }: MessageOf<"played">): void {
    const { synth } = this.options;
    const score = this.options.score();
    const owner = personOwner(participant);
    synth.voice(owner, score.heard(participant));
    const delay = this.delays.get(participant) ?? new PlayoutDelay(MARGIN_MS, MOST_DELAY_MS);
    this.delays.set(participant, delay);
    for (const { at_ms: atMs, pitch, velocity } of events) {
      delay.add(this.options.serverNow() - atMs);
      const playMs = this.intervalLater(atMs) ?? atMs + delay.value;
      const time = this.options.timeAt(playMs);
      this.options.onKey(participant, playMs, pitch, velocity);
      if (time === null) continue;
      if (velocity > 0) synth.note(owner, pitch, velocity, time);
      else synth.release(owner, pitch, time);
    }
  }

  /** Messages were lost, or somebody left: releases the keys that they hold. */
  silence(participant: string): void {
    this.options.synth.silence(personOwner(participant));
  }

  forget(participant: string): void {
    this.options.synth.forget(personOwner(participant));
    this.delays.delete(participant);
  }

  /** In interval mode the same beat some bars later; null otherwise. */
  private intervalLater(atMs: number): number | null {
    const score = this.options.score();
    const { interval } = score.settings.peek();
    const timeline = score.timeline.peek();
    const transport = inForce(timeline, atMs);
    if (interval <= 0 || !transport.playing) return null;
    const beat = beatAt(transport, atMs) + interval * transport.beats;
    const { next } = timeline;
    return next && beat >= next.beat ? msAt(next, beat) : msAt(transport, beat);
  }

  private end(pitch: number, atMs: number): void {
    this.options.synth.release(me, pitch, this.options.soon());
    this.sendKey(pitch, 0, atMs);
  }

  private sendKey(pitch: number, velocity: number, atMs: number): void {
    this.options.onKey(me, atMs, pitch, velocity);
    this.outgoing.push({ at_ms: atMs, pitch, velocity });
    if (this.outgoing.length === 1) this.options.after(GATHER_MS, () => this.flush());
    if (this.outgoing.length >= MOST_EVENTS) this.flush();
  }

  private flush(): void {
    if (this.outgoing.length > 0) this.options.send(this.outgoing);
    this.outgoing = [];
  }
}
