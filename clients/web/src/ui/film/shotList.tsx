// The shots in order, as cards under their scenes. A film may have thousands: those around the playhead are shown.

import { useEffect, useRef } from "preact/hooks";
import type { FilmRoom } from "../../film/filmRoom";
import { FPS } from "../../film/reel";
import { t } from "../../strings";

/** Shots before and behind the one that is shown. */
const AROUND = 60;
const SHORT = 90;

export function ShotList({ film, here }: { film: FilmRoom; here: number }) {
  const list = useRef<HTMLOListElement>(null);
  const shots = film.shots.value;
  const clips = film.clips.value;
  const first = Math.max(0, here - AROUND);
  const some = shots.slice(first, Math.max(0, here) + AROUND);
  // The list follows the playhead.
  useEffect(() => {
    const row = list.current?.querySelector<HTMLElement>("[aria-current]");
    const box = list.current;
    if (!row || !box || box.contains(document.activeElement)) return;
    const beside = box.scrollWidth > box.clientWidth;
    if (beside) box.scrollTo({ left: row.offsetLeft - box.clientWidth / 2 + row.clientWidth / 2 });
    else box.scrollTo({ top: row.offsetTop - box.clientHeight / 2 });
  }, [here]);
  return (
    <ol class="film-shots" aria-label={t.film.timeline} ref={list}>
      {some.map((shot, offset) => {
        const place = first + offset;
        const clip = clips[place];
        if (!clip) return null;
        const scene = shot.heading !== some[offset - 1]?.heading ? shot.heading : "";
        const lost = shot.range === null && typeof shot.fields.anchor === "string";
        const words = short(clip.text) || (lost ? t.film.gone : t.film.noWords);
        return (
          <li key={shot.id} class="film-shot-row">
            {scene && <span class="film-scene">{scene}</span>}
            <button
              type="button"
              class={`film-shot ${film.selected.value === shot.id ? "chosen" : ""}`}
              aria-current={place === here ? "true" : undefined}
              aria-pressed={film.selected.value === shot.id}
              onClick={() => {
                film.selected.value = shot.id;
                if (film.canEdit) film.seek((clip.start + clip.lead) / FPS);
              }}
            >
              <span class="film-shot-number">{place + 1}</span>
              <span class="film-shot-look">
                {t.film.sizes[clip.size]}, {t.film.moves[clip.move]}, {t.film.seconds(clip.frames / FPS)}
              </span>
              {clip.who && <b>{clip.who}</b>}
              <span class="film-shot-words">{words}</span>
            </button>
          </li>
        );
      })}
    </ol>
  );
}

const short = (text: string): string => (text.length > SHORT ? `${text.slice(0, SHORT)} …` : text);
