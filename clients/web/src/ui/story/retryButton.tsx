// Tries a run again, also while it writes: stops it, removes what it wrote, and asks for the same again.

import type { RunInfo } from "../../protocol/messages";
import type { Room } from "../../room/room";
import { mayTryAgain } from "../../room/runs";
import { t } from "../../strings";
import { Icon } from "../parts/icons";

/** Lists of runs: in them the focus moves to the button of the new run. */
const LISTS = ".runs, .draft-list, .chat-entries, .ask-row";

export function RetryButton(props: { room: Room; run: RunInfo; hint?: string; class?: string }) {
  const { room, run } = props;
  if (!room.members.mayConduct(run) || !mayTryAgain(run, room.runs.all.value)) return null;
  const press = async (event: MouseEvent) => {
    const list = (event.currentTarget as Element).closest(LISTS);
    const byKey = event.detail === 0;
    const made = await room.requests.retry(run.id);
    // The button exists after the next rendering.
    if (made && byKey)
      requestAnimationFrame(() => list?.querySelector<HTMLElement>(`[data-again="${made.id}"]`)?.focus());
  };
  return (
    <button
      type="button"
      class={`button ${props.class ?? "small quiet"}`}
      title={props.hint ?? t.runs.retryHint}
      data-again={run.id}
      onClick={(event) => void press(event)}
    >
      <Icon name="redo" />
      {t.runs.retry}
    </button>
  );
}
