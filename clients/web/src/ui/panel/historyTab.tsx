// The history tab: who did what and when, named versions, and a slider over all points.

import { useEffect } from "preact/hooks";
import type { Group } from "../../room/http/historyApi";
import type { Room } from "../../room/room";
import { language, t } from "../../strings";
import { Avatar } from "../parts/avatar";
import { IconButton } from "../parts/controls";
import { Icon } from "../parts/icons";
import { clockTime } from "../parts/messageItem";
import type { HistoryBrowser } from "./historyBrowser";
import type { TabProps } from "./tab";

const whole = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

export function HistoryTab({ room, historyBrowser }: TabProps) {
  useEffect(() => historyBrowser.watch(), [historyBrowser]);
  const groups = historyBrowser.groups.value;
  return (
    <div class="history">
      <Scrubber historyBrowser={historyBrowser} />
      {historyBrowser.problem.value && (
        <p class="field-error" role="alert">
          {historyBrowser.problem.value}
        </p>
      )}
      <Versions room={room} historyBrowser={historyBrowser} />
      <section>
        <h3>{t.history.changes}</h3>
        {groups.length === 0 && <p class="hint">{t.history.empty}</p>}
        {historyBrowser.missing.value.map(({ after, until, noticed_ms }) => (
          <p key={`${after}-${noticed_ms}`} class="field-error">
            {t.history.missing(until - after, whole.format(noticed_ms))}
          </p>
        ))}
        <ol class="entries">
          {groups.map((group) => (
            <Entry key={group.first} room={room} historyBrowser={historyBrowser} group={group} />
          ))}
        </ol>
        {historyBrowser.more.value && (
          <button type="button" class="button small quiet" onClick={() => void historyBrowser.earlier()}>
            {t.history.earlier}
          </button>
        )}
      </section>
    </div>
  );
}

function Scrubber({ historyBrowser }: { historyBrowser: HistoryBrowser }) {
  const last = historyBrowser.last.value;
  const at = historyBrowser.seq.value ?? last;
  const words = historyBrowser.away.value ? t.history.at(at, last) : t.history.now;
  return (
    <section class="scrubber">
      <label class="slider">
        <span class="offscreen">{t.history.scrub}</span>
        <input
          type="range"
          min={0}
          max={last}
          step={1}
          value={at}
          disabled={last === 0}
          aria-valuetext={words}
          onInput={(event) => {
            const seq = Number(event.currentTarget.value);
            if (seq >= last) historyBrowser.back();
            else historyBrowser.go(seq);
          }}
        />
      </label>
      <p class="scrubber-foot">
        <span class="hint" role="status">
          {words}
        </span>
        {historyBrowser.away.value && (
          <button type="button" class="link-button" onClick={() => historyBrowser.back()}>
            {t.history.back}
          </button>
        )}
      </p>
    </section>
  );
}

function Entry({
  room,
  historyBrowser,
  group,
}: {
  room: Room;
  historyBrowser: HistoryBrowser;
  group: Group;
}) {
  const person = room.members.all.value.get(group.author);
  const run = group.run ? room.runs.all.value.get(group.run) : undefined;
  const name = person?.name ?? (group.author === "server" ? t.history.server : t.runs.gone);
  const here =
    historyBrowser.seq.value !== null &&
    historyBrowser.seq.value >= group.first &&
    historyBrowser.seq.value <= group.last;
  return (
    <li>
      <button
        type="button"
        class={`entry ${here ? "entry-here" : ""}`}
        style={{ "--who": person?.color ?? "var(--ink-faint)" }}
        aria-current={here}
        onClick={() => historyBrowser.go(group.last)}
      >
        {person ? <Avatar person={person} label={name} /> : <span class="face face-away" />}
        <span class="entry-who">
          {name}
          {run && (
            <span class="hint"> {run.instruction ? `“${run.instruction}”` : t.runs.tasks[run.task]}</span>
          )}
        </span>
        <span class="hint entry-when">{clockTime(group.to_ms)}</span>
        <span class="hint entry-what">{t.history.edits(group.entries)}</span>
      </button>
    </li>
  );
}

function Versions({ room, historyBrowser }: { room: Room; historyBrowser: HistoryBrowser }) {
  const name = room.fieldDrafts.field("version");
  const versions = [...room.versions.value].reverse();
  const may = room.members.rights.value.has("restore");
  const save = async () => {
    const chosen = name.value.trim();
    if (chosen && (await historyBrowser.attempt(() => room.history.name(chosen, historyBrowser.seq.value))))
      name.value = "";
  };
  if (!may && versions.length === 0) return null;
  return (
    <section>
      <h3>{t.history.versions}</h3>
      {may && (
        <form
          class="field-row"
          onSubmit={(event) => {
            event.preventDefault();
            void save();
          }}
        >
          <input
            class="field small"
            aria-label={t.history.name}
            placeholder={historyBrowser.away.value ? t.history.namePoint : t.history.name}
            maxLength={100}
            value={name.value}
            onInput={(event) => {
              name.value = event.currentTarget.value;
            }}
          />
          <button type="submit" class="button small" disabled={name.value.trim() === ""}>
            {t.history.keep}
          </button>
        </form>
      )}
      <ul class="versions">
        {versions.map((version) => (
          <li key={version.id}>
            <button
              type="button"
              class="version"
              aria-current={historyBrowser.seq.value === version.seq}
              onClick={() => historyBrowser.go(version.seq)}
            >
              <Icon name="check" />
              <span class="version-name">{version.name}</span>
              <span class="hint">{clockTime(version.ms)}</span>
            </button>
            {may &&
              (version.author === room.members.me.value?.id || room.members.rights.value.has("moderate")) && (
                <IconButton
                  icon="bin"
                  label={t.history.forget(version.name)}
                  onClick={() => void historyBrowser.attempt(() => room.history.removeName(version.id))}
                />
              )}
          </li>
        ))}
      </ul>
    </section>
  );
}
