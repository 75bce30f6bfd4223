// The band: start and stop, prompts, parts, and how it reacts.

import { useSignal } from "@preact/signals";
import { BAND_MODES, MAX_PROMPTS, REACTIONS, ROLES } from "../../jam/band/controls";
import type { Jam } from "../../jam/jam";
import { t } from "../../strings";
import { IconButton } from "../parts/controls";
import { Icon } from "../parts/icons";
import { noteOf } from "../parts/serverText";
import { Choice } from "./loops";
import { ProgramSelect, Slider } from "./parts";

export function JamBand({ jam }: { jam: Jam }) {
  const { room } = jam;
  const score = jam.score.value;
  const controls = score.controls.value;
  const reading = !room.members.canEdit;
  const facts = room.models.value.find((each) => each.modality === "audio")?.audio;
  /** Whether the model uses a control; true while there is no model. */
  const honours = (name: string) => !facts || facts.controls.includes(name);
  const roles = ROLES.filter((role) => !facts || facts.roles.includes(role));
  return (
    <section class="jam-column jam-band" aria-label={t.jam.band}>
      <BandHead jam={jam} />
      <Prompts jam={jam} />
      <ul class="jam-roles">
        {roles.map((role) => (
          <li key={role} class="jam-role" style={{ "--who": `var(--role-${role})` }}>
            <label class="jam-switch">
              <input
                type="checkbox"
                checked={controls.roles[role]}
                disabled={reading}
                onChange={({ currentTarget }) => score.setRole(role, currentTarget.checked)}
              />
              <span>{t.jam.roles[role]}</span>
            </label>
            <Slider
              label={t.jam.roleVolume(t.jam.roles[role])}
              value={score.role(role).volume}
              disabled={reading || !controls.roles[role] || !honours("volumes")}
              onInput={(volume) => score.setRoleStrip(role, { volume })}
            />
            {role !== "drums" && (
              <ProgramSelect
                label={t.jam.roleInstrument(t.jam.roles[role])}
                value={controls.instruments[role] ?? null}
                empty={t.jam.asModel}
                drums={false}
                disabled={reading || !controls.roles[role] || !honours("instruments")}
                onChange={(program) => score.setRoleInstrument(role, program)}
              />
            )}
          </li>
        ))}
      </ul>
      <fieldset class="segments jam-modes">
        <legend class="offscreen">{t.jam.mode}</legend>
        {BAND_MODES.map((mode) => (
          <label key={mode} title={t.jam.bandModeHints[mode]}>
            <input
              type="radio"
              name="band-mode"
              checked={controls.mode === mode}
              disabled={reading || !honours("mode")}
              onChange={() => score.setMode(mode)}
            />
            <span>{t.jam.bandModes[mode]}</span>
          </label>
        ))}
      </fieldset>
      <p class="hint">{t.jam.bandModeHints[controls.mode]}</p>
      <div class="jam-dials">
        {(["density", "brightness"] as const).map((name) => (
          <div key={name} class={`jam-dial ${controls[name] === null ? "jam-left" : ""}`}>
            <Slider
              label={t.jam[name]}
              text={t.jam[name]}
              value={controls[name] ?? 0.5}
              disabled={reading || !honours(name)}
              onInput={(value) => score.setControl(name, value)}
            />
            <button
              type="button"
              class="jam-toggle"
              aria-pressed={controls[name] === null}
              aria-label={t.jam.leave(t.jam[name])}
              title={t.jam.leave(t.jam[name])}
              disabled={reading || !honours(name)}
              onClick={() => score.setControl(name, controls[name] === null ? 0.5 : null)}
            >
              A
            </button>
          </div>
        ))}
        <Slider
          label={t.jam.temperature}
          text={t.jam.temperature}
          value={(controls.temperature - 0.1) / 1.9}
          disabled={reading || !honours("temperature")}
          onInput={(part) => score.setControl("temperature", Math.round((0.1 + part * 1.9) * 100) / 100)}
        />
        <Choice
          label={t.jam.reaction}
          value={controls.reaction}
          disabled={reading || !honours("reaction")}
          options={[...new Set([...REACTIONS, controls.reaction])].map((beats) => [
            beats,
            t.jam.reactions(beats),
          ])}
          onChange={(beats) => score.setControl("reaction", beats)}
        />
      </div>
    </section>
  );
}

/** Start and stop, and which model this is. */
function BandHead({ jam }: { jam: Jam }) {
  const { room } = jam;
  const askForm = useSignal(false);
  const run = jam.band.value;
  const model = room.models.value.find((each) => each.modality === "audio");
  const place = jam.place.value;
  const state =
    run === null
      ? model
        ? model.ready
          ? ""
          : t.jam.bandNotReady
        : t.jam.bandNone
      : run.state === "queued"
        ? t.jam.bandQueued(run.position)
        : !place.playing
          ? t.jam.bandNeedsPlay
          : jam.feed.stats.value.played > 0
            ? t.jam.bandPlays
            : t.jam.bandGetsReady;
  const start = async () => {
    jam.sound.join();
    askForm.value = true;
    await room.requests.perform();
    askForm.value = false;
  };
  return (
    <>
      <header class="jam-head">
        <h2>{t.jam.band}</h2>
        {run ? (
          <button
            type="button"
            class="button small stop"
            disabled={!room.members.mayConduct(run)}
            onClick={() => room.requests.stop(run.id)}
          >
            <Icon name="stop" />
            {t.jam.bandStop}
          </button>
        ) : (
          <button
            type="button"
            class="button small primary"
            disabled={!room.members.canEdit || !model?.ready || askForm.value}
            onClick={() => void start()}
          >
            <Icon name="play" />
            {t.jam.bandStart}
          </button>
        )}
      </header>
      {state && (
        <p class="jam-band-state" role="status">
          {state}
        </p>
      )}
      {model && (
        <details class="jam-model">
          <summary>
            <span class={`model-dot ${model.ready ? "" : "waiting"}`} />
            {model.name}
          </summary>
          {model.note && <p class="hint">{noteOf(model)}</p>}
        </details>
      )}
    </>
  );
}

/** Prompts, each with its weight. */
function Prompts({ jam }: { jam: Jam }) {
  const draft = useSignal("");
  const score = jam.score.value;
  const { prompts } = score.controls.value;
  const reading = !jam.room.members.canEdit;
  const full = prompts.length >= MAX_PROMPTS;
  const known = jam.room.models.value.find((each) => each.modality === "audio")?.audio?.prompts ?? [];
  const add = (event: Event) => {
    event.preventDefault();
    const text = draft.value.trim();
    if (!text || full) return;
    score.setPrompt(text, 0.7);
    draft.value = "";
  };
  return (
    <fieldset class="jam-prompts">
      <legend class="offscreen">{t.jam.prompts}</legend>
      {prompts.map(([text, weight]) => (
        <div key={text} class="jam-prompt">
          <Slider
            label={t.jam.promptWeight(text)}
            text={text}
            value={weight}
            disabled={reading}
            onInput={(value) => score.setPrompt(text, value)}
          />
          <IconButton
            icon="cross"
            label={t.jam.promptRemove(text)}
            disabled={reading}
            onClick={() => score.removePrompt(text)}
          />
        </div>
      ))}
      {!reading && !full && (
        <form class="jam-prompt-add" onSubmit={add}>
          <datalist id="jam-directions">
            {known.map((word) => (
              <option key={word} value={word} />
            ))}
          </datalist>
          <input
            class="field small"
            aria-label={t.jam.promptAdd}
            placeholder={t.jam.promptPlaceholder}
            maxLength={200}
            list="jam-directions"
            value={draft.value}
            onInput={({ currentTarget }) => {
              draft.value = currentTarget.value;
            }}
          />
          <button
            type="submit"
            class="icon-button"
            aria-label={t.jam.promptAdd}
            title={t.jam.promptAdd}
            disabled={!draft.value.trim()}
          >
            <Icon name="plus" />
          </button>
        </form>
      )}
    </fieldset>
  );
}
