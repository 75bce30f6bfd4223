// Cards of text that is not in the story: candidates to choose from, and private answers. They stream here, and go
// into the text only when somebody inserts them.

import { useSignal } from "@preact/signals";
import type { RunInfo } from "../../protocol/messages";
import { isDraft } from "../../room/drafts";
import type { Room } from "../../room/room";
import { isActive } from "../../room/runs";
import { t } from "../../strings";
import { IconButton } from "../parts/controls";
import { Icon } from "../parts/icons";
import { queueText } from "../parts/queueText";
import { errorText } from "../parts/serverText";
import { RetryButton } from "./retryButton";

export function DraftCards({ room }: { room: Room }) {
  const groups = draftsOf(room);
  if (groups.length === 0) return null;
  return (
    <div class="drafts">
      {groups.map((runs) => (
        <DraftGroup key={runs[0].group || runs[0].id} room={room} runs={runs} />
      ))}
    </div>
  );
}

/** Undecided drafts; the candidates of one brainstorm together. */
function draftsOf(room: Room): [RunInfo, ...RunInfo[]][] {
  const groups = new Map<string, [RunInfo, ...RunInfo[]]>();
  for (const run of room.runs.all.value.values()) {
    // A failed or stopped run without text offers nothing to choose.
    const empty = !isActive(run) && room.drafts.textOf(run).trim() === "";
    if (!isDraft(run) || run.task === "chat" || run.task === "fill" || run.undone || empty) continue;
    const key = run.group || run.id;
    const before = groups.get(key);
    groups.set(key, before ? [...before, run] : [run]);
  }
  return [...groups.values()].map((runs) => runs.sort((a, b) => a.seed - b.seed));
}

function DraftGroup({ room, runs }: { room: Room; runs: [RunInfo, ...RunInfo[]] }) {
  const [first] = runs;
  const asker = room.members.all.value.get(first.participant)?.name ?? t.runs.gone;
  const mine = first.participant === room.members.me.value?.id;
  const alone = first.mode === "private";
  // Candidates of others stay folded until this person opens them.
  const open = useSignal(mine);
  const title = first.group ? t.drafts.candidates : t.drafts.private;
  return (
    <section class="draft-group" aria-label={title}>
      <header class="draft-head">
        <h2>{title}</h2>
        <span class="hint">
          {alone ? t.drafts.onlyYou : t.runs.by(mine ? t.runs.you : asker)}
          {first.instruction && ` · “${first.instruction}”`}
        </span>
        {!mine && (
          <button
            type="button"
            class="button small quiet"
            aria-expanded={open.value}
            onClick={() => (open.value = !open.value)}
          >
            {open.value ? t.drafts.hide : t.drafts.show}
          </button>
        )}
        {room.members.mayConduct(first) && (
          <IconButton
            icon="cross"
            label={first.group ? t.drafts.none : t.drafts.drop}
            onClick={() => {
              for (const run of runs) room.requests.undo(run.id);
            }}
          />
        )}
      </header>
      <ul class="draft-list" hidden={!open.value} style={{ "--count": runs.length }}>
        {runs.map((run) => (
          <Draft key={run.id} room={room} run={run} />
        ))}
      </ul>
    </section>
  );
}

function Draft({ room, run }: { room: Room; run: RunInfo }) {
  const text = room.drafts.textOf(run);
  const active = isActive(run);
  return (
    <li class={`draft ${active ? "draft-growing" : ""}`} data-run={run.id}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long one is scrolled with the keyboard */}
      <p class="draft-text" aria-busy={active} tabIndex={0}>
        {text || <span class="hint">{run.state === "queued" ? queueText(run) : t.runs.reading}</span>}
      </p>
      {run.error && <p class="run-error">{errorText(run.error_code, run.error)}</p>}
      <div class="draft-actions">
        {active && room.members.mayConduct(run) && (
          <button type="button" class="button small" onClick={() => room.requests.stop(run.id)}>
            <Icon name="stop" />
            {t.runs.stop}
          </button>
        )}
        {room.members.canEdit && text.trim() !== "" && (
          <>
            <button
              type="button"
              class="button small accept"
              onClick={() => room.requests.choose(run.id, "write")}
            >
              <Icon name="check" />
              {run.group ? t.drafts.choose : t.drafts.put}
            </button>
            <button
              type="button"
              class="button small quiet"
              onClick={() => room.requests.choose(run.id, "suggest")}
            >
              {t.drafts.suggest}
            </button>
          </>
        )}
        <RetryButton room={room} run={run} />
      </div>
    </li>
  );
}
