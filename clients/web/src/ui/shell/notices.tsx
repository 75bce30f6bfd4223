import type { Room } from "../../room/room";
import { t } from "../../strings";
import { IconButton } from "../parts/controls";
import { errorText } from "../parts/serverText";

export function Notices({ room }: { room: Room }) {
  return (
    <div class="notices" role="status">
      {room.notices.shown.value.map((notice) => (
        <div key={notice.id} class="notice">
          <span>
            {t.notices[notice.kind](notice.code ? errorText(notice.code, notice.detail) : notice.detail)}
          </span>
          <IconButton icon="cross" label={t.dismiss} onClick={() => room.notices.dismiss(notice.id)} />
        </div>
      ))}
    </div>
  );
}
