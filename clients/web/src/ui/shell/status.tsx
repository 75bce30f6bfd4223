// The state of the connection in words. It changes with every key, so it is no live region: the Announcer tells screen
// readers.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { systemClock } from "../../connection/clock";
import type { Room } from "../../room/room";
import { t } from "../../strings";

export function Status({ room }: { room: Room }) {
  const { kind, text, more } = describe(room);
  return (
    <div class={`status status-${kind}`} title={more}>
      <span class="status-dot" />
      <span class="status-text">{text}</span>
      {more && <span class="status-more">{more}</span>}
      {room.phase.value.name === "offline" && <Retry room={room} at={room.phase.value.retryAtMs} />}
    </div>
  );
}

function describe(room: Room): { kind: "good" | "busy" | "bad"; text: string; more?: string } {
  const phase = room.phase.value.name;
  if (phase === "offline") {
    const mayWrite = room.entered.value && room.members.canEdit;
    return { kind: "bad", text: t.status.offline, ...(mayWrite ? { more: whatBecomes(room) } : {}) };
  }
  if (phase !== "open") return { kind: "busy", text: t.status.connecting };
  if (!room.synced.value) return { kind: "busy", text: t.status.syncing };
  if (!room.members.canEdit) return { kind: "good", text: t.status.readOnly };
  return room.saved.value ? { kind: "good", text: t.status.saved } : { kind: "busy", text: t.status.saving };
}

/** What happens to text typed while offline. */
export function whatBecomes(room: Room): string {
  if (room.backup.failed.value) return t.status.offlineUnkept;
  return !room.saved.value && room.backup.kept.value ? t.status.offlineShelved : t.status.offlineKept;
}

function Retry({ room, at }: { room: Room; at: number }) {
  const seconds = useSignal(left(at));
  useEffect(() => {
    seconds.value = left(at);
    const timer = setInterval(() => {
      seconds.value = left(at);
    }, 500);
    return () => clearInterval(timer);
  }, [at]);
  return (
    <>
      {seconds.value > 0 && <span class="status-text">{t.status.offlineIn(seconds.value)}</span>}
      <button type="button" class="link-button" onClick={() => room.retry()}>
        {t.status.retry}
      </button>
    </>
  );
}

const left = (at: number) => Math.max(0, Math.ceil((at - systemClock.now()) / 1000));
