// The controls of a live frame: on and off, take over, keep the picture.

import type { Frame } from "../../canvas/objects";
import type { ImageActions } from "../../generate/imageActions";
import type { Room } from "../../room/room";
import { t } from "../../strings";
import { Icon } from "../parts/icons";

export function LiveSwitch({
  room,
  imageActions,
  frame,
}: {
  room: Room;
  imageActions: ImageActions;
  frame: Frame;
}) {
  const holder = room.members.all.value.get(frame.holder);
  const mine = frame.holder !== "" && frame.holder === room.members.me.value?.id;
  const orphan = frame.live && !holder?.online;
  return (
    <div class="live-row">
      <label class="switch" title={t.live.hint}>
        <input
          type="checkbox"
          checked={frame.live}
          onChange={(event) => imageActions.goLive(frame, event.currentTarget.checked)}
        />
        <span>{t.live.label}</span>
      </label>
      {frame.live && (
        <span class="live-holder">
          {orphan ? t.live.nobody : t.live.by(mine ? t.runs.you : (holder?.name ?? ""))}
        </span>
      )}
      {orphan && (
        <button type="button" class="button small" onClick={() => imageActions.goLive(frame, true)}>
          {t.live.takeOver}
        </button>
      )}
      {frame.live && frame.asset && (
        <button
          type="button"
          class="button small"
          title={t.live.keepHint}
          onClick={() => imageActions.keep(frame)}
        >
          <Icon name="picture" />
          {t.live.keep}
        </button>
      )}
    </div>
  );
}
