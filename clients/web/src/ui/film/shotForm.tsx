// The fields of a shot. Each change is one edit of that field: others may change the other fields at the same time.

import type { FilmRoom } from "../../film/filmRoom";
import { ANGLES, FPS, MAX_SECONDS, MOVES, SIZES, TRANSITIONS } from "../../film/reel";
import { t } from "../../strings";
import { IconButton } from "../parts/controls";

const MAX_WORDS = 4000;
const MAX_OVER = 10;

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
      <PictureField film={film} value={clip.picture} onChange={(value) => set("picture", value)} />
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

/** A picture of the canvas for the shot. */
function PictureField(props: {
  film: FilmRoom;
  value: string;
  onChange: (value: string | undefined) => void;
}) {
  const board = props.film.room.doc.value.getMap("canvas").toJSON() as Record<
    string,
    Record<string, unknown>
  >;
  const found = Object.values(board).filter((one) => typeof one?.asset === "string");
  const pictures = new Map(
    found.map((one) => [String(one.asset), String(one.name || one.prompt || one.asset).slice(0, 40)]),
  );
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
