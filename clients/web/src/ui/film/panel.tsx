// The film: preview, transport, shots in order, and the form of the shot that is chosen.

import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { keyOf } from "../../editor/input/keyOf";
import { FilmRoom } from "../../film/filmRoom";
import { clipAt } from "../../film/frame";
import { FPS, lengthOf } from "../../film/reel";
import { VoicePlayer } from "../../film/voicePlayer";
import { ApiError } from "../../room/http/httpApi";
import type { Room } from "../../room/room";
import { t } from "../../strings";
import { IconButton } from "../parts/controls";
import { Icon } from "../parts/icons";
import { requestProblem } from "../parts/serverText";
import { CastDialog } from "./castDialog";
import { ExportDialog } from "./exportDialog";
import { Preview } from "./preview";
import { ShotForm } from "./shotForm";
import { ShotList } from "./shotList";
import { VoicesPanel } from "./voicesPanel";

export function FilmPanel({ room }: { room: Room }) {
  const film = useMemo(() => new FilmRoom(room), [room]);
  const player = useMemo(() => new VoicePlayer(film), [film]);
  useEffect(
    () => () => {
      player.close();
      film.close();
    },
    [film, player],
  );
  /** The frame on the screen; the preview sets it. */
  const frame = useSignal(0);
  const problem = useSignal<string | null>(null);
  const dialog = useSignal<"cast" | "export" | null>(null);
  const open = (which: "cast" | "export" | null) => {
    dialog.value = which;
  };
  const root = useRef<HTMLElement>(null);
  const clips = film.clips.value;
  const shots = film.shots.value;
  const editing = film.canEdit;
  const here = clipAt(clips, frame.value);

  useEffect(() => {
    const keys = (event: KeyboardEvent) => onKey(event, film, root.current);
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, [film]);

  const make = async () => {
    problem.value = null;
    try {
      await film.make();
    } catch (error) {
      problem.value = t.film.failed(error instanceof ApiError ? requestProblem(error) : "");
    }
  };
  const selected = shots.findIndex((shot) => shot.id === film.selected.value);
  return (
    <section class="film" aria-label={t.film.label} ref={root}>
      {shots.length === 0 ? (
        <div class="film-empty">
          <p>{editing ? t.film.empty : t.film.emptyReading}</p>
          {editing && <MakeButton film={film} label={t.film.make} onMake={make} />}
          <Outcome film={film} problem={problem.value} />
        </div>
      ) : (
        <>
          <Preview film={film} frame={frame} />
          <Transport film={film} player={player} frame={frame.value} />
          {!editing && <p class="film-hint">{t.film.watching}</p>}
          <div class="film-tools">
            {editing && <MakeButton film={film} label={t.film.more} onMake={make} />}
            {editing && <UndoButtons room={room} />}
            {editing && (
              <button type="button" class="button small" onClick={() => open("cast")}>
                {t.film.cast.open}
              </button>
            )}
            <button type="button" class="button small" onClick={() => open("export")}>
              <Icon name="download" />
              {t.film.export.button}
            </button>
            <Outcome film={film} problem={problem.value} />
          </div>
          <VoicesPanel film={film} player={player} />
          <ShotList film={film} here={here} />
          {editing && selected >= 0 && <ShotForm film={film} place={selected} frame={frame.value} />}
        </>
      )}
      {dialog.value === "export" && <ExportDialog film={film} onClose={() => open(null)} />}
      {dialog.value === "cast" && <CastDialog film={film} onClose={() => open(null)} />}
      <p class="offscreen">{t.film.keys}</p>
    </section>
  );
}

function MakeButton(props: { film: FilmRoom; label: string; onMake: () => void }) {
  const making = props.film.making.value;
  return (
    <button type="button" class="button primary film-make" disabled={making} onClick={props.onMake}>
      {making ? t.film.making : props.label}
    </button>
  );
}

function Outcome({ film, problem }: { film: FilmRoom; problem: string | null }) {
  const made = film.made.value;
  return (
    <p class="film-outcome" role="status">
      {problem ?? (made === null ? "" : t.film.made(made))}
    </p>
  );
}

function UndoButtons({ room }: { room: Room }) {
  const steps = room.undoSteps;
  return (
    <>
      <IconButton
        icon="undo"
        label={t.film.undo}
        disabled={!steps.can("film", false)}
        onClick={() => steps.back("film")}
      />
      <IconButton
        icon="redo"
        label={t.film.redo}
        disabled={!steps.can("film", true)}
        onClick={() => steps.again("film")}
      />
    </>
  );
}

function Transport(props: { film: FilmRoom; player: VoicePlayer; frame: number }) {
  const { film, player, frame } = props;
  const { playing } = film.transport.value;
  const frames = lengthOf(film.clips.value);
  const reading = !film.canEdit;
  return (
    <div class="film-transport">
      <IconButton icon="start" label={t.film.toStart} disabled={reading} onClick={() => film.seek(0)} />
      <button
        type="button"
        class={`button film-play ${playing ? "stop" : "primary"}`}
        disabled={reading}
        onClick={() => {
          // The first press is the gesture that browsers want before a page may sound.
          if (!playing) player.enable();
          film.toggle();
        }}
      >
        <Icon name={playing ? "stop" : "play"} />
        {playing ? t.film.stop : t.film.play}
      </button>
      <input
        type="range"
        class="film-position"
        aria-label={t.film.position}
        aria-valuetext={t.film.seconds(frame / FPS)}
        min={0}
        max={Math.max(0, frames - 1)}
        value={frame}
        disabled={reading}
        onInput={(event) => film.scrub(Number(event.currentTarget.value) / FPS)}
      />
      <output class="film-time">
        {t.film.seconds(frame / FPS)} / {t.film.seconds(frames / FPS)}
      </output>
    </div>
  );
}

/** Keys of the film, also while nothing has the focus; a field keeps its own. */
function onKey(event: KeyboardEvent, film: FilmRoom, root: HTMLElement | null): void {
  const target = event.target as HTMLElement;
  const ours = target === document.body || root?.contains(target);
  const field = target.matches("input:not([type=range]), textarea, select");
  if (!ours || field || !film.canEdit || event.ctrlKey || event.metaKey || event.altKey) return;
  if (film.shots.peek().length === 0) return;
  const key = keyOf(event);
  const far = event.shiftKey ? FPS : 1;
  const act: Record<string, () => void> = {
    j: () => film.shuttle(-1),
    k: () => film.halt(),
    l: () => film.shuttle(1),
    s: () => film.split(film.position()),
    arrowleft: () => film.step(-far),
    arrowright: () => film.step(far),
    home: () => film.seek(0),
    end: () => film.seek(Number.POSITIVE_INFINITY),
  };
  if (key === " " && !target.matches("button")) act[" "] = () => film.toggle();
  const found = act[key.toLowerCase()];
  if (!found) return;
  event.preventDefault();
  found();
}
