// The document tab: form, outline, length, shares of authors, style card, writing aids.

import { useComputed } from "@preact/signals";
import { measure, outlineOf } from "../../editor/outline";
import { pagesOf } from "../../editor/script/scriptPages";
import type { StoryEditor } from "../../editor/storyEditor";
import { MAX_GOAL } from "../../room/document/settings";
import type { Room } from "../../room/room";
import { t } from "../../strings";
import { Avatar } from "../parts/avatar";
import type { AuthorColours } from "../story/authorColours";
import { DictionaryLists } from "../story/dictionaryLists";
import { StyleCard } from "../story/styleCard";
import { CodexSection } from "./codexSection";
import { PerformersSection } from "./performersSection";
import type { TabProps } from "./tab";

export function DocumentTab({ room, editor, authorColours }: TabProps) {
  const script = room.settings.form.value === "screenplay";
  const outline = useComputed(() =>
    editor ? outlineOf(editor.textLines.value, room.settings.form.value === "screenplay") : [],
  );
  const measures = useComputed(() => measure(editor?.textLines.value ?? []));
  const pages = useComputed(() =>
    room.settings.form.value === "screenplay"
      ? pagesOf((editor?.textLines.value ?? []).map((line) => line.text))
      : 0,
  );
  const { words, characters, paragraphs, reading, speaking } = measures.value;
  return (
    <div class="document-tab">
      {editor && room.members.canEdit && <Writing room={room} editor={editor} />}
      <section>
        <h3>{t.document.form}</h3>
        <fieldset class="segments" disabled={!room.members.canEdit}>
          <legend class="offscreen">{t.document.form}</legend>
          {(["prose", "screenplay"] as const).map((form) => (
            <label key={form}>
              <input
                type="radio"
                name="form"
                checked={room.settings.form.value === form}
                onChange={() => room.settings.setForm(form)}
              />
              <span>{t.document[form]}</span>
            </label>
          ))}
        </fieldset>
        {script && <p class="hint">{t.document.scriptHint}</p>}
      </section>
      <PerformersSection room={room} />
      <StyleCard room={room} editor={editor} />
      <CodexSection room={room} editor={editor} />
      <section>
        <h3>{t.document.outline}</h3>
        {outline.value.length === 0 ? (
          <p class="hint">{t.document.outlineHint}</p>
        ) : (
          <ol class="outline">
            {outline.value.map((heading) => (
              <li key={heading.index} class={`outline-${heading.level}`}>
                <button type="button" class="outline-line" onClick={() => editor?.reveal(heading.index, 0)}>
                  {heading.text}
                </button>
              </li>
            ))}
          </ol>
        )}
      </section>
      <section>
        <h3>{t.document.length}</h3>
        <dl class="facts">
          {script && <Fact name={t.document.pages} value={pages.value.toLocaleString()} />}
          <Fact name={t.document.words} value={words.toLocaleString()} />
          <Fact name={t.document.characters} value={characters.toLocaleString()} />
          <Fact name={t.document.paragraphs} value={paragraphs.toLocaleString()} />
          <Fact name={t.document.reading} value={t.document.minutes(reading)} />
          <Fact name={t.document.speaking} value={t.document.minutes(speaking)} />
        </dl>
        <Goal room={room} words={words} />
      </section>
      <Shares room={room} authorColours={authorColours} />
    </div>
  );
}

/** Writing aids of this person, in this browser. */
function Writing({ room, editor }: { room: Room; editor: StoryEditor }) {
  const { aids } = editor;
  return (
    <section>
      <h3>{t.document.writing}</h3>
      {(["spellcheck", "signs", "focus"] as const).map((aid) => (
        <label key={aid} class="check">
          <input
            type="checkbox"
            checked={aids.on.value[aid]}
            onChange={(event) => aids.set({ [aid]: event.currentTarget.checked })}
          />
          {t.document[aid]}
        </label>
      ))}
      <DictionaryLists room={room} />
    </section>
  );
}

/** The shared word goal. */
function Goal({ room, words }: { room: Room; words: number }) {
  const goal = room.settings.goal.value;
  return (
    <div class="goal">
      {room.members.canEdit && (
        <label class="goal-field">
          <span>{t.document.goal}</span>
          <input
            class="field small"
            type="number"
            min={0}
            max={MAX_GOAL}
            step={100}
            placeholder="0"
            value={goal || ""}
            onChange={(event) => room.settings.setGoal(Number(event.currentTarget.value) || 0)}
          />
        </label>
      )}
      {goal > 0 && (
        <>
          <meter
            class="share-bar"
            min={0}
            max={goal}
            value={Math.min(words, goal)}
            aria-label={t.document.goalDone(words, goal)}
          />
          <p class="hint" role="status">
            {t.document.goalDone(words, goal)}
          </p>
        </>
      )}
    </div>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** Each author's share, from the server's records: attributes in the text can be forged. */
function Shares({ room, authorColours }: { room: Room; authorColours: AuthorColours | null }) {
  const shares = [...room.shares.value].filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]);
  const total = shares.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return null;
  return (
    <section>
      <h3>{t.document.shares}</h3>
      <ul class="shares">
        {shares.map(([id, count]) => {
          const person = room.members.all.value.get(id);
          const name = person?.name ?? t.runs.gone;
          const percent = `${Math.round((count / total) * 100)} %`;
          return (
            <li key={id} style={{ "--who": person?.color ?? "var(--ink-faint)" }}>
              {person && <Avatar person={person} label={name} />}
              <span class="share-name">{name}</span>
              <span class="share-count">{percent}</span>
              <meter class="share-bar" min={0} max={total} value={count} aria-label={`${name}: ${percent}`} />
            </li>
          );
        })}
      </ul>
      {authorColours && (
        <label class="check">
          <input
            type="checkbox"
            checked={authorColours.shown.value}
            onChange={(event) => {
              authorColours.shown.value = event.currentTarget.checked;
            }}
          />
          {t.document.colours}
        </label>
      )}
      <p class="hint">{t.document.sharesHint}</p>
    </section>
  );
}
