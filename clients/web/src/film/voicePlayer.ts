// The voices of a film as sound, in step with its transport; and single lines, to listen to.

import { effect, signal } from "@preact/signals";
import type { FilmRoom } from "./filmRoom";
import { type Clip, FPS } from "./reel";
import { LEAD_FRAMES, type SpokenLine } from "./voices";

/** How far ahead sounds are placed, in seconds, and how often that is looked at. */
const AHEAD = 4;
const LOOK_MS = 300;
const MAX_BUFFERS = 120;

export class VoicePlayer {
  /** Whether this page sounds. Browsers want a gesture first. */
  readonly on = signal(false);
  /** Whether lines are spoken as they come. */
  readonly reading = signal(false);
  /** Asset that is listened to by itself. */
  readonly listening = signal("");
  private context: AudioContext | null = null;
  private readonly buffers = new Map<string, Promise<AudioBuffer | null>>();
  /** By shot: what is placed for the current play. */
  private readonly placed = new Map<string, AudioBufferSourceNode | null>();
  private single: AudioBufferSourceNode | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;
  private known: ReadonlySet<string> | null = null;
  private readonly ends: (() => void)[] = [];

  constructor(private readonly film: FilmRoom) {
    this.ends.push(
      effect(() => {
        const transport = film.transport.value;
        this.silence();
        clearInterval(this.timer);
        if (!this.on.value || !transport.playing) return;
        this.timer = setInterval(() => this.place(), LOOK_MS);
        this.place();
      }),
      effect(() => this.news([...film.lines.value.values()])),
    );
  }

  close(): void {
    for (const end of this.ends) end();
    clearInterval(this.timer);
    this.silence();
    void this.context?.close().catch(() => {});
    this.context = null;
  }

  /** Call it from a gesture. */
  enable(on = true): void {
    if (on) {
      this.context ??= new AudioContext({ latencyHint: "interactive" });
      void this.context.resume().catch(() => {});
    }
    this.on.value = on;
    if (!on) this.hush();
  }

  /** Play a line by itself; call it from a gesture. */
  async listen(line: SpokenLine): Promise<void> {
    this.enable();
    await this.say(line.asset);
  }

  hush(): void {
    this.single?.stop();
    this.single = null;
    this.listening.value = "";
  }

  /** Lines that came since the last look are spoken where somebody wants to hear them. */
  private news(lines: readonly SpokenLine[]): void {
    const known = this.known;
    this.known = new Set(lines.map((line) => line.asset));
    const fresh = lines.filter((line) => line.asset && !known?.has(line.asset));
    const latest = fresh.at(-1);
    if (!known || !latest || !this.on.peek() || !this.reading.peek()) return;
    if (!this.film.transport.peek().playing) void this.say(latest.asset);
  }

  private async say(asset: string): Promise<void> {
    this.hush();
    this.listening.value = asset;
    const buffer = await this.buffer(asset);
    if (this.listening.peek() !== asset || !this.context) return;
    if (!buffer) return this.hush();
    const source = this.source(buffer);
    source.onended = () => {
      if (this.single === source) this.hush();
    };
    this.single = source;
    source.start();
  }

  /** Put the lines that sound soon in their places. */
  private place(): void {
    const transport = this.film.transport.peek();
    // Backwards and faster than it is, nothing is to be understood.
    if (!this.context || transport.speed !== 1) return;
    const now = this.film.position();
    for (const clip of this.film.clips.peek()) {
      const start = (clip.start + LEAD_FRAMES) / FPS;
      if (start > now + AHEAD) break;
      if (clip.sound && !this.placed.has(clip.id) && start + clip.spoken > now)
        void this.placeOne(clip, start);
    }
  }

  private async placeOne(clip: Clip, start: number): Promise<void> {
    this.placed.set(clip.id, null);
    const transport = this.film.transport.peek();
    const buffer = await this.buffer(clip.sound);
    if (!buffer || !this.context || this.film.transport.peek() !== transport) return;
    const away = (transport.at + 1000 * (start - transport.from) - this.film.room.serverNow()) / 1000;
    const when = this.context.currentTime + away - (this.context.outputLatency || 0);
    const late = Math.max(0, this.context.currentTime - when);
    if (late >= buffer.duration) return;
    const source = this.source(buffer);
    source.start(Math.max(when, this.context.currentTime), late);
    this.placed.set(clip.id, source);
  }

  private source(buffer: AudioBuffer): AudioBufferSourceNode {
    const context = this.context as AudioContext;
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(context.destination);
    return source;
  }

  private silence(): void {
    for (const source of this.placed.values()) source?.stop();
    this.placed.clear();
  }

  private buffer(asset: string): Promise<AudioBuffer | null> {
    const known = this.buffers.get(asset);
    if (known) return known;
    if (this.buffers.size >= MAX_BUFFERS) this.buffers.clear();
    const coming = this.film.room.pictures
      .blob(asset)
      .then((blob) => blob.arrayBuffer())
      .then((bytes) => this.context?.decodeAudioData(bytes) ?? null)
      .catch(() => {
        this.buffers.delete(asset);
        return null;
      });
    this.buffers.set(asset, coming);
    return coming;
  }
}
