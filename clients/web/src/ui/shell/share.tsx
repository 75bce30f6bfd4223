// The share dialog: invite links by role, and the members.

import { useSignal } from "@preact/signals";
import type { Participant } from "../../protocol/messages";
import type { Room } from "../../room/room";
import { t } from "../../strings";
import { Avatar } from "../parts/avatar";
import { Dialog, IconButton } from "../parts/controls";
import { InviteList } from "./inviteList";

export function ShareDialog({ room, onClose }: { room: Room; onClose: () => void }) {
  const mayShare = room.members.me.value?.role === "owner";
  return (
    <Dialog title={t.share.title} onClose={onClose}>
      {mayShare ? <InviteList room={room} /> : <p class="hint">{t.share.noLinks}</p>}
      <h3>{t.share.members}</h3>
      <Members room={room} />
    </Dialog>
  );
}

function Members({ room }: { room: Room }) {
  const asked = useSignal<Participant | null>(null);
  const everywhere = useSignal(true);
  const me = room.members.me.value;
  const people = [...room.members.all.value.values()].filter(
    (person) => !room.members.removed.value.has(person.id),
  );
  people.sort((a, b) => Number(b.online) - Number(a.online) || a.name.localeCompare(b.name));
  return (
    <ul class="members">
      {people.map((person) => (
        <li key={person.id}>
          <Avatar person={person} label={person.name} />
          <span class="member-name">{person.id === me?.id ? t.people.you(person.name) : person.name}</span>
          <span class="hint">
            {person.kind === "ai" ? t.runs.title : t.roles[person.role]}
            {person.kind === "agent" ? ` · ${t.people.agent}` : ""}
            {person.online ? "" : ` · ${t.people.away}`}
          </span>
          {me?.role === "owner" && person.kind !== "ai" && person.id !== me.id && (
            <IconButton
              icon="cross"
              label={t.share.remove(person.name)}
              onClick={() => {
                asked.value = person;
              }}
            />
          )}
          {asked.value?.id === person.id && (
            <div class="member-confirm">
              <p>{t.share.removeConfirm(person.name)}</p>
              <label class="check">
                <input
                  type="checkbox"
                  checked={everywhere.value}
                  onChange={(event) => {
                    everywhere.value = event.currentTarget.checked;
                  }}
                />
                {t.share.everywhere}
              </label>
              <button
                type="button"
                class="button small danger"
                onClick={() => {
                  room.removeMember(person.id, everywhere.value);
                  asked.value = null;
                }}
              >
                {t.share.removeYes}
              </button>
              <button
                type="button"
                class="button small quiet"
                onClick={() => {
                  asked.value = null;
                }}
              >
                {t.cancel}
              </button>
            </div>
          )}
        </li>
      ))}
    </ul>
  );
}
