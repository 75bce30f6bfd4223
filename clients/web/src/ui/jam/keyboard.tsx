// What a person plays on: piano or pads on the screen, the computer keyboard, MIDI; and the instrument.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Jam } from "../../jam/jam";
import { labelOfPad, labelOfPitch, OCTAVE_DOWN, OCTAVE_UP, pitchOfKey } from "../../jam/keyboard";
import { MidiInputs } from "../../jam/midi";
import { isBlack, noteName, PADS } from "../../jam/synth/instruments";
import { DRUMS } from "../../jam/synth/synthPort";
import { t } from "../../strings";
import { IconButton } from "../parts/controls";
import { Midi } from "./midi";
import { ProgramSelect, programName, Slider } from "./parts";

const OCTAVE = 12;
const LOWEST = 24;
const HIGHEST = 84;
const OCTAVE_WIDTH = 250;
const MOST_OCTAVES = 4;
const KEY_VELOCITY = 96;
const INTERVALS = [0, 1, 2, 4, 8];

export function JamKeyboard({ jam }: { jam: Jam }) {
  const host = useRef<HTMLDivElement>(null);
  const low = useSignal(48);
  const octaves = useSignal(2);
  const { room } = jam;
  const score = jam.score.value;
  const mine = room.members.me.value?.id ?? "";
  const player = score.player(mine);
  const { interval } = score.settings.value;
  score.players.value;
  const drums = player.program === DRUMS;
  const playing = room.members.canEdit;
  const shift = (by: number) => {
    jam.people.releaseAll();
    low.value = Math.min(HIGHEST, Math.max(LOWEST, low.peek() + by));
  };
  const press = (pitch: number, velocity: number, timeStamp: number) => {
    jam.sound.join();
    jam.people.press(pitch, velocity, jam.serverTime(timeStamp));
  };
  const release = (pitch: number, timeStamp: number) => jam.people.release(pitch, jam.serverTime(timeStamp));

  useEffect(() => {
    const { current } = host;
    if (!current) return;
    const observer = new ResizeObserver(() => {
      const fit = Math.floor(current.clientWidth / OCTAVE_WIDTH);
      octaves.value = Math.min(MOST_OCTAVES, Math.max(1, fit));
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (!playing) return;
    // A key is released with the pitch that it was pressed with, even when the octave has changed.
    const down = new Map<string, number>();
    const onDown = (event: KeyboardEvent) => {
      if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || !mayPlay(event.target)) return;
      if (event.code === OCTAVE_DOWN || event.code === OCTAVE_UP) {
        down.clear();
        shift(event.code === OCTAVE_UP ? OCTAVE : -OCTAVE);
        return;
      }
      const pitch = pitchOfKey(event.code, low.peek(), drums);
      if (pitch === null || down.has(event.code)) return;
      event.preventDefault();
      down.set(event.code, pitch);
      press(pitch, KEY_VELOCITY, event.timeStamp);
    };
    const onUp = (event: KeyboardEvent) => {
      const pitch = down.get(event.code);
      down.delete(event.code);
      if (pitch !== undefined) release(pitch, event.timeStamp);
    };
    const forget = () => down.clear();
    addEventListener("keydown", onDown);
    addEventListener("keyup", onUp);
    addEventListener("blur", forget);
    return () => {
      removeEventListener("keydown", onDown);
      removeEventListener("keyup", onUp);
      removeEventListener("blur", forget);
      jam.people.releaseAll();
    };
  }, [jam, drums, playing]);

  return (
    <div class="jam-keys">
      <div class="jam-mine">
        <div class="jam-mine-row">
          <ProgramSelect
            label={t.jam.instrument}
            value={player.program}
            disabled={!playing}
            onChange={(program) => {
              jam.people.releaseAll();
              score.setPlayer(mine, { program: program ?? 0 });
            }}
          />
          <IconButton
            icon="silent"
            label={t.jam.muteMe}
            pressed={player.muted}
            disabled={!playing}
            onClick={() => score.setPlayer(mine, { muted: !player.muted })}
          />
        </div>
        <Slider
          label={t.jam.myVolume}
          text={t.jam.volume}
          value={player.volume}
          disabled={!playing}
          onInput={(volume) => score.setPlayer(mine, { volume })}
        />
        <div class="jam-mine-row">
          <label class="jam-choice" title={t.jam.intervalHint}>
            <span>{t.jam.interval}</span>
            <select
              class="field small"
              disabled={!playing}
              value={String(interval)}
              onChange={({ currentTarget }) => score.set("interval", Number(currentTarget.value))}
            >
              {[...new Set([...INTERVALS, interval])].map((bars) => (
                <option key={bars} value={String(bars)}>
                  {t.jam.intervals(bars)}
                </option>
              ))}
            </select>
          </label>
          {MidiInputs.supported && playing && <Midi jam={jam} />}
          <IconButton icon="panic" label={t.jam.panic} onClick={() => jam.panic()} />
        </div>
        <Players jam={jam} />
      </div>
      <div class="jam-instrument">
        {!drums && (
          <IconButton
            icon="minus"
            label={t.jam.octaveDown}
            onClick={() => shift(-OCTAVE)}
            disabled={!playing}
          />
        )}
        <div class="jam-surface" ref={host}>
          <Surface
            jam={jam}
            drums={drums}
            low={low.value}
            octaves={octaves.value}
            playing={playing}
            press={press}
            release={release}
          />
        </div>
        {!drums && (
          <IconButton icon="plus" label={t.jam.octaveUp} onClick={() => shift(OCTAVE)} disabled={!playing} />
        )}
      </div>
    </div>
  );
}

type Press = (pitch: number, velocity: number, timeStamp: number) => void;
type Release = (pitch: number, timeStamp: number) => void;

/** Letters play notes unless a field or the board has the focus. */
function mayPlay(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return true;
  if (target.isContentEditable || target.closest(".canvas, dialog, textarea")) return false;
  // A letter would choose another entry of a list that still has the focus from the mouse.
  if (target instanceof HTMLSelectElement) return target.closest(".jam") !== null;
  if (target instanceof HTMLInputElement) return target.type === "range" || target.type === "checkbox";
  return target === document.body || target.closest(".jam") !== null;
}

/** Keys under fingers and mouse: a sliding pointer plays key after key. */
function Surface(props: {
  jam: Jam;
  drums: boolean;
  low: number;
  octaves: number;
  playing: boolean;
  press: Press;
  release: Release;
}) {
  const { drums, low, press, release } = props;
  const fingers = useRef(new Map<number, number>());
  const held = props.jam.people.held.value;
  const move = (event: PointerEvent) => {
    const under = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-pitch]");
    const pitch = under instanceof HTMLElement ? Number(under.dataset.pitch) : null;
    const was = fingers.current.get(event.pointerId);
    if (was === pitch) return;
    if (was !== undefined) release(was, event.timeStamp);
    fingers.current.delete(event.pointerId);
    if (pitch === null || !(under instanceof HTMLElement)) return;
    const box = under.getBoundingClientRect();
    const deep = Math.min(1, Math.max(0, (event.clientY - box.top) / box.height));
    fingers.current.set(event.pointerId, pitch);
    press(pitch, Math.round(56 + deep * 64), event.timeStamp);
  };
  const lift = (event: PointerEvent) => {
    const pitch = fingers.current.get(event.pointerId);
    fingers.current.delete(event.pointerId);
    if (pitch !== undefined) release(pitch, event.timeStamp);
  };
  const pitches = drums
    ? [...PADS]
    : [...Array(props.octaves * OCTAVE + 1).keys()].map((step) => low + step).filter((pitch) => pitch < 128);
  return (
    <fieldset
      class={drums ? "jam-pads" : "jam-piano"}
      style={{ "--whites": props.octaves * 7 + 1 }}
      aria-label={`${drums ? t.jam.pads : t.jam.piano}. ${t.jam.keysHint}`}
      disabled={!props.playing}
      onPointerDown={(event) => {
        if (!props.playing || event.button !== 0) return;
        const touched = event.target as Element;
        if (touched.hasPointerCapture?.(event.pointerId)) touched.releasePointerCapture(event.pointerId);
        move(event);
      }}
      onPointerMove={(event) => {
        if (fingers.current.has(event.pointerId)) move(event);
      }}
      onPointerUp={lift}
      onPointerCancel={lift}
      onPointerLeave={lift}
    >
      {pitches.map((pitch, index) => (
        <button
          key={pitch}
          type="button"
          tabIndex={index === 0 ? 0 : -1}
          data-pitch={pitch}
          class={`${drums ? "jam-pad" : isBlack(pitch) ? "jam-black" : "jam-white"} ${held.has(pitch) ? "down" : ""}`}
          style={{ "--at": whitesBelow(pitch, low) }}
          aria-label={drums ? t.jam.padNames[index] : noteName(pitch)}
          aria-pressed={held.has(pitch)}
          onKeyDown={(event) => {
            if ((event.key !== "Enter" && event.key !== " ") || event.repeat) return;
            event.preventDefault();
            press(pitch, KEY_VELOCITY, event.timeStamp);
          }}
          onKeyUp={(event) => {
            if (event.key === "Enter" || event.key === " ") release(pitch, event.timeStamp);
          }}
        >
          <span class="jam-cap">
            {drums ? (
              <>
                {t.jam.padNames[index]}
                <b data-cap={labelOfPad(index)} />
              </>
            ) : (
              <>
                <b data-cap={labelOfPitch(pitch, low)} />
                {pitch % OCTAVE === 0 && noteName(pitch)}
              </>
            )}
          </span>
        </button>
      ))}
    </fieldset>
  );
}

/** Number of white keys below this one: its place. */
function whitesBelow(pitch: number, low: number): number {
  let count = 0;
  for (let below = low; below < pitch; below += 1) if (!isBlack(below)) count += 1;
  return count;
}

/** The players and their instruments. */
function Players({ jam }: { jam: Jam }) {
  const { room } = jam;
  const score = jam.score.value;
  const others = [...room.members.all.value.values()].filter(
    (person) => person.online && person.kind !== "ai" && person.id !== room.members.me.value?.id,
  );
  if (others.length === 0) return null;
  return (
    <ul class="jam-players" aria-label={t.jam.players}>
      {others.map((person) => (
        <li key={person.id} style={{ "--who": person.color }}>
          <b>{person.name}</b> {programName(score.player(person.id).program)}
        </li>
      ))}
    </ul>
  );
}
