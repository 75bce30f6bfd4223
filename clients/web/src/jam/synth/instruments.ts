// The General MIDI programs on offer, by family: those that the SoundFont has and that play well by hand. Their names
// are in the strings.

import { DRUMS } from "./synthPort";

export const FAMILIES = {
  keys: [0, 4, 6, 11, 16, 19, 21],
  guitars: [24, 25, 26, 27, 29],
  basses: [32, 33, 38],
  strings: [40, 42, 46, 48],
  winds: [56, 60, 66, 71, 73],
  voices: [52, 80, 81, 89],
  drums: [DRUMS],
} as const;

export type Family = keyof typeof FAMILIES;

/** The pads, from the bottom left: General MIDI drum keys. */
export const PADS = [36, 38, 42, 46, 45, 50, 49, 51] as const;

/** Keys of the metronome: its first beat, and the others. */
export const CLICK_DOWN = 76;
export const CLICK = 77;

const NAMES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];

export const noteName = (pitch: number): string => `${NAMES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;
export const tonicName = (tonic: number): string => NAMES[tonic] ?? "C";
export const isBlack = (pitch: number): boolean => [1, 3, 6, 8, 10].includes(pitch % 12);
