// The computer keyboard as a piano, by the position of a key, so that it works in every layout.

import { PADS } from "./synth/instruments";

const WHITE_AND_BLACK = [
  "KeyA",
  "KeyW",
  "KeyS",
  "KeyE",
  "KeyD",
  "KeyF",
  "KeyT",
  "KeyG",
  "KeyY",
  "KeyH",
  "KeyU",
  "KeyJ",
  "KeyK",
  "KeyO",
  "KeyL",
  "KeyP",
  "Semicolon",
];
const PAD_KEYS = ["KeyA", "KeyS", "KeyD", "KeyF", "KeyG", "KeyH", "KeyJ", "KeyK"];
export const OCTAVE_DOWN = "KeyZ";
export const OCTAVE_UP = "KeyX";

/** The pitch of a key; `low` is the C that the row begins at. Null for a key that plays nothing. */
export function pitchOfKey(code: string, low: number, drums: boolean): number | null {
  if (drums) return PADS[PAD_KEYS.indexOf(code)] ?? null;
  const step = WHITE_AND_BLACK.indexOf(code);
  return step < 0 || low + step > 127 ? null : low + step;
}

/** What is printed on the key that plays a pitch, where there is one. */
export function labelOfPitch(pitch: number, low: number): string {
  const code = WHITE_AND_BLACK[pitch - low];
  return code ? (code === "Semicolon" ? ";" : code.slice(3)) : "";
}

export const labelOfPad = (index: number): string => PAD_KEYS[index]?.slice(3) ?? "";
