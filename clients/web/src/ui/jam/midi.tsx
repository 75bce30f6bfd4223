// MIDI keyboards: connecting them, and what their keys, pedals and messages do.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Jam } from "../../jam/jam";
import { type MidiEvent, MidiInputs } from "../../jam/midi";
import { DRUMS } from "../../jam/synth/synthPort";
import { t } from "../../strings";

export function Midi({ jam }: { jam: Jam }) {
  const names = useSignal<readonly string[] | null>(null);
  const refused = useSignal(false);
  const inputs = useRef<MidiInputs | null>(null);
  useEffect(() => () => inputs.current?.close(), []);
  const open = async () => {
    const made = new MidiInputs(
      (event, timeStamp) => follow(jam, event, timeStamp),
      (found) => {
        names.value = found;
      },
    );
    inputs.current?.close();
    inputs.current = made;
    try {
      await made.open();
      refused.value = false;
    } catch {
      refused.value = true;
    }
  };
  const words = refused.value
    ? t.jam.midiRefused
    : names.value === null
      ? null
      : names.value.join(", ") || t.jam.midiNone;
  return (
    <span class="jam-midi">
      <button type="button" class="button small" title={t.jam.midi} onClick={() => void open()}>
        MIDI
      </button>
      {words && (
        <span class="hint" role="status">
          {words}
        </span>
      )}
    </span>
  );
}

function follow(jam: Jam, event: MidiEvent, timeStamp: number): void {
  const atMs = jam.serverTime(timeStamp);
  switch (event.kind) {
    case "key":
      if (event.velocity === 0) jam.people.release(event.pitch, atMs);
      else {
        jam.sound.join();
        // Channel 10 is the drum kit's: a pad chooses it.
        if (event.drums) choose(jam, DRUMS);
        jam.people.press(event.pitch, event.velocity, atMs);
      }
      break;
    case "pedal":
      jam.people.pedal(event.pedal, event.down, atMs);
      break;
    case "program":
      choose(jam, event.program);
      break;
    case "silence":
      jam.people.releaseAll();
      break;
  }
}

function choose(jam: Jam, program: number): void {
  const mine = jam.room.members.me.peek()?.id;
  const score = jam.score.peek();
  if (!mine || score.player(mine).program === program) return;
  jam.people.releaseAll();
  score.setPlayer(mine, { program });
}
