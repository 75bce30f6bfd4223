// Web MIDI: what a keyboard says, and which keyboards are there. A keyboard that goes lets go of its keys and pedals.

export type MidiEvent =
  /** `velocity` 0 releases; `drums`: on channel 10, which General MIDI gives to the drum kit. */
  | { kind: "key"; pitch: number; velocity: number; drums: boolean }
  | { kind: "pedal"; pedal: Pedal; down: boolean }
  | { kind: "program"; program: number }
  /** All notes off, all sound off, or a reset. */
  | { kind: "silence" };
export type Pedal = "sustain" | "sostenuto";

const DRUM_CHANNEL = 9;
const PEDALS: Record<number, Pedal> = { 64: "sustain", 66: "sostenuto" };
const PEDAL_DOWN = 64;
const ALL_SOUND_OFF = 120;
const RESET_CONTROLLERS = 121;
const ALL_NOTES_OFF = 123;
const SYSTEM_RESET = 0xff;

/** A message of MIDI; null for one that means nothing here. A key pressed with velocity 0 is a release. */
export function readMidi(data: Uint8Array | null): MidiEvent | null {
  const [status, first = 0, second = 0] = data ?? [];
  if (status === undefined || first > 127 || second > 127) return null;
  if (status === SYSTEM_RESET) return { kind: "silence" };
  const drums = (status & 0x0f) === DRUM_CHANNEL;
  const length = data?.length ?? 0;
  switch (status & 0xf0) {
    case 0x80:
      return length < 3 ? null : { kind: "key", pitch: first, velocity: 0, drums };
    case 0x90:
      return length < 3 ? null : { kind: "key", pitch: first, velocity: second, drums };
    case 0xb0:
      return length < 3 ? null : readController(first, second);
    case 0xc0:
      return length < 2 || drums ? null : { kind: "program", program: first };
    default:
      return null;
  }
}

function readController(number: number, value: number): MidiEvent | null {
  const pedal = PEDALS[number];
  if (pedal) return { kind: "pedal", pedal, down: value >= PEDAL_DOWN };
  // 124 to 127 change a mode, and let go of all keys with it.
  if (number === ALL_SOUND_OFF || number === RESET_CONTROLLERS || number >= ALL_NOTES_OFF)
    return { kind: "silence" };
  return null;
}

/** Keys and pedals of one keyboard. */
interface Down {
  keys: Map<string, { pitch: number; drums: boolean }>;
  pedals: Set<Pedal>;
}

export class MidiInputs {
  private access: MIDIAccess | null = null;
  private readonly down = new Map<string, Down>();

  /** `timeStamp` counts as `performance.now()` does. */
  constructor(
    private readonly onEvent: (event: MidiEvent, timeStamp: number) => void,
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
    for (const id of [...this.down.keys()]) this.lost(id);
  }

  private listen(): void {
    const here = [...(this.access?.inputs.values() ?? [])].filter((input) => input.state === "connected");
    for (const id of [...this.down.keys()]) if (!here.some((input) => input.id === id)) this.lost(id);
    for (const input of here) {
      input.onmidimessage = (message) => {
        const event = readMidi(message.data);
        if (!event) return;
        this.follow(input.id, event);
        this.onEvent(event, message.timeStamp);
      };
    }
    this.onNames(here.map((input) => input.name ?? "MIDI"));
  }

  private follow(id: string, event: MidiEvent): void {
    const down = this.down.get(id) ?? { keys: new Map(), pedals: new Set() };
    this.down.set(id, down);
    if (event.kind === "key") {
      const name = `${event.drums} ${event.pitch}`;
      if (event.velocity > 0) down.keys.set(name, event);
      else down.keys.delete(name);
    } else if (event.kind === "pedal") {
      if (event.down) down.pedals.add(event.pedal);
      else down.pedals.delete(event.pedal);
    } else if (event.kind === "silence") this.down.delete(id);
  }

  /** A keyboard is gone: what it held is let go. */
  private lost(id: string): void {
    const down = this.down.get(id);
    this.down.delete(id);
    const now = performance.now();
    for (const pedal of down?.pedals ?? []) this.onEvent({ kind: "pedal", pedal, down: false }, now);
    for (const { pitch, drums } of down?.keys.values() ?? [])
      this.onEvent({ kind: "key", pitch, velocity: 0, drums }, now);
  }
}
