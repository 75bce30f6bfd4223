// Schedules loops and the metronome: notes go to the synthesiser ahead of their time, and are cancelled when a loop or
// the transport changes before that.

import { CENTRE, level } from "../mixer";
import { CLICK, CLICK_DOWN } from "../synth/instruments";
import type { Synth } from "../synth/synth";
import { DRUMS } from "../synth/synthPort";
import {
  barAt,
  beatAt,
  beatOfBar,
  inForce,
  msAt,
  type Stretch,
  stretches,
  type Timeline,
} from "../transport";
import { audible, type Loop, soundsOf } from "./loops";

export interface LooperOptions {
  synth: Synth;
  serverNow(): number;
  timeAt(serverMs: number): number | null;
}

/** How far ahead notes are handed over; a hidden page's timers run once a second at best. */
const AHEAD_MS = 300;
const AHEAD_HIDDEN_MS = 2500;
/** Notes nearer than this are not cancelled any more. */
const REVISE_MS = 30;

const CLICKER = "click";
export const loopOwner = (id: string) => `loop:${id}`;

export class Looper {
  private until = 0;
  private loops: readonly Loop[] = [];
  private timeline: Timeline | null = null;
  private clicking = false;
  private wasPlaying = false;
  private readonly owners = new Set<string>();

  constructor(private readonly options: LooperOptions) {
    options.synth.voice(CLICKER, { program: DRUMS, volume: 0.7, pan: CENTRE });
  }

  /** Sets the loops to play from now on; `soloed`: whether any strip of the mixer is solo. */
  set(timeline: Timeline, loops: readonly Loop[], clicking: boolean, soloed: boolean): void {
    const heard = new Set(audible(loops).map((loop) => loopOwner(loop.id)));
    for (const owner of this.owners) {
      if (heard.has(owner)) continue;
      this.options.synth.forget(owner);
      this.owners.delete(owner);
    }
    for (const loop of loops) {
      if (!heard.has(loopOwner(loop.id))) continue;
      this.owners.add(loopOwner(loop.id));
      this.options.synth.voice(loopOwner(loop.id), {
        program: loop.program,
        volume: level(loop, soloed),
        pan: loop.pan,
      });
    }
    const same = timeline === this.timeline && loops === this.loops && clicking === this.clicking;
    this.timeline = timeline;
    this.loops = loops;
    this.clicking = clicking;
    if (!same) this.revise();
  }

  /** Schedules the next notes; call it several times within the time ahead. */
  tick(hidden: boolean): void {
    const { timeline } = this;
    const nowMs = this.options.serverNow();
    if (!timeline || this.options.timeAt(nowMs) === null) {
      this.until = 0;
      return;
    }
    const { playing } = inForce(timeline, nowMs);
    if (this.wasPlaying && !playing) this.silence();
    this.wasPlaying = playing;
    const from = Math.max(this.until, nowMs);
    const to = nowMs + (hidden ? AHEAD_HIDDEN_MS : AHEAD_MS);
    if (to <= from) return;
    for (const stretch of stretches(timeline, from, to)) this.hand(stretch);
    this.until = to;
  }

  silence(): void {
    for (const owner of [...this.owners, CLICKER]) this.options.synth.silence(owner);
  }

  private hand(stretch: Stretch): void {
    const { synth } = this.options;
    for (const loop of audible(this.loops)) {
      for (const { pitch, velocity, fromMs, untilMs } of soundsOf(loop, stretch)) {
        const at = this.options.timeAt(fromMs);
        const until = this.options.timeAt(untilMs);
        if (at !== null) synth.note(loopOwner(loop.id), pitch, velocity, at, until);
      }
    }
    if (this.clicking) this.click(stretch);
  }

  private click({ transport, fromMs, toMs }: Stretch): void {
    if (!transport.playing) return;
    const from = beatAt(transport, fromMs);
    const to = beatAt(transport, toMs);
    const start = transport.bar_beat + Math.ceil(from - transport.bar_beat - 1e-9);
    for (let beat = start; beat < to - 1e-9; beat += 1) {
      const down = Math.abs(beatOfBar(transport, barAt(transport, beat + 1e-9)) - beat) < 1e-6;
      const at = this.options.timeAt(msAt(transport, beat));
      if (at === null) return;
      this.options.synth.note(CLICKER, down ? CLICK_DOWN : CLICK, down ? 120 : 85, at, at + 0.1);
    }
  }

  private revise(): void {
    const fromMs = this.options.serverNow() + REVISE_MS;
    const time = this.options.timeAt(fromMs);
    if (time === null || this.until <= fromMs) return;
    for (const owner of [...this.owners, CLICKER]) this.options.synth.cancel(owner, time);
    this.until = fromMs;
  }
}
