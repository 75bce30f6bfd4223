// Records a loop: keys pressed between two bar lines, as ticks of the loop.

import { MAX_LOOP_NOTES, nextLine, PPQ, type Transport } from "../transport";
import { type LoopNote, quantised, roundOf } from "./loops";

export interface Take {
  program: number;
  bars: number;
  /** Ticks of the quantisation grid; 0 leaves notes where they were played. */
  grid: number;
  /** The loop that it is laid over; null makes a new one. */
  over: string | null;
}

/** A key that is struck a little before the first beat belongs to it. */
const EARLY_BEATS = 0.25;

export class Recorder {
  readonly from: number;
  readonly to: number;
  private readonly notes: LoopNote[] = [];
  private readonly held = new Map<number, { beat: number; velocity: number }>();

  /** Begins at the first bar line that is `countIn` bars after `beat`, or later. */
  constructor(
    readonly take: Take,
    private readonly transport: Transport,
    beat: number,
    countIn: number,
  ) {
    this.from = nextLine(transport, beat, "bar") + countIn * transport.beats;
    this.to = this.from + take.bars * transport.beats;
  }

  press(beat: number, pitch: number, velocity: number): void {
    if (beat < this.from - EARLY_BEATS || beat >= this.to) return;
    this.release(beat, pitch);
    this.held.set(pitch, { beat, velocity });
  }

  release(beat: number, pitch: number): void {
    const held = this.held.get(pitch);
    if (!held) return;
    this.held.delete(pitch);
    if (this.notes.length >= MAX_LOOP_NOTES) return;
    const length = this.take.bars * this.transport.beats * PPQ;
    const origin = roundOf(this.transport, this.take.bars, this.from);
    const tick = quantised((Math.max(held.beat, this.from) - origin) * PPQ, this.take.grid);
    const duration = Math.round((Math.min(beat, this.to) - held.beat) * PPQ);
    const least = Math.max(1, this.take.grid / 2);
    this.notes.push([tick % length, Math.min(length, Math.max(least, duration)), pitch, held.velocity]);
  }

  /** Ends the take; keys that are still down end at its end. */
  finish(): readonly LoopNote[] {
    for (const pitch of [...this.held.keys()]) this.release(this.to, pitch);
    return this.notes.sort((a, b) => a[0] - b[0] || a[2] - b[2]);
  }

  /** 0 to 1; below 0 while it counts in. */
  progress(beat: number): number {
    return beat < this.from ? beat - this.from : Math.min(1, (beat - this.from) / (this.to - this.from));
  }
}
