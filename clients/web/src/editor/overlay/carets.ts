// The carets in the text: those of people, from their presence, and those of runs that write.

import type { RelativePosition } from "yjs";
import type { Room } from "../../room/room";
import type { Caret } from "./cursors";

const MODEL_COLOR = "#b26a00";

/** `model` names a writer whom the room does not know; `written` is where a run's last word stands. */
export function caretsOf(
  room: Room,
  model: string,
  written: (run: string) => RelativePosition | undefined,
  resolve: (position: RelativePosition | undefined) => number | null,
): Caret[] {
  const carets: Caret[] = [];
  for (const [id, { cursor, name }] of room.members.presences.value) {
    const person = room.members.all.value.get(id);
    const anchor = resolve(cursor?.anchor);
    const head = resolve(cursor?.head);
    // A model's caret is where its last word stands (below), which is never behind the text.
    if (id === room.members.me.value?.id || !person || person.kind === "ai" || !person.online) continue;
    if (anchor === null || head === null) continue;
    carets.push({ id, name: person.name || name, color: person.color, anchor, head, model: false });
  }
  for (const run of room.runs.all.value.values()) {
    const at = run.state === "running" ? resolve(written(run.id)) : null;
    if (at === null) continue;
    const author = room.members.all.value.get(run.author);
    const color = author?.color ?? MODEL_COLOR;
    carets.push({ id: run.id, name: author?.name ?? model, color, anchor: at, head: at, model: true });
  }
  return carets;
}
