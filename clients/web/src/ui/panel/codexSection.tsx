// The codex: people, places and things of the story, and where it says two things of one.

import { useSignal } from "@preact/signals";
import type { StoryEditor } from "../../editor/storyEditor";
import type { CodexContradiction, CodexFact } from "../../protocol/messages";
import { MAX_CODEX_NAME, MAX_CODEX_WORDS, type ShownEntry } from "../../room/document/codex";
import type { Room } from "../../room/room";
import { t } from "../../strings";
import { IconButton } from "../parts/controls";
import { Icon } from "../parts/icons";

type Props = { room: Room; editor: StoryEditor | null };

export function CodexSection({ room, editor }: Props) {
  const entries = room.codex.shown;
  const hidden = entries.filter((entry) => entry.written === "");
  const shown = entries.filter((entry) => entry.written !== "");
  const atOdds = room.codex.contradictions.value.filter(
    (one) => !hidden.some((entry) => entry.name === one.name),
  );
  return (
    <section class="codex">
      <h3>{t.codex.title}</h3>
      <p class="hint">{t.codex.hint}</p>
      {atOdds.length > 0 && (
        <ul class="codex-odds" aria-label={t.codex.atOdds(atOdds.length)}>
          {atOdds.map((one) => (
            <AtOdds key={`${one.name} ${one.attribute}`} one={one} editor={editor} />
          ))}
        </ul>
      )}
      {shown.length === 0 ? (
        <p class="hint">{t.codex.empty}</p>
      ) : (
        <ul class="codex-entries">
          {shown.map((entry) => (
            <Entry key={entry.name} room={room} editor={editor} entry={entry} />
          ))}
        </ul>
      )}
      {hidden.length > 0 && room.members.canEdit && (
        <p class="hint">
          {t.codex.hidden}{" "}
          {hidden.map((entry) => (
            <button
              key={entry.name}
              type="button"
              class="button small quiet"
              title={t.codex.showAgain(entry.name)}
              onClick={() => room.codex.write(entry.name, null)}
            >
              {entry.name}
            </button>
          ))}
        </p>
      )}
      {room.members.canEdit && <NewEntry room={room} />}
    </section>
  );
}

function AtOdds({ one, editor }: { one: CodexContradiction; editor: StoryEditor | null }) {
  return (
    <li>
      <p>{t.codex.odds(one.name, t.codex.attribute(one.attribute))}</p>
      <Quote fact={one.first} editor={editor} />
      <Quote fact={one.second} editor={editor} />
    </li>
  );
}

/** A sentence of the story: pressed, the text goes there. */
function Quote({ fact, editor }: { fact: CodexFact; editor: StoryEditor | null }) {
  return (
    <button
      type="button"
      class="codex-quote"
      title={t.codex.show}
      onClick={() => {
        const span = editor?.spanOf(fact.quote);
        if (span) editor?.reveal(span.index, span.length);
      }}
    >
      {fact.quote}
    </button>
  );
}

function Entry({ room, editor, entry }: Props & { entry: ShownEntry }) {
  const draft = useSignal<string | null>(null);
  const { name, found, written } = entry;
  const facts = [
    ...new Map((found?.facts ?? []).map((fact) => [fact.attribute + fact.value, fact])).values(),
  ];
  const keep = () => {
    if (draft.value !== null) room.codex.write(name, draft.value.trim() || null);
    draft.value = null;
  };
  return (
    <li class="codex-entry">
      <div class="codex-head">
        <span class="codex-name">{name}</span>
        {found && <span class="hint">{t.codex.kind[found.kind]}</span>}
        {room.members.canEdit && (
          <>
            <IconButton
              icon="pen"
              label={t.codex.edit(name)}
              expanded={draft.value !== null}
              onClick={() => {
                draft.value = draft.value === null ? (written ?? factsText(facts)) : null;
              }}
            />
            <IconButton
              icon={found ? "eyeOff" : "bin"}
              label={found ? t.codex.hide(name) : t.codex.remove(name)}
              onClick={() => room.codex.write(name, found ? "" : null)}
            />
          </>
        )}
      </div>
      {draft.value !== null ? (
        <textarea
          class="field small"
          rows={2}
          aria-label={t.codex.edit(name)}
          maxLength={MAX_CODEX_WORDS}
          value={draft.value}
          onInput={(event) => {
            draft.value = event.currentTarget.value;
          }}
          onBlur={keep}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            keep();
          }}
        />
      ) : written ? (
        <p class="codex-written">{written}</p>
      ) : (
        <ul class="codex-facts">
          {facts.map((fact) => (
            <li key={fact.attribute + fact.value}>
              <button
                type="button"
                class="codex-fact"
                title={fact.quote}
                onClick={() => {
                  const span = editor?.spanOf(fact.quote);
                  if (span) editor?.reveal(span.index, span.length);
                }}
              >
                {t.codex.attribute(fact.attribute)}: {t.codex.value(fact.value)}
              </button>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

const factsText = (facts: readonly CodexFact[]) =>
  facts.map((fact) => `${t.codex.attribute(fact.attribute)}: ${t.codex.value(fact.value)}`).join("; ");

function NewEntry({ room }: { room: Room }) {
  const name = useSignal("");
  const words = useSignal("");
  const ready = name.value.trim() !== "" && words.value.trim() !== "";
  return (
    <form
      class="codex-new"
      onSubmit={(event) => {
        event.preventDefault();
        if (!ready) return;
        room.codex.write(name.value, words.value.trim());
        name.value = "";
        words.value = "";
      }}
    >
      <input
        class="field small"
        aria-label={t.codex.name}
        placeholder={t.codex.name}
        maxLength={MAX_CODEX_NAME}
        value={name.value}
        onInput={(event) => {
          name.value = event.currentTarget.value;
        }}
      />
      <input
        class="field small"
        aria-label={t.codex.words}
        placeholder={t.codex.words}
        maxLength={MAX_CODEX_WORDS}
        value={words.value}
        onInput={(event) => {
          words.value = event.currentTarget.value;
        }}
      />
      <button type="submit" class="button small" disabled={!ready}>
        <Icon name="plus" />
        {t.codex.add}
      </button>
    </form>
  );
}
