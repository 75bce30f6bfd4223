// The style card: how this room's story is told. Everybody may edit it; it goes into every prompt.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { StoryEditor } from "../../editor/storyEditor";
import { STYLE_BOUNDS, STYLE_FIELDS, type StyleField } from "../../room/document/style";
import type { Room } from "../../room/room";
import { t } from "../../strings";

export function StyleCard({ room, editor }: { room: Room; editor: StoryEditor | null }) {
  const { style } = room;
  const selected = (editor?.selected.value ?? 0) > 0;
  return (
    <section class="style-card">
      <h3>{t.style.title}</h3>
      <p class="hint">{t.style.hint}</p>
      <details class="style-what">
        <summary>{t.style.what}</summary>
        <p class="hint">{t.style.is}</p>
        <p class="hint">{t.style.isNot}</p>
      </details>
      {STYLE_FIELDS.map((field) => (
        <StyleLine key={field} room={room} field={field} />
      ))}
      {room.members.canEdit && (
        <button
          type="button"
          class="button small"
          disabled={!selected || style.learning.value}
          title={selected ? t.style.learnHint : t.style.learnSelect}
          onClick={() => editor && void style.learn(() => editor.range())}
        >
          {style.learning.value ? t.style.learning : t.style.learn}
        </button>
      )}
      <Learned room={room} />
    </section>
  );
}

/** After a pause of this length the text is shared: half a word is no style. */
const REST_MS = 700;

/** A field of the card: shared when typing pauses, or when the field loses the focus. */
function StyleLine({ room, field }: { room: Room; field: StyleField }) {
  const draft = useSignal<string | null>(null);
  const resting = useRef<ReturnType<typeof setTimeout>>(undefined);
  const shared = room.style.card.value[field] ?? "";
  const write = () => {
    clearTimeout(resting.current);
    if (draft.value !== null) room.style.set(field, draft.value);
  };
  const keep = () => {
    write();
    draft.value = null;
  };
  useEffect(() => write, []); // the tab was changed, and the field goes with it
  return (
    <label class="style-line">
      <span>{t.style.fields[field]}</span>
      <textarea
        class="field small"
        rows={1}
        name={field}
        placeholder={t.style.examples[field]}
        maxLength={STYLE_BOUNDS[field]}
        readOnly={!room.members.canEdit}
        value={draft.value ?? shared}
        onInput={(event) => {
          draft.value = event.currentTarget.value;
          clearTimeout(resting.current);
          resting.current = setTimeout(write, REST_MS);
        }}
        onBlur={keep}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          keep();
        }}
      />
    </label>
  );
}

/** What was learned from a passage, to be added or discarded. */
function Learned({ room }: { room: Room }) {
  const learned = room.style.learned.value;
  if (!learned) return null;
  const { card, measures } = learned;
  const fields = STYLE_FIELDS.filter((field) => card[field]);
  return (
    <section class="style-learned" aria-label={t.style.learned}>
      <h4>{t.style.learned}</h4>
      <p class="hint">
        {t.style.measures(measures.words, measures.sentences, Math.round(measures.sentence_words))}
      </p>
      {fields.length === 0 ? (
        <p class="hint">{t.style.nothing}</p>
      ) : (
        <dl>
          {fields.map((field) => (
            <div key={field}>
              <dt>{t.style.fields[field]}</dt>
              <dd>{card[field]}</dd>
            </div>
          ))}
        </dl>
      )}
      <div class="run-actions">
        {fields.length > 0 && (
          <button type="button" class="button small accept" onClick={() => room.style.accept()}>
            {t.style.accept}
          </button>
        )}
        <button type="button" class="button small quiet" onClick={() => room.style.dismiss()}>
          {t.style.dismiss}
        </button>
      </div>
    </section>
  );
}
