// The loops: recording, and each loop with its author, volume and switches.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Jam } from "../../jam/jam";
import type { Loop } from "../../jam/loops/loops";
import { t } from "../../strings";
import { IconButton } from "../parts/controls";
import { Icon } from "../parts/icons";
import { programName, Slider } from "./parts";

const LENGTHS = [1, 2, 4, 8];
const COUNT_INS = [0, 1, 2];

export function JamLoops({ jam }: { jam: Jam }) {
  const bars = useSignal(2);
  const grid = useSignal(120);
  const { room } = jam;
  const score = jam.score.value;
  const loops = score.loops.value;
  const { count_in: countIn } = score.settings.value;
  const mine = score.player(room.members.me.value?.id ?? "");
  const busy = jam.armed.value !== null || jam.recorder.value !== null;
  return (
    <section class="jam-column jam-loops" aria-label={t.jam.loops}>
      <header class="jam-head">
        <h2>{t.jam.loops}</h2>
        {busy ? (
          <Recording jam={jam} />
        ) : (
          room.members.canEdit && (
            <button
              type="button"
              class="button small jam-record"
              onClick={() =>
                jam.record({ program: mine.program, bars: bars.value, grid: grid.value, over: null })
              }
            >
              <Icon name="record" />
              {t.jam.record}
            </button>
          )
        )}
      </header>
      {room.members.canEdit && (
        <div class="jam-record-options">
          <Choice
            label={t.jam.recordBars}
            value={bars.value}
            options={LENGTHS.map((each) => [each, t.jam.bars(each)])}
            onChange={(each) => {
              bars.value = each;
            }}
          />
          <Choice
            label={t.jam.countIn}
            value={countIn}
            options={COUNT_INS.map((each) => [each, each === 0 ? t.jam.none : t.jam.bars(each)])}
            onChange={(each) => score.set("count_in", each)}
          />
          <Choice
            label={t.jam.quantise}
            value={grid.value}
            options={Object.entries(t.jam.grids).map(([ticks, name]) => [Number(ticks), name])}
            onChange={(each) => {
              grid.value = each;
            }}
          />
        </div>
      )}
      {loops.length === 0 ? (
        <p class="hint jam-empty">{room.members.canEdit ? t.jam.noLoops : t.jam.noLoopsReading}</p>
      ) : (
        <ul class="jam-loop-list">
          {loops.map((loop) => (
            <LoopRow key={loop.id} jam={jam} loop={loop} busy={busy} grid={grid.value} />
          ))}
        </ul>
      )}
    </section>
  );
}

function LoopRow({ jam, loop, busy, grid }: { jam: Jam; loop: Loop; busy: boolean; grid: number }) {
  const { room } = jam;
  const score = jam.score.value;
  const author = room.members.all.value.get(loop.by);
  const reading = !room.members.canEdit;
  const name = loop.name || programName(loop.program);
  jam.place.value;
  const meter = jam.transport().beats;
  return (
    <li
      class={`jam-loop ${loop.muted ? "muted" : ""}`}
      style={{ "--who": author?.color }}
      data-loop={loop.id}
    >
      <div class="jam-loop-head">
        <input
          class="jam-loop-name"
          aria-label={t.jam.loopName}
          value={name}
          maxLength={64}
          readOnly={reading}
          onChange={({ currentTarget }) => {
            const chosen = currentTarget.value.trim();
            if (chosen) score.setLoop(loop.id, { name: chosen });
            else currentTarget.value = name;
          }}
        />
        <IconButton
          icon="layer"
          label={t.jam.loopLayer(name)}
          disabled={reading || busy}
          onClick={() => jam.record({ program: loop.program, bars: loop.bars, grid, over: loop.id })}
        />
        <IconButton
          icon="bin"
          label={t.jam.loopDelete(name)}
          disabled={reading}
          onClick={() => score.removeLoop(loop.id)}
        />
      </div>
      <div class="jam-loop-row">
        <button
          type="button"
          class="jam-toggle"
          aria-pressed={loop.muted}
          aria-label={t.jam.loopMute(name)}
          title={t.jam.loopMute(name)}
          disabled={reading}
          onClick={() => score.setLoop(loop.id, { muted: !loop.muted })}
        >
          M
        </button>
        <button
          type="button"
          class="jam-toggle"
          aria-pressed={loop.solo}
          aria-label={t.jam.loopSolo(name)}
          title={t.jam.loopSolo(name)}
          disabled={reading}
          onClick={() => score.setLoop(loop.id, { solo: !loop.solo })}
        >
          S
        </button>
        <Slider
          label={t.jam.loopVolume(name)}
          value={loop.volume}
          disabled={reading}
          onInput={(volume) => score.setLoop(loop.id, { volume })}
        />
      </div>
      <p class="hint jam-loop-by">
        {t.jam.loopBy(author?.name ?? t.runs.gone, loop.bars, loop.notes.length)}
        {loop.beats !== meter && ` · ${t.jam.loopMeter(loop.beats, meter)}`}
      </p>
    </li>
  );
}

/** The state of the recording, announced when it changes. */
function Recording({ jam }: { jam: Jam }) {
  const turn = useSignal(0);
  useEffect(() => {
    const timer = setInterval(() => {
      turn.value += 1;
    }, 80);
    return () => clearInterval(timer);
  }, []);
  turn.value;
  const recorder = jam.recorder.value;
  const progress = recorder?.progress(jam.beat()) ?? null;
  const words =
    progress === null
      ? t.jam.waiting
      : progress < 0
        ? t.jam.countdown(Math.ceil(-progress))
        : t.jam.recording;
  return (
    <div class={`jam-recording ${progress !== null && progress >= 0 ? "live" : ""}`}>
      <span role="status">{words}</span>
      <progress
        class="run-progress"
        max={1}
        value={Math.max(0, progress ?? 0)}
        aria-label={t.jam.recording}
      />
      <IconButton icon="cross" label={t.jam.cancelRecord} onClick={() => jam.cancelRecording()} />
    </div>
  );
}

export function Choice(props: {
  label: string;
  value: number;
  options: readonly (readonly [number, string])[];
  disabled?: boolean;
  onChange: (value: number) => void;
}) {
  return (
    <label class="jam-choice">
      <span>{props.label}</span>
      <select
        class="field small"
        disabled={props.disabled}
        value={String(props.value)}
        onChange={({ currentTarget }) => props.onChange(Number(currentTarget.value))}
      >
        {props.options.map(([value, name]) => (
          <option key={value} value={String(value)}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
