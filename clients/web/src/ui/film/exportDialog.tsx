// The film as a file: which, how large, how far it is, and what went wrong.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { save } from "../../canvas/export";
import type { FilmRoom } from "../../film/filmRoom";
import { cancelExport, exportFile, type FileExport } from "../../room/http/fileExports";
import { endingOf, type FilmFile, filmText, isRendered, RENDERED, TEXTS } from "../../room/http/filmFiles";
import { ApiError } from "../../room/http/httpApi";
import { language, t } from "../../strings";
import { Dialog } from "../parts/controls";
import { requestProblem } from "../parts/serverText";

const HEIGHTS = [360, 720, 1080];

export function ExportDialog({ film, onClose }: { film: FilmRoom; onClose: () => void }) {
  const kind = useSignal<FilmFile>("mp4");
  const height = useSignal(720);
  const now = useSignal<FileExport | null>(null);
  const busy = useSignal(false);
  const problem = useSignal("");
  const saved = useSignal(false);
  const http = film.room.http;
  const words = t.film.export;
  const cancel = () => {
    const { id, state } = now.peek() ?? { id: "", state: "done" };
    if (state === "waiting" || state === "running")
      void cancelExport(http, "film/exports", id).catch(() => {});
  };
  // A dialog that is closed wants no file any more.
  useEffect(() => cancel, []);
  const start = async () => {
    const format = kind.peek();
    busy.value = true;
    saved.value = false;
    problem.value = "";
    try {
      const made = isRendered(format)
        ? await exportFile(http, "film/exports", { format, height: height.peek(), language }, (told) => {
            now.value = told;
          })
        : await filmText(http, format, language);
      if (made instanceof Blob) {
        save(made, `${words.file}.${endingOf(format)}`);
        saved.value = true;
      } else if (made.state === "failed") problem.value = words.problems[made.code] ?? made.problem;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      problem.value = refusal(error, format);
    } finally {
      now.value = null;
      busy.value = false;
    }
  };
  return (
    <Dialog title={words.title} onClose={onClose}>
      <form
        class="film-export"
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <fieldset disabled={busy.value}>
          <legend>{words.format}</legend>
          {[...RENDERED, ...TEXTS].map((one) => (
            <label key={one} class="film-export-kind">
              <input
                type="radio"
                name="film-format"
                value={one}
                checked={kind.value === one}
                data-home={one === "mp4" ? "" : undefined}
                onChange={() => {
                  kind.value = one;
                  saved.value = false;
                  problem.value = "";
                }}
              />
              <span>
                <b>{words.kinds[one]}</b> <span class="hint">{words.about[one]}</span>
              </span>
            </label>
          ))}
        </fieldset>
        {(kind.value === "mp4" || kind.value === "webm") && (
          <label class="film-field">
            <span>{words.height}</span>
            <select
              value={height.value}
              disabled={busy.value}
              onChange={(event) => {
                height.value = Number(event.currentTarget.value);
              }}
            >
              {HEIGHTS.map((one) => (
                <option key={one} value={one}>
                  {Math.round((one * 16) / 9)} × {one}
                </option>
              ))}
            </select>
          </label>
        )}
        <p class="hint">{words.credits}</p>
        {busy.value && <Progress now={now.value} />}
        <p class={problem.value ? "field-error" : "hint"} role={problem.value ? "alert" : "status"}>
          {problem.value || (saved.value ? words.saved : "")}
        </p>
        <div class="dialog-actions">
          {busy.value && (
            <button type="button" class="button quiet" onClick={cancel}>
              {words.cancel}
            </button>
          )}
          <button type="submit" class="button primary" disabled={busy.value}>
            {busy.value ? words.working : words.start}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Progress({ now }: { now: FileExport | null }) {
  const words = t.film.export;
  const share = now?.done ?? 0;
  const text = now?.state === "waiting" ? words.waiting : words.progress(Math.floor(100 * share));
  return (
    <label class="film-export-progress">
      <progress max={1} value={now?.state === "running" ? share : undefined} />
      <span>{text}</span>
    </label>
  );
}

/** Why the server began nothing. */
function refusal(error: ApiError, format: FilmFile): string {
  const words = t.film.export.problems;
  if (error.code === "conflict") return (format === "wav" ? words.voices : words.empty) ?? error.message;
  if (error.code === "rate_limited") return words.busy ?? error.message;
  if (error.code === "too_large") return words.long ?? error.message;
  return requestProblem(error);
}
