// What the model did and does in this room, newest first.

import type { ModelInfo, RunInfo } from "../protocol/messages";
import { t } from "../strings";
import { RunCard } from "./runCard";
import type { TabProps } from "./sidePanel";

export function RunsPanel({ room }: TabProps) {
  // The band has its place in the jam.
  const all = [...room.runs.all.value.values()].filter((run) => run.task !== "jam");
  const runs = newestOfEach(all.sort((a, b) => b.created_ms - a.created_ms));
  const models = room.models.value.filter((model) => model.modality !== "audio");
  return (
    <>
      {models.map((model) => (
        <ModelCard key={model.name} model={model} />
      ))}
      {runs.length === 0 ? (
        <div class="panel-empty">
          <p>{t.runs.empty}</p>
          {room.canEdit ? <FirstSteps /> : <p class="hint">{t.runs.emptyReading}</p>}
        </div>
      ) : (
        <ol class="runs">
          {runs.map((run) => (
            <li key={run.id}>
              <RunCard room={room} run={run} />
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

/** For whoever is here for the first time: how to ask, stop, take back, look closer, and what else there is. */
function FirstSteps() {
  return (
    <dl class="first-steps">
      {t.runs.steps.map(([title, words]) => (
        <div key={title}>
          <dt>{title}</dt>
          <dd>{words}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Of the pictures for one frame the newest: a live frame has one with every few strokes. */
function newestOfEach(runs: readonly RunInfo[]): RunInfo[] {
  const frames = new Set<string>();
  return runs.filter((run) => {
    if (!run.target) return true;
    const first = !frames.has(run.target);
    frames.add(run.target);
    return first;
  });
}

/** Which model this is and what it is good at, as the server says. */
function ModelCard({ model }: { model: ModelInfo }) {
  return (
    <section class="model-card">
      <p class="model-name">
        <span class={`model-dot ${model.ready ? "" : "waiting"}`} />
        {model.name}
        <span class="model-state">
          {model.device ? `${model.device} · ` : ""}
          {model.ready ? t.runs.ready : t.runs.loading}
        </span>
      </p>
      {model.note && <p class="hint">{model.note}</p>}
    </section>
  );
}
