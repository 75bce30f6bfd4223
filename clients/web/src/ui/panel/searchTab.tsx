// The search tab: everything that people read in this room, by words and by meaning.

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type Hit, MAX_QUERY } from "../../room/http/searchApi";
import type { Room } from "../../room/room";
import { t } from "../../strings";
import { Icon, type IconName } from "../parts/icons";
import { errorText } from "../parts/serverText";
import type { TabProps } from "./tab";

const ICONS: Record<Hit["kind"], IconName> = {
  text: "heading",
  chat: "chat",
  comment: "comment",
  board: "picture",
};

export function SearchTab({ room, go }: TabProps) {
  const { search } = room;
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    search.look(true);
    field.current?.select();
    return () => search.look(false);
  }, [search]);
  const { value: found } = search.found;
  const { value: problem } = search.problem;
  const hits = found?.hits ?? [];
  const byWords = hits.filter((hit) => hit.by === "words");
  const byMeaning = hits.filter((hit) => hit.by === "meaning");
  return (
    <search class="search-tab">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void search.ask();
        }}
      >
        <input
          ref={field}
          class="field"
          type="search"
          aria-label={t.search.wanted}
          placeholder={t.search.wanted}
          maxLength={MAX_QUERY}
          value={search.query.value}
          onInput={(event) => search.type(event.currentTarget.value)}
        />
      </form>
      <p class="hint" role="status">
        {problem
          ? problem.message
            ? errorText(problem.code, problem.message)
            : t.lobby.unreachable
          : search.gone.value
            ? t.search.gone
            : !found
              ? t.search.hint
              : hits.length === 0 && found.pending === 0
                ? t.search.none
                : ""}
      </p>
      <List title={t.search.byWords} hits={byWords} room={room} go={go} />
      <List title={t.search.byMeaning} hits={byMeaning} room={room} go={go} />
      {found?.meaning === "absent" && <p class="hint">{t.search.absent}</p>}
      {found && found.pending > 0 && <p class="hint">{t.search.pending(found.pending)}</p>}
      {found && found.left_out > 0 && <p class="hint">{t.search.leftOut(found.left_out)}</p>}
    </search>
  );
}

function List(props: { title: string; hits: readonly Hit[]; room: Room; go: (hit: Hit) => void }) {
  const { title, hits, room, go } = props;
  if (hits.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <ul class="search-hits">
        {hits.map((hit, at) => (
          <li key={`${hit.kind} ${hit.id} ${hit.start} ${at}`}>
            <button type="button" class="search-hit" title={t.search.show} onClick={() => go(hit)}>
              <span class="search-where hint">
                <Icon name={ICONS[hit.kind]} />
                {t.search.kinds[hit.kind]}
                {hit.author && ` · ${room.members.all.value.get(hit.author)?.name ?? t.runs.gone}`}
              </span>
              <span class="search-words">{marked(hit)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Characters of a passage that are shown before the first word that was looked for. */
const BEFORE = 60;

/** The passage from a little before the first found word on, with the words marked. */
function marked({ text, marks }: Hit) {
  const first = marks[0]?.[0] ?? 0;
  const blank = first > BEFORE ? text.indexOf(" ", first - BEFORE) + 1 : 0;
  let at = blank > 0 && blank <= first ? blank : 0;
  const parts = [at > 0 ? "… " : ""] as (string | JSX.Element)[];
  for (const [start, end] of marks) {
    if (start < at) continue;
    parts.push(text.slice(at, start), <mark key={start}>{text.slice(start, end)}</mark>);
    at = end;
  }
  return [...parts, text.slice(at)];
}
