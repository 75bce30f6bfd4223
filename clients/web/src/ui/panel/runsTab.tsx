// The AI tab: all runs, newest first.

import type { RunInfo } from "../../protocol/messages";
import { isLasting, isPainting } from "../../room/runs";
import { t } from "../../strings";
import { ModelCard } from "../parts/modelCard";
import { RunCard } from "../story/runCard";
import type { TabProps } from "./tab";

export function RunsTab({ room }: TabProps) {
  // Band and voices are shown in the jam and the film; here only where an owner can choose another model.
  const all = [...room.runs.all.value.values()].filter((run) => !isLasting(run));
  const runs = newestOfEach(all.sort((a, b) => b.created_ms - a.created_ms));
  const models = room.models.value.filter(
    (model) => (model.modality !== "audio" && model.modality !== "speech") || model.choices.length > 0,
  );
  return (
    <>
      {models.map((model) => (
        <ModelCard key={model.modality} model={model} room={room} />
      ))}
      {runs.length === 0 ? (
        <div class="panel-empty">
          <p>{t.runs.empty}</p>
          {room.members.canEdit ? <FirstSteps /> : <p class="hint">{t.runs.emptyReading}</p>}
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

/** First steps: how to ask, stop, undo, look closer, and what else there is. */
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

/** The newest run of each frame: a live frame has one for every few strokes. */
function newestOfEach(runs: readonly RunInfo[]): RunInfo[] {
  const frames = new Set<string>();
  return runs.filter((run) => {
    if (!isPainting(run)) return true;
    const first = !frames.has(run.target);
    frames.add(run.target);
    return first;
  });
}
