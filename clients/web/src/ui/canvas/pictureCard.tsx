// The card of a picture: its prompt and author, and the actions on it.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { MAX_ALT, type Picture } from "../../canvas/objects";
import type { ImageActions } from "../../generate/imageActions";
import type { Room } from "../../room/room";
import { t } from "../../strings";
import { Icon } from "../parts/icons";
import { ExtendForm } from "./extendForm";
import { ProvenanceDialog } from "./provenanceDialog";

export function PictureCard({
  room,
  imageActions,
  picture,
  onDescribe,
}: {
  room: Room;
  imageActions: ImageActions;
  picture: Picture;
  onDescribe: (words: string) => void;
}) {
  const extending = useSignal(false);
  const looking = useSignal(false);
  const enlarged = useSignal("");
  const asker = room.members.all.value.get(picture.asker);
  const who = picture.asker === room.members.me.value?.id ? t.runs.you : (asker?.name ?? t.runs.gone);
  const busy = imageActions.busy.value.has(picture.id);
  const off = busy || !imageActions.ready;
  const image = imageActions.image;
  useEffect(() => {
    extending.value = false;
  }, [picture.id]);
  useEffect(() => {
    let stale = false;
    enlarged.value = "";
    imageActions.enlarged(picture).then(
      ({ width, height, repainted }) => {
        if (!stale)
          enlarged.value = (repainted ? t.picture.repainted : t.picture.interpolated)(width, height);
      },
      () => undefined,
    );
    return () => {
      stale = true;
    };
  }, [picture.asset, picture.run, image]);

  return (
    <section
      class="frame-card picture-card"
      aria-label={picture.run ? t.canvas.provenance : t.picture.label}
      onKeyDown={(event) => event.stopPropagation()}
    >
      {picture.run && (
        <>
          <p>
            <strong>{picture.prompt}</strong> <span class="run-who">{t.runs.by(who)}</span>
          </p>
          <p class="model">
            <span class="model-dot" />
            {picture.model}
            <span class="model-state">
              {t.canvas.seed} {picture.seed}
            </span>
          </p>
        </>
      )}
      <div class="picture-actions">
        {room.members.canEdit && (
          <>
            <button
              type="button"
              class="button small"
              disabled={off}
              title={t.picture.paintOverHint}
              onClick={() => void imageActions.paintOver(picture)}
            >
              <Icon name="mask" />
              {t.picture.paintOver}
            </button>
            <button
              type="button"
              class="button small"
              disabled={off}
              aria-expanded={extending.value}
              title={t.picture.extendHint}
              onClick={() => (extending.value = !extending.value)}
            >
              <Icon name="extend" />
              {t.picture.extend}
            </button>
            {picture.run && (
              <button
                type="button"
                class="button small"
                disabled={off}
                title={t.picture.varyHint}
                onClick={() => void imageActions.vary(picture)}
              >
                <Icon name="vary" />
                {t.picture.vary}
              </button>
            )}
            <button
              type="button"
              class="button small"
              disabled={busy}
              title={enlarged.value}
              onClick={() => void imageActions.enlarge(picture)}
            >
              <Icon name="enlarge" />
              {t.picture.enlarge}
            </button>
            <button
              type="button"
              class="button small"
              title={t.canvas.againHint}
              onClick={() => imageActions.goOn(picture)}
            >
              <Icon name="brush" />
              {t.canvas.again}
            </button>
            <button
              type="button"
              class="button small"
              disabled={busy}
              title={t.picture.traceHint}
              onClick={() => void imageActions.trace(picture, `${t.canvas.file}.svg`)}
            >
              <Icon name="trace" />
              {t.picture.trace}
            </button>
          </>
        )}
        <button type="button" class="button small quiet" onClick={() => (looking.value = true)}>
          <Icon name="info" />
          {t.picture.provenance}
        </button>
        {room.members.canEdit && picture.run && (
          <button type="button" class="button small quiet" onClick={() => room.requests.undo(picture.run)}>
            <Icon name="undo" />
            {t.runs.undo}
          </button>
        )}
      </div>
      {room.members.canEdit && (
        <label class="picture-alt">
          <span>{t.picture.alt}</span>
          <textarea
            key={picture.id}
            class="field small"
            rows={1}
            maxLength={MAX_ALT}
            placeholder={picture.prompt || t.picture.altPlaceholder}
            value={picture.alt}
            onChange={(event) => onDescribe(event.currentTarget.value.trim())}
          />
        </label>
      )}
      {enlarged.value && room.members.canEdit && <p class="hint">{enlarged.value}</p>}
      {extending.value && (
        <ExtendForm
          onExtend={(sides) => {
            extending.value = false;
            void imageActions.extend(picture, sides);
          }}
        />
      )}
      {looking.value && (
        <ProvenanceDialog room={room} picture={picture} onClose={() => (looking.value = false)} />
      )}
    </section>
  );
}
