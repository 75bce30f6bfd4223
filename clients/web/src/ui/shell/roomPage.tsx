// Entering a room: token, name, membership; then the room itself.

import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { newId } from "../../canvas/board";
import type { Socket } from "../../connection/link";
import { CloseCode } from "../../protocol/errors";
import { metaOf } from "../../room/document/document";
import type { Refusal } from "../../room/document/sync";
import { type Invite, socketUrl } from "../../room/http/httpApi";
import { Room } from "../../room/room";
import {
  keepToken,
  loadLinks,
  loadName,
  loadUnsent,
  rememberRoom,
  saveLinks,
  saveName,
  saveUnsent,
  TabValue,
  tokenEnded,
  tokenFor,
} from "../../room/storage/browserStorage";
import { openUnsavedStore } from "../../room/storage/unsavedStore";
import { t } from "../../strings";
import { Brand } from "../parts/controls";
import { DeniedPage, Message } from "./denied";
import { NamePrompt } from "./namePrompt";
import { RoomView } from "./roomView";
import { Status } from "./status";

export function RoomPage({ invite }: { invite: Invite }) {
  const token = useMemo(() => tokenFor(invite.room, invite.token), [invite]);
  const name = useSignal(loadName());
  useEffect(() => {
    // The address bar is what people copy and show: it must not hold the key to the room.
    if (invite.token) history.replaceState(null, "", `/r/${encodeURIComponent(invite.room)}`);
  }, [invite]);
  if (!token) return <Message words={t.denied.noToken} />;
  if (!name.value) {
    return (
      <NamePrompt
        onName={(chosen) => {
          saveName(chosen);
          name.value = chosen;
        }}
      />
    );
  }
  return <Seated room={invite.room} token={token} name={name.value} />;
}

function Seated({ room: id, token, name }: { room: string; token: string; name: string }) {
  const room = useMemo(() => {
    const secret = new TabValue("session", id);
    const tab = new TabValue("tab", id);
    tab.current ??= newId();
    const made = new Room({
      token,
      name,
      session: secret.current,
      fieldDrafts: { load: () => loadUnsent(id), save: (words) => saveUnsent(id, words) },
      unsavedStore: openUnsavedStore(id, tab.current),
      connect: () => new WebSocket(socketUrl(location)) as Socket,
    });
    made.links.value = loadLinks(id);
    return Object.assign(made, { secret, tab });
  }, [id, token, name]);

  useEffect(() => {
    room.enter();
    const online = () => room.retry();
    const leaving = (event: BeforeUnloadEvent) => {
      // Edits neither saved nor kept by the browser exist in this page only.
      if (!room.safe && room.phase.peek().name !== "denied") event.preventDefault();
    };
    addEventListener("online", online);
    addEventListener("beforeunload", leaving);
    const hidden = () => room.backup.keepNow();
    addEventListener("pagehide", hidden);
    const stops = [
      room.members.me.subscribe((me) => {
        if (me) room.secret.current = room.session;
      }),
      room.links.subscribe((links) => {
        if (Object.keys(links).length > 0) saveLinks(id, links);
      }),
      remember(room, id),
      room.token.subscribe((current) => keepToken(id, current)),
      room.phase.subscribe((phase) => {
        if (phase.name === "denied" && phase.code === CloseCode.UNAUTHORIZED)
          tokenEnded(id, room.token.peek());
      }),
    ];
    return () => {
      removeEventListener("online", online);
      removeEventListener("beforeunload", leaving);
      removeEventListener("pagehide", hidden);
      for (const stop of stops) stop();
      room.secret.close();
      room.tab.close();
      room.leave();
    };
  }, [room]);

  const phase = room.phase.value;
  if (phase.name === "denied") {
    const left: Refusal[] = [
      { reason: "unsent", message: "", text: room.unsentText },
      { reason: "fields", message: "", text: room.fieldDrafts.all.join("\n\n") },
    ];
    const refusals = [...room.refusals.value, ...left.filter(({ text }) => text !== "")];
    return <DeniedPage code={phase.code} refusals={refusals} onAgain={() => room.retry()} />;
  }
  return room.entered.value ? <RoomView room={room} /> : <Entering room={room} />;
}

/** The room is shown only once it was entered: a wrong link would show an empty one first. */
function Entering({ room }: { room: Room }) {
  return (
    <main class="message">
      <Brand />
      <div class="message-body">
        <Status room={room} />
      </div>
    </main>
  );
}

/** Keeps the visit among the recent rooms, under the room's title. */
function remember(room: Room, id: string): () => void {
  const write = () => {
    const me = room.members.me.peek();
    const title = metaOf(room.doc.peek()).get("title");
    if (!me) return;
    const shown = typeof title === "string" ? title.slice(0, 120) : "";
    rememberRoom({ room: id, title: shown, role: me.role, token: room.token.peek(), seenMs: Date.now() });
  };
  let unobserve = () => {};
  const stops = [
    room.members.me.subscribe(write),
    room.token.subscribe(write),
    room.doc.subscribe((doc) => {
      unobserve();
      const meta = metaOf(doc);
      meta.observe(write);
      unobserve = () => meta.unobserve(write);
    }),
  ];
  return () => {
    unobserve();
    for (const stop of stops) stop();
  };
}
