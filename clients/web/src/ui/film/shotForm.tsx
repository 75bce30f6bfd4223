// The fields of a shot. Each change is one edit of that field: others may change the other fields at the same time.

import { useRef } from "preact/hooks";
import type { FilmRoom } from "../../film/filmRoom";
import {
  ACTS,
  ANGLES,
  type Clip,
  EFFECTS,
  FPS,
  MAX_SECONDS,
  MOVES,
  SIZES,
  TRANSITIONS,
} from "../../film/reel";
import { ApiError } from "../../room/http/httpApi";
import { t } from "../../strings";
import { IconButton } from "../parts/controls";
import { requestProblem } from "../parts/serverText";
import { canvasPictures } from "./canvasPictures";

const MAX_WORDS = 4000;
const MAX_OVER = 10;
const MAX_NAME = 64;
/** People that are drawn in one shot. */
const MAX_CAST = 6;

export function ShotForm({ film, place, frame }: { film: FilmRoom; place: number; frame: number }) {
  const shot = film.shots.value[place];
  const clip = film.clips.value[place];
  if (!shot || !clip) return null;
  const { id } = shot;
  const set = (name: string, value: unknown) => film.change(id, { [name]: value });
  const inside = frame > clip.start && frame < clip.start + clip.frames;
  return (
    <form class="film-form" aria-label={t.film.edit} onSubmit={(event) => event.preventDefault()}>
      <header class="film-form-head">
        <h2>{t.film.shot(place + 1, clip.who || clip.place)}</h2>
        <IconButton
          icon="up"
          label={t.film.earlier}
          disabled={place === 0}
          onClick={() => film.move(id, -1)}
        />
        <IconButton
          icon="down"
          label={t.film.later}
          disabled={place === film.shots.value.length - 1}
          onClick={() => film.move(id, 1)}
        />
        <button
          type="button"
          class="button small"
          disabled={!inside}
          onClick={() => film.split((frame + 0.5) / FPS)}
        >
          {t.film.split}
        </button>
        <IconButton icon="bin" label={t.film.remove} onClick={() => film.remove(id)} />
      </header>
      <NumberField
        label={t.film.fields.seconds}
        value={clip.frames / FPS}
        most={MAX_SECONDS}
        onChange={(value) => set("seconds", value)}
      />
      <Choice
        label={t.film.fields.size}
        value={clip.size}
        names={SIZES}
        words={t.film.sizes}
        onChange={(value) => set("size", value)}
      />
      <Choice
        label={t.film.fields.angle}
        value={clip.angle}
        names={ANGLES}
        words={t.film.angles}
        onChange={(value) => set("angle", value)}
      />
      <Choice
        label={t.film.fields.move}
        value={clip.move}
        names={MOVES}
        words={t.film.moves}
        onChange={(value) => set("move", value)}
      />
      <Choice
        label={t.film.fields.transition}
        value={TRANSITIONS.find((each) => each === shot.fields.transition) ?? "cut"}
        names={TRANSITIONS}
        words={t.film.transitions}
        onChange={(value) => set("transition", value)}
      />
      {clip.transition !== "cut" && (
        <NumberField
          label={t.film.fields.over}
          value={clip.lead / FPS}
          most={MAX_OVER}
          onChange={(value) => set("over", value)}
        />
      )}
      <Choice
        label={t.film.fields.act}
        value={clip.act}
        names={ACTS}
        words={t.film.acts}
        onChange={(value) => set("act", value)}
      />
      <fieldset class="film-field film-effects">
        <legend>{t.film.fields.effects}</legend>
        {EFFECTS.map((name) => (
          <label key={name}>
            <input
              type="checkbox"
              checked={clip.effects.includes(name)}
              onChange={(event) => {
                const others = clip.effects.filter((one) => one !== name);
                set("effects", event.currentTarget.checked ? [...others, name] : others);
              }}
            />
            {t.film.effects[name]}
          </label>
        ))}
      </fieldset>
      <label class="film-field">
        <span>{t.film.fields.cast}</span>
        <input
          type="text"
          value={clip.cast.join(", ")}
          onChange={(event) => {
            const names = event.currentTarget.value.split(",").map((name) => name.trim().slice(0, MAX_NAME));
            set("cast", names.filter(Boolean).slice(0, MAX_CAST));
          }}
        />
      </label>
      <PictureField film={film} value={clip.picture} onChange={(value) => set("picture", value)} />
      <PictureTools film={film} place={place} clip={clip} />
      <label class="film-field film-field-wide">
        <span>{t.film.fields.words}</span>
        <textarea
          rows={2}
          maxLength={MAX_WORDS}
          value={clip.text}
          onChange={(event) => set("words", event.currentTarget.value)}
        />
        {shot.reworded && (
          <button type="button" class="button quiet small" onClick={() => set("words", undefined)}>
            {t.film.fromText}
          </button>
        )}
      </label>
      <label class="film-field film-field-wide">
        <span>{t.film.fields.note}</span>
        <textarea
          rows={1}
          maxLength={MAX_WORDS}
          value={typeof shot.fields.note === "string" ? shot.fields.note : ""}
          onChange={(event) => set("note", event.currentTarget.value || undefined)}
        />
      </label>
    </form>
  );
}

function NumberField(props: {
  label: string;
  value: number;
  most: number;
  onChange: (value: number) => void;
}) {
  return (
    <label class="film-field">
      <span>{props.label}</span>
      <input
        type="number"
        min={0}
        max={props.most}
        step={0.1}
        value={Math.round(props.value * 100) / 100}
        onChange={(event) => {
          const value = event.currentTarget.valueAsNumber;
          if (Number.isFinite(value)) props.onChange(Math.min(Math.max(value, 0), props.most));
        }}
      />
    </label>
  );
}

function Choice<T extends string>(props: {
  label: string;
  value: T;
  names: readonly T[];
  words: Record<T, string>;
  onChange: (value: string) => void;
}) {
  return (
    <label class="film-field">
      <span>{props.label}</span>
      <select value={props.value} onChange={(event) => props.onChange(event.currentTarget.value)}>
        {props.names.map((name) => (
          <option key={name} value={name}>
            {props.words[name]}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Other ways to a picture: the model paints it, or somebody uploads it. */
function PictureTools({ film, place, clip }: { film: FilmRoom; place: number; clip: Clip }) {
  const file = useRef<HTMLInputElement>(null);
  const { room, painter } = film;
  const busy = painter.busy.value.has(clip.id);
  const upload = async (chosen: File | undefined) => {
    if (!chosen) return;
    try {
      const { sha256 } = await room.pictures.upload(chosen);
      film.change(clip.id, { picture: sha256 });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      room.notices.add("request_failed", requestProblem(error));
    }
  };
  return (
    <div class="film-field film-picture-tools">
      <button
        type="button"
        class="button small"
        disabled={busy || !room.members.rights.value.has("prompt")}
        onClick={() => void painter.paint(clip, place)}
      >
        {busy ? t.film.painting : t.film.paint}
      </button>
      <button type="button" class="button small" onClick={() => file.current?.click()}>
        {t.film.upload}
      </button>
      <input
        ref={file}
        type="file"
        accept="image/*"
        hidden
        aria-label={t.film.upload}
        onChange={(event) => {
          void upload(event.currentTarget.files?.[0]);
          event.currentTarget.value = "";
        }}
      />
    </div>
  );
}

/** A picture of the canvas for the shot. */
function PictureField(props: {
  film: FilmRoom;
  value: string;
  onChange: (value: string | undefined) => void;
}) {
  const pictures = canvasPictures(props.film.room);
  if (props.value !== "" && !pictures.has(props.value)) pictures.set(props.value, props.value.slice(0, 8));
  if (pictures.size === 0) return null;
  return (
    <label class="film-field">
      <span>{t.film.fields.picture}</span>
      <select
        value={props.value}
        onChange={(event) => props.onChange(event.currentTarget.value || undefined)}
      >
        <option value="">{t.film.noPicture}</option>
        {[...pictures].map(([asset, name]) => (
          <option key={asset} value={asset}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
