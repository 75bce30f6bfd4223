// The piano roll: notes of people, loops and the band around the moment that is heard.

import { useEffect, useRef } from "preact/hooks";
import { ROLES } from "../../jam/band/controls";
import type { Jam } from "../../jam/jam";
import { audible, soundsOf } from "../../jam/loops/loops";
import type { RollNote } from "../../jam/pianoRoll";
import { me } from "../../jam/players";
import { DRUMS } from "../../jam/synth/synthPort";
import { barAt, beatOfBar, msAt, type Transport } from "../../jam/transport";
import type { BandRole } from "../../protocol/messages";
import { t } from "../../strings";

/** The place of the present, as a part of the width. */
const PRESENT = 0.58;
/** The part of the width by which a page advances, where pages are turned. */
const PAGE = 0.8;
const PIXELS_PER_BEAT = 46;
const FEWEST_BEATS = 8;
/** Pixels at the top for the chord and the names. */
const HEAD = 26;
/** The part of the height for the drums. */
const DRUM_PART = 0.2;
const DRUM_LOW = 35;
const DRUM_HIGH = 59;
const LEAST_RANGE = 28;
const STYLE_MS = 1000;
/** Least time between two frames: 30 a second are enough, and spare slow machines. */
const PICTURE_MS = 30;

interface Ink {
  line: string;
  strong: string;
  text: string;
  present: string;
  people: Map<string, string>;
  roles: Record<BandRole, string>;
}

export function JamPianoRoll({ jam }: { jam: Jam }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const chord = useRef<HTMLParagraphElement>(null);
  const { room } = jam;
  useEffect(() => {
    const { current } = canvas;
    const context = current?.getContext("2d");
    if (!current || !context) return;
    let frame = 0;
    let ink = inkOf(current, jam);
    let inkMs = performance.now();
    let drawnMs = 0;
    let range = { low: 48, high: 84 };
    const draw = (nowMs: number) => {
      frame = requestAnimationFrame(draw);
      if (nowMs - drawnMs < PICTURE_MS) return;
      drawnMs = nowMs;
      if (nowMs - inkMs > STYLE_MS) {
        ink = inkOf(current, jam);
        inkMs = nowMs;
      }
      const width = current.clientWidth;
      const height = current.clientHeight;
      const scale = devicePixelRatio;
      if (current.width !== Math.round(width * scale) || current.height !== Math.round(height * scale)) {
        current.width = Math.round(width * scale);
        current.height = Math.round(height * scale);
      }
      context.setTransform(scale, 0, 0, scale, 0, 0);
      range = paint(context, width, height, jam, ink, range);
      tellChord(chord.current, jam);
    };
    frame = requestAnimationFrame(draw);
    return () => cancelAnimationFrame(frame);
  }, [jam]);

  const mine = room.members.me.value?.id;
  const here = [...room.members.all.value.values()].filter((person) => person.online && person.kind !== "ai");
  const band = jam.band.value !== null;
  const controls = jam.score.value.controls.value;
  const place = jam.place.value;
  const seen = jam.roll.notes;
  return (
    <section class="jam-roll" data-bar={place.bar}>
      <canvas
        ref={canvas}
        class="jam-roll-canvas"
        role="img"
        aria-label={t.jam.roll(
          seen.filter((note) => !note.band).length,
          seen.filter((note) => note.band).length,
        )}
      />
      <p class="jam-chord" ref={chord} title={t.jam.chord} />
      <ul class="jam-legend">
        {here.map((person) => (
          <li key={person.id} style={{ "--who": person.color }}>
            {person.id === mine ? t.people.you(person.name) : person.name}
          </li>
        ))}
        {band &&
          ROLES.filter((role) => controls.roles[role]).map((role) => (
            <li key={role} class="jam-legend-band" style={{ "--who": `var(--role-${role})` }}>
              {t.jam.roles[role]}
            </li>
          ))}
      </ul>
    </section>
  );
}

function tellChord(host: HTMLElement | null, jam: Jam): void {
  const { now, next } = jam.roll.chordsAt(jam.beat());
  const words = next && next !== now ? t.jam.chordNext(next) : "";
  if (!host || (host.dataset.now === now && host.dataset.next === words)) return;
  host.dataset.now = now;
  host.dataset.next = words;
  host.replaceChildren(now);
  if (!words) return;
  const small = document.createElement("small");
  small.textContent = words;
  host.append(" ", small);
}

function inkOf(host: HTMLElement, jam: Jam): Ink {
  const style = getComputedStyle(host);
  const people = new Map([...jam.room.members.all.peek().values()].map(({ id, color }) => [id, color]));
  const mine = jam.room.members.me.peek();
  if (mine) people.set(me, mine.color);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return {
    line: read("--line"),
    strong: read("--line-strong"),
    text: read("--ink-faint"),
    present: read("--accent"),
    people,
    roles: Object.fromEntries(ROLES.map((role) => [role, read(`--role-${role}`)])) as Ink["roles"],
  };
}

type Range = { low: number; high: number };

/** Draws one frame; returns the range of pitches shown, which glides from frame to frame. */
function paint(
  context: CanvasRenderingContext2D,
  width: number,
  height: number,
  jam: Jam,
  ink: Ink,
  range: Range,
): Range {
  const transport = jam.transport();
  const beat = jam.beat();
  const span = Math.max(FEWEST_BEATS, width / PIXELS_PER_BEAT);
  const first = firstInSight(beat, span);
  const last = first + span;
  const x = (at: number) => ((at - first) / span) * width;
  context.clearRect(0, 0, width, height);
  grid(context, transport, first, last, x, height, ink);
  // People's notes lie on top of the band's.
  const seen = inSight(jam.roll.notes, first, last).sort((a, b) => Number(b.band) - Number(a.band));
  const notes = [...seen, ...loopNotes(jam, transport, first, last)];
  const shown = glided(range, notes);
  const melodic = height * (1 - DRUM_PART) - HEAD;
  const y = (note: RollNote) =>
    note.drums
      ? HEAD + melodic + (1 - (note.pitch - DRUM_LOW) / (DRUM_HIGH - DRUM_LOW)) * height * DRUM_PART * 0.9
      : HEAD + melodic * (1 - (note.pitch - shown.low) / (shown.high - shown.low));
  const thick = Math.max(3, Math.min(9, melodic / (shown.high - shown.low)));
  for (const note of notes) {
    const colour = note.band ? ink.roles[note.who as BandRole] : ink.people.get(note.who);
    const to = note.to ?? Math.max(note.from, beat);
    context.fillStyle = colour || ink.text;
    // Future notes are paler, and so are repeated notes of loops.
    context.globalAlpha = note.from > beat ? 0.4 : note.velocity < 0 ? 0.6 : 0.95;
    const left = x(note.from);
    const length = Math.max(3, note.drums ? 6 : x(to) - left - 1);
    context.beginPath();
    context.roundRect(left, y(note) - thick / 2, length, note.drums ? 6 : thick, 2);
    context.fill();
  }
  context.globalAlpha = 1;
  context.fillStyle = ink.present;
  context.fillRect(x(beat) - 1, 0, 2, height);
  return shown;
}

/** The beat at the left edge: it glides, or turns pages where reduced motion is preferred. */
function firstInSight(beat: number, span: number): number {
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) return beat - span * PRESENT;
  const page = span * PAGE;
  return Math.floor(beat / page) * page - span * (1 - PAGE) * 0.5;
}

function grid(
  context: CanvasRenderingContext2D,
  transport: Transport,
  first: number,
  last: number,
  x: (beat: number) => number,
  height: number,
  ink: Ink,
): void {
  context.font = "11px sans-serif";
  for (let bar = Math.max(0, barAt(transport, first)); beatOfBar(transport, bar) < last; bar += 1) {
    const start = beatOfBar(transport, bar);
    for (let beat = 0; beat < transport.beats; beat += 1) {
      context.fillStyle = beat === 0 ? ink.strong : ink.line;
      context.fillRect(Math.round(x(start + beat)), 0, 1, height);
    }
    context.fillStyle = ink.text;
    context.fillText(String(bar + 1), x(start) + 4, height - 5);
  }
}

const inSight = (notes: readonly RollNote[], first: number, last: number) =>
  notes.filter((note) => note.from < last && (note.to ?? last) > first);

/** The visible notes of loops, as notes of their authors; a negative velocity marks them. */
function loopNotes(jam: Jam, transport: Transport, first: number, last: number): RollNote[] {
  if (!transport.playing) return [];
  const [fromMs, toMs] = [msAt(transport, first), msAt(transport, last)];
  return audible(jam.score.peek().loops.peek()).flatMap((loop) =>
    soundsOf(loop, { transport, fromMs: Math.max(fromMs, transport.at_ms), toMs }).map(
      ({ pitch, beat, fromMs: start, untilMs }) => ({
        who: loop.by,
        band: false,
        drums: loop.program === DRUMS,
        pitch,
        velocity: -1,
        from: beat,
        to: beat + ((untilMs - start) * transport.tempo) / 60_000,
      }),
    ),
  );
}

function glided(range: Range, notes: readonly RollNote[]): Range {
  const pitches = notes.filter((note) => !note.drums).map((note) => note.pitch);
  if (pitches.length === 0) return range;
  let low = Math.min(...pitches) - 3;
  let high = Math.max(...pitches) + 3;
  const lacking = LEAST_RANGE - (high - low);
  if (lacking > 0) {
    low -= lacking / 2;
    high += lacking / 2;
  }
  const ease = (from: number, to: number) => from + (to - from) * 0.08;
  return { low: ease(range.low, low), high: ease(range.high, high) };
}
