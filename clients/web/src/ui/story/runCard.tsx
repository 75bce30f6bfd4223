// The card of one run: who asked for what, its progress, and the actions on it.

import { useSignal } from "@preact/signals";
import type { RunInfo } from "../../protocol/messages";
import type { Room } from "../../room/room";
import { isActive, isPainting } from "../../room/runs";
import { without } from "../../room/storage/fieldDrafts";
import { t } from "../../strings";
import { paintingState } from "../canvas/frameBadge";
import { Icon } from "../parts/icons";
import { queueText } from "../parts/queueText";
import { errorText } from "../parts/serverText";
import { RetryButton } from "./retryButton";

export function RunCard({ room, run }: { room: Room; run: RunInfo }) {
  const asker = room.members.all.value.get(run.participant);
  const who = run.participant === room.members.me.value?.id ? t.runs.you : (asker?.name ?? t.runs.gone);
  const author = room.members.all.value.get(run.author);
  const steering = useSignal(false);
  const active = isActive(run);
  const decidable = run.suggestion === "open" && !run.undone && run.state !== "queued";
  const undoable = !active && !run.undone && !decidable && run.progress > 0 && run.suggestion !== "rejected";
  return (
    <article
      class={`run run-${run.state} ${run.undone ? "run-undone" : ""}`}
      data-run={run.id}
      style={{ "--who": author?.color ?? "var(--ai)" }}
    >
      <p class="run-what">
        {run.instruction ? `“${run.instruction}”` : t.runs.tasks[run.task]}{" "}
        <span class="run-who">{t.runs.by(who)}</span>
      </p>
      <p class="run-state">{stateOf(run)}</p>
      {active && <Progress run={run} />}
      {run.error && !isPainting(run) && <p class="run-error">{errorText(run.error_code, run.error)}</p>}
      {room.members.canEdit && (
        <div class="run-actions">
          {run.state === "running" &&
            !isPainting(run) &&
            run.task !== "fill" &&
            room.members.mayConduct(run) && (
              <button
                type="button"
                class="button small quiet"
                aria-expanded={steering.value}
                onClick={() => {
                  steering.value = !steering.value;
                }}
              >
                <Icon name="steer" />
                {t.runs.steer}
              </button>
            )}
          {active && room.members.mayConduct(run) && (
            <button type="button" class="button small" onClick={() => room.requests.stop(run.id)}>
              <Icon name="stop" />
              {t.runs.stop}
            </button>
          )}
          {decidable && !active && (
            <>
              <button
                type="button"
                class="button small accept"
                onClick={() => room.requests.decide("accept", run.id)}
              >
                <Icon name="check" />
                {t.runs.accept}
              </button>
              <button
                type="button"
                class="button small"
                onClick={() => room.requests.decide("reject", run.id)}
              >
                <Icon name="cross" />
                {t.runs.reject}
              </button>
            </>
          )}
          <RetryButton room={room} run={run} />
          {undoable && (
            <button type="button" class="button small quiet" onClick={() => room.requests.undo(run.id)}>
              <Icon name="undo" />
              {t.runs.undo}
            </button>
          )}
        </div>
      )}
      {steering.value && run.state === "running" && <SteerForm room={room} run={run} />}
    </article>
  );
}

/** How far it is, or how it ended, in words. */
export function stateOf(run: RunInfo): string {
  if (isPainting(run)) return paintingState(run);
  const count = run.task === "fix" ? t.runs.corrections : t.runs.tokensDone;
  if (run.undone) return t.runs.undone;
  if (run.state === "queued") return queueText(run);
  if (run.state === "running") {
    if (run.progress === 0) return t.runs.reading;
    return `${t.runs.running} · ${run.task === "fix" ? count(run.progress) : t.runs.tokens(run.progress, run.length)}`;
  }
  const done = run.suggestion === "none" ? t.runs[run.state] : t.runs[run.suggestion];
  return run.progress > 0 ? `${done} · ${count(run.progress)}` : done;
}

function Progress({ run }: { run: RunInfo }) {
  const waiting = run.state === "queued" || run.progress === 0 || run.length === 0;
  return (
    <progress
      class="run-progress"
      aria-label={stateOf(run)}
      max={run.length || 1}
      {...(waiting ? {} : { value: run.progress })}
    />
  );
}

/** Steers a run while it writes. */
function SteerForm({ room, run }: { room: Room; run: RunInfo }) {
  const instruction = room.fieldDrafts.field(`steer.${run.id}`);
  const made = room.runs.steered.value.get(run.id);
  return (
    <form
      class="steer"
      onSubmit={async (event) => {
        event.preventDefault();
        const text = instruction.value.trim();
        if (text && (await room.requests.steer(run.id, { instruction: text })))
          instruction.value = without(text, instruction.value);
      }}
    >
      <div class="field-row">
        <input
          class="field small"
          aria-label={t.runs.steerLabel}
          placeholder={t.runs.steerPlaceholder}
          maxLength={4000}
          value={instruction.value}
          onInput={(event) => {
            instruction.value = event.currentTarget.value;
          }}
        />
        <button type="submit" class="button small" disabled={!instruction.value.trim()}>
          {t.runs.steerSend}
        </button>
      </div>
      <label class="slider">
        <span>{t.runs.calm}</span>
        <input
          type="range"
          min="0"
          max="1.6"
          step="0.1"
          defaultValue="0.8"
          aria-label={t.runs.boldness}
          onChange={(event) =>
            void room.requests.steer(run.id, { temperature: Number(event.currentTarget.value) })
          }
        />
        <span>{t.runs.bold}</span>
      </label>
      {made !== undefined && (
        <p class="run-state" role="status">
          {t.runs.steered(made)}
        </p>
      )}
    </form>
  );
}
