// The data of the piano roll: which notes people played, in beats, which notes the band will play, and its chords.

import type { BandChord, BandNote } from "../protocol/messages";
import { PPQ } from "./transport";

export interface RollNote {
  /** A participant's id, "me", or a role of the band. */
  who: string;
  band: boolean;
  drums: boolean;
  pitch: number;
  velocity: number;
  from: number;
  /** Null while it is held. */
  to: number | null;
}

const MOST_NOTES = 1500;
const MOST_CHORDS = 256;

export class PianoRoll {
  notes: RollNote[] = [];
  chords: { beat: number; name: string }[] = [];
  private readonly open = new Map<string, RollNote>();

  key(who: string, beat: number, pitch: number, velocity: number, drums: boolean): void {
    const id = `${who} ${pitch}`;
    const held = this.open.get(id);
    if (held) {
      held.to = Math.max(held.from + 0.05, beat);
      this.open.delete(id);
    }
    if (velocity === 0) return;
    const note: RollNote = { who, band: false, drums, pitch, velocity, from: beat, to: null };
    this.open.set(id, note);
    this.add(note);
  }

  band(notes: readonly BandNote[], chords: readonly BandChord[]): void {
    for (const { tick, duration, role, pitch, velocity } of notes) {
      const from = tick / PPQ;
      const to = (tick + duration) / PPQ;
      this.add({ who: role, band: true, drums: role === "drums", pitch, velocity, from, to });
    }
    this.chords.push(...chords.map(({ tick, name }) => ({ beat: tick / PPQ, name })));
    this.chords.sort((a, b) => a.beat - b.beat);
    this.chords.splice(0, this.chords.length - MOST_CHORDS);
  }

  /** The chord that sounds at a beat, and the one after it. */
  chordsAt(beat: number): { now: string; next: string } {
    const index = this.chords.findLastIndex((chord) => chord.beat <= beat + 1e-6);
    return { now: this.chords[index]?.name ?? "", next: this.chords[index + 1]?.name ?? "" };
  }

  /** Releases all keys (of one person, or of all). */
  lift(beat: number, who?: string): void {
    for (const [id, note] of this.open) {
      if (who !== undefined && note.who !== who) continue;
      note.to = Math.max(note.from + 0.05, beat);
      this.open.delete(id);
    }
  }

  clearBand(): void {
    this.notes = this.notes.filter((note) => !note.band);
    this.chords = [];
  }

  private add(note: RollNote): void {
    this.notes.push(note);
    if (this.notes.length > MOST_NOTES) this.notes.splice(0, this.notes.length - MOST_NOTES);
  }
}
