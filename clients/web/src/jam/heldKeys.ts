// Which of our keys sound: those that are down, and those that a pedal keeps. What others hear, the roll and the record
// get the note as it sounds, so that a pedal needs no message of its own.

import type { Pedal } from "./midi";

export class HeldKeys {
  private readonly down = new Set<number>();
  private readonly kept = new Set<number>();
  private readonly caught = new Set<number>();
  private sustain = false;

  /** A key goes down; returns whether it sounded already, and has to be released first. */
  press(key: number): boolean {
    const sounded = this.sounds(key);
    this.kept.delete(key);
    this.down.add(key);
    return sounded;
  }

  /** A key is let go; returns whether it ends now. */
  release(key: number): boolean {
    if (!this.down.delete(key)) return false;
    if (!this.sustain && !this.caught.has(key)) return true;
    this.kept.add(key);
    return false;
  }

  /** Returns the keys that end now. Sostenuto keeps those that are down when it is pressed. */
  pedal(pedal: Pedal, down: boolean): number[] {
    if (pedal === "sustain") this.sustain = down;
    else {
      this.caught.clear();
      if (down) for (const key of this.down) this.caught.add(key);
    }
    const ended = [...this.kept].filter((key) => !this.sustain && !this.caught.has(key));
    for (const key of ended) this.kept.delete(key);
    return ended;
  }

  /** Returns the keys that end; the pedals are up. */
  clear(): number[] {
    const ended = this.sounding;
    for (const set of [this.down, this.kept, this.caught]) set.clear();
    this.sustain = false;
    return ended;
  }

  get sounding(): number[] {
    return [...this.down, ...this.kept];
  }

  private sounds(key: number): boolean {
    return this.down.has(key) || this.kept.has(key);
  }
}
