// Invite links by role, and who is a member.

import { useSignal } from "@preact/signals";
import type { Participant, Role } from "../protocol/messages";
import { readInvite } from "../room/api";
import type { Room } from "../room/room";
import { t } from "../strings";
import { CopyButton, Dialog, IconButton } from "./parts";
import { Face } from "./topBar";

const SHARED: { role: Role; title: string; hint: string }[] = [
  { role: "editor", title: t.share.editor, hint: t.share.editorHint },
  { role: "viewer", title: t.share.viewer, hint: t.share.viewerHint },
  { role: "owner", title: t.share.owner, hint: t.share.ownerHint },
];

export function ShareDialog({ room, onClose }: { room: Room; onClose: () => void }) {
  const links = room.links.value;
  const mayShare = room.me.value?.role === "owner" && Object.keys(links).length > 0;
  return (
    <Dialog title={t.share.title} onClose={onClose}>
      {mayShare ? (
        <ul class="invites">
          {SHARED.filter(({ role }) => links[role]).map(({ role, title, hint }) => (
            <li key={role} class={`invite invite-${role}`}>
              <div>
                <strong>{title}</strong>
                <span class="hint">{hint}</span>
              </div>
              <input class="field" readOnly aria-label={title} value={absolute(links[role] ?? "")} />
              <CopyButton text={absolute(links[role] ?? "")} />
            </li>
          ))}
        </ul>
      ) : (
        <p class="hint">{t.share.noLinks}</p>
      )}
      <h3>{t.share.members}</h3>
      <Members room={room} />
    </Dialog>
  );
}

/** Links come as paths or addresses, with the token in the query or the fragment; they leave with it in the fragment. */
function absolute(link: string): string {
  const invite = readInvite(link, location.origin);
  return invite ? `${location.origin}/r/${encodeURIComponent(invite.room)}#${invite.token}` : link;
}

function Members({ room }: { room: Room }) {
  const asked = useSignal<Participant | null>(null);
  const me = room.me.value;
  const people = [...room.people.value.values()].filter((person) => !room.removed.value.has(person.id));
  people.sort((a, b) => Number(b.online) - Number(a.online) || a.name.localeCompare(b.name));
  return (
    <ul class="members">
      {people.map((person) => (
        <li key={person.id}>
          <Face person={person} label={person.name} />
          <span class="member-name">{person.id === me?.id ? t.people.you(person.name) : person.name}</span>
          <span class="hint">
            {person.kind === "ai" ? t.runs.title : t.roles[person.role]}
            {person.online ? "" : ` · ${t.people.away}`}
          </span>
          {me?.role === "owner" && person.kind === "human" && person.id !== me.id && (
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
              <button
                type="button"
                class="button small danger"
                onClick={() => {
                  room.removeMember(person.id);
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
