// The picture of the film, drawn at the display's own rate from the shared transport.

import type { Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { draw, figureOf } from "../../film/draw";
import { HEIGHT, WIDTH } from "../../film/effects";
import type { FilmRoom } from "../../film/filmRoom";
import { clipAt, frame as frameList } from "../../film/frame";
import { frameOf } from "../../film/transport";
import { t } from "../../strings";

export function Preview({ film, frame }: { film: FilmRoom; frame: Signal<number> }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const pictures = film.pictures;
    let handle = 0;
    let drawn = "";
    const show = () => {
      handle = requestAnimationFrame(show);
      const element = context.canvas;
      const width = Math.min(1920, Math.round(element.clientWidth * devicePixelRatio));
      const height = Math.round((width * HEIGHT) / WIDTH);
      if (width > 0 && element.width !== width) {
        element.width = width;
        element.height = height;
        drawn = "";
      }
      const number = frameOf(film.position());
      const clips = film.clips.peek();
      const key = `${number} ${versionOf(clips)} ${pictures.version}`;
      if (key === drawn) return;
      drawn = key;
      const ops = frameList(clips, number);
      for (const op of ops) if (op[0] === "figure") pictures.prepare(figureOf(op));
      draw(context, ops, pictures);
      element.dataset.frame = String(number);
      // Whether all figures are here.
      const whole = ops.every((op) => op[0] !== "figure" || pictures.figure(figureOf(op)) !== null);
      element.dataset.whole = String(whole);
      frame.value = number;
    };
    show();
    return () => cancelAnimationFrame(handle);
  }, [film, frame]);
  const clips = film.clips.value;
  const clip = clips[clipAt(clips, frame.value)];
  const words = clip ? [clip.who, clip.text].filter(Boolean).join(": ") : "";
  return (
    <div class="film-stage">
      <canvas
        ref={canvas}
        class="film-picture"
        role="img"
        aria-label={t.film.picture(clip?.place ?? "", words)}
        width={WIDTH}
        height={HEIGHT}
      />
    </div>
  );
}

const versions = new WeakMap<object, number>();
let next = 0;
/** A number for each list of clips: a new list is drawn anew. */
function versionOf(clips: object): number {
  const known = versions.get(clips);
  if (known !== undefined) return known;
  next += 1;
  versions.set(clips, next);
  return next;
}
