// The bar of the jam: transport, pending changes, sound, export.

import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Jam, PendingRequests } from "../../jam/jam";
import { tonicName } from "../../jam/synth/instruments";
import { barAt, inForce, type Transport } from "../../jam/transport";
import type { TransportChange } from "../../protocol/messages";
import type { JamView } from "../../room/storage/browserStorage";
import { t } from "../../strings";
import { IconButton } from "../parts/controls";
import { Icon } from "../parts/icons";
import { JamExport } from "./export";
import { JamMixer } from "./mixer";
import { Popover } from "./parts";
import { JamSound } from "./sound";
import { JamStats } from "./stats";

const METERS = [2, 3, 4, 5, 6, 7];
const TONICS = [...Array(12).keys()];
const SLOWEST = 30;
const FASTEST = 300;

export function JamTransport({ jam, view }: { jam: Jam; view: Signal<JamView> }) {
  const { room } = jam;
  const score = jam.score.value;
  // Read again at every beat: the state changes with time.
  const place = jam.place.value;
  const transport = inForce(score.timeline.value, room.serverNow());
  const shown = wished(transport, jam.pending.value);
  const settings = score.settings.value;
  const reading = !room.members.canEdit;
  const whole = view.value === "whole";
  const conduct = (change: TransportChange) => jam.conduct(change, transport.playing ? "bar" : "now");
  return (
    <div class="jam-bar">
      <div class="jam-group">
        <IconButton
          icon="start"
          label={t.jam.toStart}
          disabled={reading}
          onClick={() => jam.conduct({ bar: 0 }, "now")}
        />
        <button
          type="button"
          class={`button jam-play ${place.playing ? "stop" : "primary"}`}
          disabled={reading}
          onClick={() => {
            jam.sound.join();
            jam.conduct({ playing: !shown.playing }, "now");
          }}
        >
          <Icon name={shown.playing ? "stop" : "play"} />
          {shown.playing ? t.jam.stop : t.jam.play}
        </button>
        <Lights place={place} beats={transport.beats} />
      </div>
      <div class="jam-group">
        <IconButton
          icon="undo"
          label={t.jam.undo}
          disabled={!room.undoSteps.can("jam", false)}
          onClick={() => room.undoSteps.back("jam")}
        />
        <IconButton
          icon="redo"
          label={t.jam.redo}
          disabled={!room.undoSteps.can("jam", true)}
          onClick={() => room.undoSteps.again("jam")}
        />
      </div>
      <div class="jam-group jam-settings">
        <TempoField tempo={shown.tempo} disabled={reading} onTempo={(tempo) => conduct({ tempo })} />
        <label class="jam-choice">
          <span class="offscreen">{t.jam.meter}</span>
          <select
            class="field small"
            title={t.jam.meter}
            disabled={reading}
            value={String(shown.beats)}
            onChange={({ currentTarget }) => conduct({ beats: Number(currentTarget.value) })}
          >
            {METERS.map((beats) => (
              <option key={beats} value={String(beats)}>
                {beats}/4
              </option>
            ))}
          </select>
        </label>
        <fieldset class="jam-key">
          <legend class="offscreen">{t.jam.key}</legend>
          <select
            class="field small"
            aria-label={t.jam.key}
            title={t.jam.key}
            disabled={reading}
            value={String(shown.tonic)}
            onChange={({ currentTarget }) => conduct({ tonic: Number(currentTarget.value) })}
          >
            {TONICS.map((tonic) => (
              <option key={tonic} value={String(tonic)}>
                {tonicName(tonic)}
              </option>
            ))}
          </select>
          <select
            class="field small"
            aria-label={`${t.jam.modes.maj} / ${t.jam.modes.min}`}
            disabled={reading}
            value={shown.mode}
            onChange={({ currentTarget }) => conduct({ mode: currentTarget.value as "maj" | "min" })}
          >
            <option value="maj">{t.jam.modes.maj}</option>
            <option value="min">{t.jam.modes.min}</option>
          </select>
        </fieldset>
        <IconButton
          icon="metronome"
          label={t.jam.metronome}
          pressed={settings.metronome}
          disabled={reading}
          onClick={() => score.set("metronome", !settings.metronome)}
        />
      </div>
      <PendingList jam={jam} />
      <span class="jam-space" />
      <div class="jam-group">
        <JamSound jam={jam} />
        <JamMixer jam={jam} />
        <Popover icon="gauge" label={t.jam.details} class="jam-pop-right">
          <JamStats jam={jam} />
        </Popover>
        <JamExport jam={jam} />
        <IconButton
          icon={whole ? "restore" : "maximise"}
          label={whole ? t.jam.restore : t.jam.maximise}
          class="jam-size"
          onClick={() => {
            view.value = whole ? "beside" : "whole";
          }}
        />
        <IconButton
          icon="cross"
          label={t.jam.hide}
          onClick={() => {
            view.value = "closed";
          }}
        />
      </div>
    </div>
  );
}

/** The transport once all pending changes are applied. */
function wished(transport: Transport, pending: readonly PendingRequests[]): Transport {
  const { bar: _, ...change } = Object.assign({}, ...pending.map((each) => each.change)) as TransportChange;
  return { ...transport, ...change };
}

function Lights({ place, beats }: { place: { bar: number; beat: number; playing: boolean }; beats: number }) {
  const label = place.playing ? t.jam.beatOf(place.beat + 1, beats) : t.jam.still;
  return (
    <div class="jam-place" data-bar={place.bar} data-beat={place.beat} data-playing={place.playing}>
      <span class="jam-bar-number">{t.jam.bar(place.bar + 1)}</span>
      <span class="jam-lights" role="img" aria-label={label}>
        {[...Array(beats).keys()].map((beat) => (
          <span
            key={beat}
            class={`jam-light ${beat === 0 ? "first" : ""} ${place.playing && place.beat === beat ? "lit" : ""}`}
          />
        ))}
      </span>
    </div>
  );
}

function TempoField(props: { tempo: number; disabled: boolean; onTempo: (tempo: number) => void }) {
  const draft = useSignal<string | null>(null);
  const refused = useSignal(false);
  const shown = draft.value ?? String(Math.round(props.tempo * 10) / 10);
  const commit = () => {
    const tempo = Number(draft.peek()?.replace(",", "."));
    if (draft.peek() !== null) refused.value = !(tempo >= SLOWEST && tempo <= FASTEST);
    draft.value = null;
    if (tempo >= SLOWEST && tempo <= FASTEST && tempo !== props.tempo) props.onTempo(tempo);
  };
  return (
    <label class="jam-tempo">
      <span>{t.jam.tempo}</span>
      <input
        class="field small"
        type="number"
        min={SLOWEST}
        max={FASTEST}
        step="1"
        title={t.jam.bpm}
        disabled={props.disabled}
        value={shown}
        onInput={({ currentTarget }) => {
          draft.value = currentTarget.value;
        }}
        onChange={commit}
        onBlur={commit}
        aria-invalid={refused.value}
        onKeyDown={({ key, currentTarget }) => {
          if (key !== "Enter") return;
          commit();
          currentTarget.blur(); // the letters play again
        }}
      />
      {refused.value && (
        <span class="field-error" role="alert">
          {t.jam.tempoBounds(SLOWEST, FASTEST)}
        </span>
      )}
    </label>
  );
}

/** The pending changes, and the bar from which they apply. */
function PendingList({ jam }: { jam: Jam }) {
  // A change may be applied without a beat (a stop).
  const turn = useSignal(0);
  const waiting = jam.pending.value;
  useEffect(() => {
    if (waiting.length === 0) return;
    const timer = setInterval(() => {
      turn.value += 1;
    }, 200);
    return () => clearInterval(timer);
  }, [waiting.length]);
  turn.value;
  return (
    <ul class="jam-pending" aria-live="polite">
      {waiting.map((each) => (
        <li key={each.id} class="jam-chip">
          {wordsOf(each.change)}
          <span class="jam-chip-when">{whenOf(jam, each)}</span>
        </li>
      ))}
    </ul>
  );
}

function wordsOf(change: TransportChange): string {
  const words = t.jam.pending;
  const said: string[] = [];
  if (change.playing !== undefined) said.push(change.playing ? words.playing : words.stopping);
  if (change.tempo !== undefined) said.push(words.tempo(change.tempo));
  if (change.beats !== undefined) said.push(words.beats(change.beats));
  if (change.tonic !== undefined) said.push(words.key(tonicName(change.tonic)));
  if (change.mode !== undefined) said.push(words.key(t.jam.modes[change.mode]));
  if (change.bar !== undefined) said.push(words.bar);
  return said.join(", ");
}

function whenOf(jam: Jam, { atMs }: PendingRequests): string {
  if (atMs === null) return t.jam.pending.asked;
  const next = jam.score.peek().timeline.peek().next;
  return next?.playing ? t.jam.pending.at(barAt(next, next.beat + 1e-6) + 1) : "";
}
