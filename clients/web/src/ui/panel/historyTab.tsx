// The timeline: who did what and when, named versions, and the way to any point of it.

import { useEffect } from "preact/hooks";
import type { Group } from "../../room/http/historyApi";
import type { Room } from "../../room/room";
import { language, t } from "../../strings";
import { Face } from "../parts/avatar";
import { IconButton } from "../parts/controls";
import { Icon } from "../parts/icons";
import { clockTime } from "../parts/messageItem";
import type { Travel } from "./historyBrowser";
import type { TabProps } from "./tab";

const whole = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

export function HistoryTab({ room, travel }: TabProps) {
  useEffect(() => travel.watch(), [travel]);
  const groups = travel.groups.value;
  return (
    <div class="history">
      <Scrubber travel={travel} />
      {travel.problem.value && (
        <p class="field-error" role="alert">
          {travel.problem.value}
        </p>
      )}
      <Versions room={room} travel={travel} />
      <section>
        <h3>{t.history.changes}</h3>
        {groups.length === 0 && <p class="hint">{t.history.empty}</p>}
        {travel.missing.value.map(({ after, until, noticed_ms }) => (
          <p key={`${after}-${noticed_ms}`} class="field-error">
            {t.history.missing(until - after, whole.format(noticed_ms))}
          </p>
        ))}
        <ol class="entries">
          {groups.map((group) => (
            <Entry key={group.first} room={room} travel={travel} group={group} />
          ))}
        </ol>
        {travel.more.value && (
          <button type="button" class="button small quiet" onClick={() => void travel.earlier()}>
            {t.history.earlier}
          </button>
        )}
      </section>
    </div>
  );
}

function Scrubber({ travel }: { travel: Travel }) {
  const last = travel.last.value;
  const at = travel.seq.value ?? last;
  const words = travel.away.value ? t.history.at(at, last) : t.history.now;
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
            if (seq >= last) travel.back();
            else travel.go(seq);
          }}
        />
      </label>
      <p class="scrubber-foot">
        <span class="hint" role="status">
          {words}
        </span>
        {travel.away.value && (
          <button type="button" class="link-button" onClick={() => travel.back()}>
            {t.history.back}
          </button>
        )}
      </p>
    </section>
  );
}

function Entry({ room, travel, group }: { room: Room; travel: Travel; group: Group }) {
  const person = room.people.value.get(group.author);
  const run = group.run ? room.runs.all.value.get(group.run) : undefined;
  const name = person?.name ?? (group.author === "server" ? t.history.server : t.runs.gone);
  const here = travel.seq.value !== null && travel.seq.value >= group.first && travel.seq.value <= group.last;
  return (
    <li>
      <button
        type="button"
        class={`entry ${here ? "entry-here" : ""}`}
        style={{ "--who": person?.color ?? "var(--ink-faint)" }}
        aria-current={here}
        onClick={() => travel.go(group.last)}
      >
        {person ? <Face person={person} label={name} /> : <span class="face face-away" />}
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

function Versions({ room, travel }: { room: Room; travel: Travel }) {
  const name = room.unsent.field("version");
  const versions = [...room.versions.value].reverse();
  const may = room.rights.value.has("restore");
  const save = async () => {
    const chosen = name.value.trim();
    if (chosen && (await travel.attempt(() => room.past.name(chosen, travel.seq.value)))) name.value = "";
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
            placeholder={travel.away.value ? t.history.namePoint : t.history.name}
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
              aria-current={travel.seq.value === version.seq}
              onClick={() => travel.go(version.seq)}
            >
              <Icon name="check" />
              <span class="version-name">{version.name}</span>
              <span class="hint">{clockTime(version.ms)}</span>
            </button>
            {may && (version.author === room.me.value?.id || room.rights.value.has("moderate")) && (
              <IconButton
                icon="bin"
                label={t.history.forget(version.name)}
                onClick={() => void travel.attempt(() => room.past.removeName(version.id))}
              />
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
