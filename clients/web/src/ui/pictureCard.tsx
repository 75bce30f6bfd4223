// Where a painted picture comes from: what was asked for, by whom, of which model; and what can be done about it.

import type { Easel } from "../canvas/easel";
import type { Picture } from "../canvas/objects";
import type { Room } from "../room/room";
import { t } from "../strings";
import { Icon } from "./icons";

export function PictureCard({ room, easel, picture }: { room: Room; easel: Easel; picture: Picture }) {
  const asker = room.people.value.get(picture.asker);
  const who = picture.asker === room.me.value?.id ? t.runs.you : (asker?.name ?? t.runs.gone);
  const { x, y, w, h, prompt } = picture;
  return (
    <section class="frame-card picture-card" aria-label={t.canvas.provenance}>
      <p>
        <strong>{prompt}</strong> <span class="run-who">{t.runs.by(who)}</span>
      </p>
      <p class="model">
        <span class="model-dot" />
        {picture.model}
        <span class="model-state">
          {t.canvas.seed} {picture.seed}
        </span>
      </p>
      {room.canEdit && (
        <div class="run-actions">
          <button type="button" class="button small quiet" onClick={() => room.undo(picture.run)}>
            <Icon name="undo" />
            {t.runs.undo}
          </button>
          <button
            type="button"
            class="button small"
            title={t.canvas.againHint}
            onClick={() => easel.frameOver({ x, y, w, h }, prompt)}
          >
            <Icon name="brush" />
            {t.canvas.again}
          </button>
        </div>
      )}
    </section>
  );
}
