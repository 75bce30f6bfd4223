// The people of the film: how each looks. A look belongs to a name, and every shot shows it.

import { useEffect, useRef } from "preact/hooks";
import { newId } from "../../canvas/board";
import { draw } from "../../film/draw";
import { WIDTH } from "../../film/effects";
import type { FilmRoom } from "../../film/filmRoom";
import { COATS, HAIRS, lookOf, SKINS, STYLES } from "../../film/looks";
import { t } from "../../strings";
import { Dialog } from "../parts/controls";
import { canvasPictures } from "./canvasPictures";

const SIDE = 120;

export function CastDialog({ film, onClose }: { film: FilmRoom; onClose: () => void }) {
  const names = namesOf(film);
  return (
    <Dialog title={t.film.cast.title} onClose={onClose}>
      <p class="hint">{names.length > 0 ? t.film.cast.hint : t.film.cast.none}</p>
      <ul class="film-cast">
        {names.map((name) => (
          <Person key={name} film={film} name={name} />
        ))}
      </ul>
    </Dialog>
  );
}

/** Everybody who is seen, heard, or has a look. */
function namesOf(film: FilmRoom): string[] {
  const names = new Set<string>();
  for (const clip of film.clips.value) {
    if (clip.who !== "") names.add(clip.who);
    for (const name of clip.cast) names.add(name);
  }
  for (const name of Object.keys(film.cast.value)) names.add(name);
  return [...names];
}

function Person({ film, name }: { film: FilmRoom; name: string }) {
  const chosen = film.cast.value[name] ?? {};
  const look = lookOf(name, chosen);
  const words = t.film.cast;
  const pictures = canvasPictures(film.room);
  const set = (field: string, value: unknown) => film.dress(name, { [field]: value });
  return (
    <li class="film-person">
      <Portrait film={film} name={name} />
      <div class="film-person-fields">
        <h3>{name}</h3>
        <label class="film-field">
          <span>{words.style}</span>
          <select
            value={typeof chosen.style === "string" ? chosen.style : look.style}
            onChange={(event) => set("style", event.currentTarget.value)}
          >
            {STYLES.map((style) => (
              <option key={style} value={style}>
                {words.styles[style]}
              </option>
            ))}
          </select>
        </label>
        {chosen.style === "drawing" ? (
          <label class="film-field">
            <span>{words.picture}</span>
            <select
              value={look.picture}
              onChange={(event) => set("picture", event.currentTarget.value || undefined)}
            >
              <option value="">{pictures.size > 0 ? t.film.noPicture : words.noPictures}</option>
              {[...pictures].map(([asset, label]) => (
                <option key={asset} value={asset}>
                  {label}
                </option>
              ))}
            </select>
          </label>
        ) : (
          <>
            <Colour
              label={words.skin}
              value={look.skin}
              some={SKINS}
              onChange={(value) => set("skin", value)}
            />
            <Colour
              label={words.hair}
              value={look.hair}
              some={HAIRS}
              onChange={(value) => set("hair", value)}
            />
            <Colour
              label={words.coat}
              value={look.coat}
              some={COATS}
              onChange={(value) => set("coat", value)}
            />
            <button type="button" class="button small" onClick={() => set("seed", newId())}>
              {words.another}
            </button>
          </>
        )}
        {Object.keys(chosen).length > 0 && (
          <button type="button" class="button quiet small" onClick={() => film.undress(name)}>
            {words.reset}
          </button>
        )}
      </div>
    </li>
  );
}

function Colour(props: {
  label: string;
  value: string;
  some: readonly string[];
  onChange: (value: string) => void;
}) {
  const list = `film-colours-${props.label}`;
  return (
    <label class="film-colour">
      <input
        type="color"
        value={props.value}
        list={list}
        onChange={(event) => props.onChange(event.currentTarget.value)}
      />
      <datalist id={list}>
        {props.some.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <span>{props.label}</span>
    </label>
  );
}

/** The face, as the film draws it. */
function Portrait({ film, name }: { film: FilmRoom; name: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const look = lookOf(name, film.cast.value[name] ?? {});
  const key = JSON.stringify(look);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    let handle = 0;
    let drawn = -1;
    const show = () => {
      handle = requestAnimationFrame(show);
      if (drawn === film.pictures.version) return;
      drawn = film.pictures.version;
      context.clearRect(0, 0, context.canvas.width, SIDE);
      // The units of the list are those of a film's picture.
      const [middle, size] = [WIDTH / 2, WIDTH * (9 / 16)];
      const { style, seed, skin, hair, coat, picture } = look;
      draw(
        context,
        style === "drawing"
          ? [["sprite", picture, middle, size, WIDTH, size, 0, 1]]
          : [["figure", style, seed, skin, hair, coat, "open", "rest", middle, size, size, 0, 1]],
        film.pictures,
      );
    };
    show();
    return () => cancelAnimationFrame(handle);
  }, [film, key]);
  return (
    <canvas
      ref={canvas}
      class="film-portrait"
      width={(SIDE * 16) / 9}
      height={SIDE}
      role="img"
      aria-label={name}
    />
  );
}
