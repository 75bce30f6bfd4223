// The first page: create a room, join one, or return to one.

import { type Signal, useSignal } from "@preact/signals";
import { ApiError, createRoom, readInvite } from "../../room/http/httpApi";
import { forgetRoom, type RecentRoom, recentRooms, saveLinks } from "../../room/storage/browserStorage";
import { language, t } from "../../strings";
import { Brand, IconButton } from "../parts/controls";
import { Icon, type IconName } from "../parts/icons";
import { requestProblem } from "../parts/serverText";

export function Lobby() {
  const rooms = useSignal(recentRooms());
  return (
    <main class="lobby">
      <Brand />
      <section class="lobby-hero">
        <h1>{t.tagline}</h1>
        <p class="lead">{t.lobby.lead}</p>
        <NewRoom />
        <JoinByLink />
      </section>
      {rooms.value.length > 0 ? <Recent rooms={rooms} /> : <Parts />}
    </main>
  );
}

const PARTS = [
  ["text", "pen"],
  ["canvas", "brush"],
  ["jam", "note"],
] as const satisfies [keyof typeof t.lobby.parts, IconName][];

/** The parts of a room, for newcomers. */
function Parts() {
  return (
    <ul class="lobby-parts">
      {PARTS.map(([part, icon]) => {
        const [title, words] = t.lobby.parts[part];
        return (
          <li key={part}>
            <Icon name={icon} />
            <h2>{title}</h2>
            <p>{words}</p>
          </li>
        );
      })}
    </ul>
  );
}

function NewRoom() {
  const busy = useSignal(false);
  const failed = useSignal("");
  const create = async () => {
    busy.value = true;
    failed.value = "";
    try {
      const { room, links, tokens } = await createRoom();
      saveLinks(room, links);
      location.assign(`/r/${encodeURIComponent(room)}#${tokens.owner ?? ""}`);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failed.value = t.lobby.createFailed(requestProblem(error));
      busy.value = false;
    }
  };
  return (
    <div class="lobby-create">
      <button type="button" class="button primary large" disabled={busy.value} onClick={create}>
        {busy.value ? t.lobby.creating : t.lobby.create}
      </button>
      <p class="field-error" role="alert">
        {failed.value}
      </p>
    </div>
  );
}

function JoinByLink() {
  const link = useSignal("");
  const wrong = useSignal(false);
  const join = (event: Event) => {
    event.preventDefault();
    const invite = readInvite(link.value, location.origin);
    wrong.value = !invite?.token;
    if (invite?.token) location.assign(`/r/${encodeURIComponent(invite.room)}#${invite.token}`);
  };
  return (
    <form class="lobby-join" onSubmit={join}>
      <label class="field-label" for="invite">
        {t.lobby.joinLabel}
      </label>
      <div class="field-row">
        <input
          id="invite"
          class="field"
          value={link.value}
          placeholder={t.lobby.joinPlaceholder}
          autocomplete="off"
          spellcheck={false}
          aria-invalid={wrong.value}
          aria-describedby="invite-error"
          onInput={(event) => {
            link.value = event.currentTarget.value;
            wrong.value = false;
          }}
        />
        <button type="submit" class="button" disabled={!link.value.trim()}>
          {t.lobby.joinButton}
        </button>
      </div>
      <p id="invite-error" class="field-error" role="alert">
        {wrong.value ? t.lobby.joinWrong : ""}
      </p>
    </form>
  );
}

const dates = new Intl.DateTimeFormat(language, {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});

function Recent({ rooms }: { rooms: Signal<RecentRoom[]> }) {
  return (
    <section class="lobby-recent" aria-labelledby="recent">
      <h2 id="recent">{t.lobby.recent}</h2>
      <ul>
        {rooms.value.map((room) => (
          <li key={room.room}>
            <a href={`/r/${encodeURIComponent(room.room)}`}>
              <span class="recent-title">{room.title || t.lobby.untitled}</span>
              <span class="recent-meta">
                {room.ended ? t.lobby.ended : t.roles[room.role]} · {dates.format(room.seenMs)}
              </span>
              <Icon name="arrow" />
            </a>
            <IconButton
              icon="cross"
              label={t.lobby.forget(room.title || t.lobby.untitled)}
              onClick={() => {
                forgetRoom(room.room);
                rooms.value = recentRooms();
              }}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}
