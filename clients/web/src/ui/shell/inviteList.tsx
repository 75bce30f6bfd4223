// The invite links of a room, for its owners: who joined with which, when each ends, and ending them.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Role } from "../../protocol/messages";
import type { InviteLink } from "../../room/http/invites";
import type { Room } from "../../room/room";
import { language, t } from "../../strings";
import { CopyButton, IconButton } from "../parts/controls";

const ROLES: Role[] = ["editor", "viewer", "owner"];
const HINTS = { editor: t.share.editorHint, viewer: t.share.viewerHint, owner: t.share.ownerHint };
const TITLES = { editor: t.share.editor, viewer: t.share.viewer, owner: t.share.owner };
/** Days until a link ends; null: it does not. */
const ENDS = [null, 1, 7, 30] as const;
const USES = [null, 1, 5, 10, 30] as const;

export function InviteList({ room }: { room: Room }) {
  const links = useSignal<InviteLink[] | null>(null);
  const trouble = useSignal("");
  const take = async (answer: Promise<InviteLink[]>): Promise<boolean> => {
    try {
      links.value = await answer;
      trouble.value = "";
      return true;
    } catch (error) {
      trouble.value = error instanceof Error && error.message ? t.share.failed : t.share.unreachable;
      return false;
    }
  };
  // The server sends link changes to owners; the number of people of a link changes with the members.
  const seen = room.links.value;
  const people = room.members.all.value.size;
  useEffect(() => {
    void take(room.invites.list());
  }, [seen, people]);
  return (
    <>
      {trouble.value && (
        <p class="hint trouble" role="alert">
          {trouble.value}
        </p>
      )}
      <ul class="invites">
        {[...(links.value ?? [])]
          .sort(
            (a, b) =>
              Number(b.standing) - Number(a.standing) || ROLES.indexOf(a.role) - ROLES.indexOf(b.role),
          )
          .map((link) => (
            <Row key={link.id} link={link} onEnd={(members) => take(room.invites.end(link.id, members))} />
          ))}
      </ul>
      <NewLink onMake={(role, name, days, uses) => take(room.invites.make(role, name, days, uses))} />
    </>
  );
}

function Row({ link, onEnd }: { link: InviteLink; onEnd: (members: boolean) => void }) {
  const asked = useSignal(false);
  const withMembers = useSignal(false);
  const title = link.name || TITLES[link.role];
  const day = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const over = link.expires_ms !== null && link.expires_ms <= Date.now();
  return (
    <li class={`invite invite-${link.role}`}>
      <div>
        <strong>{title}</strong>
        <span class="hint">{link.standing ? HINTS[link.role] : t.roles[link.role]}</span>
        <span class="hint">
          {link.max_uses === null ? t.share.uses(link.uses) : t.share.usesOf(link.uses, link.max_uses)}
          {link.expires_ms !== null &&
            ` · ${over ? t.share.over : t.share.until(day.format(link.expires_ms))}`}
        </span>
      </div>
      <input class="field" readOnly aria-label={title} value={link.url} />
      <CopyButton text={link.url} />
      <IconButton
        icon="cross"
        label={t.share.end(title)}
        onClick={() => {
          asked.value = !asked.value;
        }}
        expanded={asked.value}
      />
      {asked.value && (
        <div class="member-confirm">
          <p>{link.standing ? t.share.endStanding : t.share.endConfirm}</p>
          {link.members > 0 && (
            <label class="check">
              <input
                type="checkbox"
                checked={withMembers.value}
                onChange={(event) => {
                  withMembers.value = event.currentTarget.checked;
                }}
              />
              {t.share.endMembers(link.members)}
            </label>
          )}
          <button
            type="button"
            class="button small danger"
            onClick={() => {
              asked.value = false;
              onEnd(withMembers.value);
            }}
          >
            {t.share.endYes}
          </button>
          <button
            type="button"
            class="button small quiet"
            onClick={() => {
              asked.value = false;
            }}
          >
            {t.cancel}
          </button>
        </div>
      )}
    </li>
  );
}

function NewLink(props: {
  onMake: (role: Role, name: string, days: number | null, uses: number | null) => Promise<boolean>;
}) {
  const role = useSignal<Role>("viewer");
  const name = useSignal("");
  const days = useSignal<number | null>(null);
  const uses = useSignal<number | null>(null);
  return (
    <form
      class="new-invite"
      onSubmit={async (event) => {
        event.preventDefault();
        const wanted = name.value.trim();
        if (wanted && (await props.onMake(role.value, wanted, days.value, uses.value))) name.value = "";
      }}
    >
      <input
        class="field"
        aria-label={t.share.linkName}
        placeholder={t.share.linkName}
        maxLength={80}
        required
        value={name.value}
        onInput={(event) => {
          name.value = event.currentTarget.value;
        }}
      />
      <select
        class="field"
        aria-label={t.share.linkRole}
        value={role.value}
        onChange={(event) => {
          role.value = event.currentTarget.value as Role;
        }}
      >
        {ROLES.map((each) => (
          <option key={each} value={each}>
            {TITLES[each]}
          </option>
        ))}
      </select>
      <select
        class="field"
        aria-label={t.share.linkEnd}
        value={String(days.value)}
        onChange={(event) => {
          days.value = ENDS.find((each) => String(each) === event.currentTarget.value) ?? null;
        }}
      >
        {ENDS.map((each) => (
          <option key={String(each)} value={String(each)}>
            {t.share.endsAfter(each)}
          </option>
        ))}
      </select>
      <select
        class="field"
        aria-label={t.share.linkUses}
        value={String(uses.value)}
        onChange={(event) => {
          uses.value = USES.find((each) => String(each) === event.currentTarget.value) ?? null;
        }}
      >
        {USES.map((each) => (
          <option key={String(each)} value={String(each)}>
            {t.share.usesAtMost(each)}
          </option>
        ))}
      </select>
      <button type="submit" class="button">
        {t.share.make}
      </button>
    </form>
  );
}
