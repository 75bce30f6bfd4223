// The computer keyboard as a piano (by the position of a key, so that it works in every layout), and Web MIDI.

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

export interface MidiKey {
  pitch: number;
  velocity: number;
}

/** A note message of MIDI; null for any other. A key pressed with velocity 0 is a release. */
export function readMidi(data: Uint8Array | null): MidiKey | null {
  const [status, pitch, velocity] = data ?? [];
  if (status === undefined || pitch === undefined || velocity === undefined || pitch > 127) return null;
  const kind = status & 0xf0;
  if (kind === 0x90) return { pitch, velocity: Math.min(127, velocity) };
  return kind === 0x80 ? { pitch, velocity: 0 } : null;
}

export class MidiInputs {
  private access: MIDIAccess | null = null;

  /** `timeStamp` counts as `performance.now()` does. */
  constructor(
    private readonly onKey: (key: MidiKey, timeStamp: number) => void,
    private readonly onNames: (names: string[]) => void,
  ) {}

  static get supported(): boolean {
    return typeof navigator.requestMIDIAccess === "function";
  }

  /** Asks the person for leave. Throws when they, or the browser, refuse. */
  async open(): Promise<void> {
    this.access = await navigator.requestMIDIAccess();
    this.access.onstatechange = () => this.listen();
    this.listen();
  }

  close(): void {
    if (!this.access) return;
    this.access.onstatechange = null;
    for (const input of this.access.inputs.values()) input.onmidimessage = null;
  }

  private listen(): void {
    const inputs = [...(this.access?.inputs.values() ?? [])];
    for (const input of inputs) {
      input.onmidimessage = (event) => {
        const key = readMidi(event.data);
        if (key) this.onKey(key, event.timeStamp);
      };
    }
    this.onNames(inputs.filter((input) => input.state === "connected").map((input) => input.name ?? "MIDI"));
  }
}
