// Announces to screen readers that the connection was lost or restored, and how this person's runs ended. It says
// nothing about single keys, tokens or seconds.

import { useSignal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { RunInfo } from "../../protocol/messages";
import type { Room } from "../../room/room";
import { isActive, isLasting } from "../../room/runs";
import { t } from "../../strings";
import { runProblem } from "../parts/serverText";
import { stateOf } from "../story/runCard";

/** Most characters of an answer that are announced; the rest is read in the chat. */
const MAX_READ_OUT = 600;

export function Announcer({ room }: { room: Room }) {
  const words = useSignal("");
  const active = useRef<ReadonlySet<string>>(new Set());
  const away = useRef(false);
  useSignalEffect(() => {
    const runs = [...room.runs.all.value.values()];
    const ours = runs.filter((run) => isActive(run) && isOurs(room, run));
    const again = ours.find((run) => !active.current.has(run.id) && takesPlace(room, run));
    const ended = runs.filter((run) => active.current.has(run.id) && !isActive(run));
    active.current = new Set(ours.map((run) => run.id));
    const [last] = ended.slice(-1);
    if (again) words.value = t.runs.tryingAgain(nameOf(again));
    else if (last) words.value = endOf(room, last);
  });
  useSignalEffect(() => {
    const phase = room.phase.value.name;
    const canEdit = room.members.canEdit;
    if (phase === "offline" && !away.current) {
      away.current = true;
      const kept = room.backup.failed.peek() ? t.status.offlineUnkept : t.status.offlineKept;
      words.value = canEdit ? `${t.status.offline}. ${kept}` : t.status.offline;
    } else if (away.current && phase === "open" && room.synced.value) {
      away.current = false;
      words.value = t.status.back;
    }
  });
  return (
    <div class="offscreen" role="status" data-announcer>
      {words.value}
    </div>
  );
}

/** Our runs, and answers in the chat, which are for everybody. Band and voices are not announced. */
const isOurs = (room: Room, run: RunInfo) =>
  run.task === "chat" ||
  run.task === "performer" ||
  (run.participant === room.members.me.peek()?.id && !isLasting(run));

const nameOf = (run: RunInfo) => run.instruction || t.runs.tasks[run.task];

/** Of a run that was tried again. */
const takesPlace = (room: Room, run: RunInfo) =>
  run.origin !== "" && run.task !== "alternative" && room.runs.all.peek().get(run.origin)?.undone === true;

function endOf(room: Room, run: RunInfo): string {
  const model = room.members.all.peek().get(run.author)?.name ?? t.runs.title;
  const answer = room.chat.entries.peek().find((entry) => entry.run === run.id);
  if (answer?.text) return `${model}: ${answer.text.slice(0, MAX_READ_OUT)}`;
  return `${nameOf(run)}: ${run.error ? runProblem(run) : stateOf(run)}`;
}
