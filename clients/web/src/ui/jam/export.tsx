// Saves a session, or a part of it, as files that the server makes: notes at once, sound with progress.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { save } from "../../canvas/export";
import type { Jam } from "../../jam/jam";
import { cancelExport, exportFile, type FileExport } from "../../room/http/fileExports";
import { ApiError } from "../../room/http/httpApi";
import {
  JAM_SOUNDS,
  JAM_TEXTS,
  type JamExcerpt,
  type JamSession,
  type JamSound,
  type JamText,
  jamSessions,
  jamText,
  nameJamSession,
  soundOf,
} from "../../room/http/jamFiles";
import { language, t } from "../../strings";
import { requestProblem } from "../parts/serverText";
import { Popover } from "./parts";

const TEXTS = Object.keys(JAM_TEXTS) as JamText[];
const SOUNDS = Object.keys(JAM_SOUNDS) as JamSound[];

export function JamExport({ jam }: { jam: Jam }) {
  const { http, notices, members } = jam.room;
  const sessions = useSignal<readonly JamSession[] | null>(null);
  const chosen = useSignal(0);
  const part = useSignal(-1);
  const from = useSignal("");
  const to = useSignal("");
  const making = useSignal<FileExport | null>(null);
  const busy = useSignal(false);
  const cancel = () => {
    const id = making.peek()?.id;
    if (id) void cancelExport(http, "jam/exports", id).catch(() => {});
  };
  // A panel that is closed wants no file any more.
  useEffect(() => cancel, []);
  const attempt = async (work: () => Promise<void>) => {
    busy.value = true;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      notices.add("request_failed", requestProblem(error));
    } finally {
      busy.value = false;
      making.value = null;
    }
  };
  const load = () =>
    attempt(async () => {
      const found = await jamSessions(http);
      sessions.value = [...found].reverse();
      chosen.value = 0;
      part.value = -1;
      from.value = to.value = "";
    });
  const session = sessions.value?.[chosen.value] ?? null;
  const length = session ? session.to_ms - session.from_ms : 0;
  const [fromMs, toMs] = [timeOf(from.value, 0), timeOf(to.value, length)];
  const wrong = fromMs === null || toMs === null || fromMs >= toMs || fromMs >= length;
  const excerpt = (): JamExcerpt | null =>
    session && fromMs !== null && toMs !== null
      ? {
          fromMs: session.from_ms + fromMs,
          toMs: session.from_ms + Math.min(toMs, length),
          part: session.parts[part.value] ?? null,
        }
      : null;
  const fileName = (ending: string) => `${session?.name || t.jam.file}.${ending}`;
  const text = (kind: JamText) =>
    attempt(async () => {
      const which = excerpt();
      if (which) save(await jamText(http, kind, which), fileName(JAM_TEXTS[kind]));
    });
  const sound = (kind: JamSound) =>
    attempt(async () => {
      const which = excerpt();
      if (!which) return;
      const made = await exportFile(http, "jam/exports", soundOf(kind, which), (now) => {
        making.value = now;
      });
      if (made instanceof Blob) save(made, fileName(JAM_SOUNDS[kind]));
      else if (made.state === "failed") {
        notices.add("request_failed", t.jam.exportProblems[made.code] ?? made.problem);
      }
    });
  return (
    <Popover icon="save" label={t.jam.export} class="jam-pop-right" onOpen={() => void load()}>
      <div class="jam-exports">
        {sessions.value?.length === 0 && <p class="hint">{t.jam.noSessions}</p>}
        {session && sessions.value && (
          <>
            <label class="jam-field">
              <span>{t.jam.session}</span>
              <select
                class="field small"
                value={String(chosen.value)}
                onChange={({ currentTarget }) => {
                  chosen.value = Number(currentTarget.value);
                  part.value = -1;
                  from.value = to.value = "";
                }}
              >
                {sessions.value.map((one, index) => (
                  <option key={one.from_ms} value={String(index)}>
                    {titleOf(one)}
                  </option>
                ))}
              </select>
            </label>
            <label class="jam-field">
              <span>{t.jam.sessionName}</span>
              <input
                class="field small"
                maxLength={80}
                value={session.name}
                readOnly={!members.canEdit}
                placeholder={session.people.join(", ")}
                onChange={({ currentTarget }) => {
                  const name = currentTarget.value;
                  const at = chosen.peek();
                  void attempt(async () => {
                    await nameJamSession(http, session.from_ms, name);
                    sessions.value = await jamSessions(http).then((found) => [...found].reverse());
                    chosen.value = at;
                  });
                }}
              />
            </label>
            <label class="jam-field">
              <span>{t.jam.exportPart}</span>
              <select
                class="field small"
                value={String(part.value)}
                onChange={({ currentTarget }) => {
                  part.value = Number(currentTarget.value);
                }}
              >
                <option value="-1">{t.jam.exportAll}</option>
                {session.parts.map((one, index) => (
                  <option key={`${one.part}:${one.key}`} value={String(index)}>
                    {one.name}
                  </option>
                ))}
              </select>
            </label>
            <div class="jam-span">
              {(
                [
                  [t.jam.exportFrom, from, "0:00"],
                  [t.jam.exportTo, to, clock(length)],
                ] as const
              ).map(([label, field, empty]) => (
                <label key={label} class="jam-field">
                  <span>{label}</span>
                  <input
                    class="field small"
                    inputMode="numeric"
                    placeholder={empty}
                    value={field.value}
                    aria-invalid={wrong}
                    onInput={({ currentTarget }) => {
                      field.value = currentTarget.value;
                    }}
                  />
                </label>
              ))}
            </div>
            {wrong && <p class="field-error">{t.jam.exportTimes(clock(length))}</p>}
            <div class="jam-export-kinds">
              {TEXTS.map((kind) => (
                <Kind key={kind} kind={kind} disabled={busy.value || wrong} onClick={() => void text(kind)} />
              ))}
              {SOUNDS.map((kind) => (
                <Kind
                  key={kind}
                  kind={kind}
                  disabled={busy.value || wrong}
                  onClick={() => void sound(kind)}
                />
              ))}
            </div>
          </>
        )}
        {busy.value && session && !making.value && <p class="hint">{t.jam.exporting}</p>}
        {making.value && (
          <div class="jam-export-progress" role="status">
            <progress class="run-progress" max={1} value={making.value.done} aria-label={t.jam.exporting} />
            <span>{Math.floor(making.value.done * 100)} %</span>
            <button type="button" class="button small" onClick={cancel}>
              {t.jam.exportCancel}
            </button>
          </div>
        )}
      </div>
    </Popover>
  );
}

function Kind(props: { kind: JamText | JamSound; disabled: boolean; onClick: () => void }) {
  return (
    <button type="button" class="button small quiet" disabled={props.disabled} onClick={props.onClick}>
      {t.jam.exports[props.kind]}
    </button>
  );
}

/** "1:02:03", "2:03", "3" as milliseconds; null for anything else. */
export function timeOf(text: string, empty: number): number | null {
  if (!text.trim()) return empty;
  if (!/^\s*(\d{1,2}:)?\d{1,3}(:\d{1,2})?\s*$/.test(text)) return null;
  const seconds = text.split(":").reduce((sum, each) => sum * 60 + Number(each), 0);
  return (text.includes(":") ? seconds : seconds * 60) * 1000;
}

export function clock(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  const pad = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return `${hours ? `${hours}:${pad(minutes)}` : minutes}:${pad(seconds % 60)}`;
}

function titleOf(session: JamSession): string {
  const when = new Date(session.from_ms).toLocaleString(language, { dateStyle: "short", timeStyle: "short" });
  return [session.name || when, clock(session.to_ms - session.from_ms)].join(" · ");
}
