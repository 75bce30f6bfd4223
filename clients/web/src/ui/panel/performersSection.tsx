// The performers of the room: AI participants with a role. None until somebody adds one.

import { useSignal } from "@preact/signals";
import type { Performer } from "../../protocol/messages";
import {
  BUILT_IN_ROLES,
  MAX_BRIEF,
  MAX_HOURLY,
  MAX_NAME,
  type PerformerWish,
  participantOf,
  RIGHTS,
} from "../../room/performers";
import type { Room } from "../../room/room";
import { language, t } from "../../strings";
import { Avatar } from "../parts/avatar";
import { IconButton } from "../parts/controls";
import { Icon } from "../parts/icons";

export function PerformersSection({ room }: { room: Room }) {
  const { performers } = room;
  const making = useSignal(false);
  const may = room.members.canEdit;
  const all = performers.all.value;
  const roles = BUILT_IN_ROLES.filter((role) => !all.some((each) => each.role === role));
  return (
    <section class="performers">
      <h3>{t.performers.title}</h3>
      <p class="hint">{t.performers.hint}</p>
      {all.length > 0 && (
        <ul class="performer-list">
          {all.map((performer) => (
            <Line key={performer.id} room={room} performer={performer} />
          ))}
        </ul>
      )}
      {may && all.length < performers.max && (
        <div class="performer-add">
          {roles.map((role) => (
            <button
              key={role}
              type="button"
              class="button small"
              title={t.performers.roles[role].hint}
              onClick={() => void performers.add(role, language)}
            >
              <Icon name="plus" />
              {t.performers.roles[role].name}
            </button>
          ))}
          <button
            type="button"
            class="button small quiet"
            aria-expanded={making.value}
            onClick={() => {
              making.value = !making.value;
            }}
          >
            {t.performers.own}
          </button>
        </div>
      )}
      {making.value && may && (
        <Form
          room={room}
          known={null}
          onDone={() => {
            making.value = false;
          }}
        />
      )}
    </section>
  );
}

function Line({ room, performer }: { room: Room; performer: Performer }) {
  const open = useSignal(false);
  const person = room.members.all.value.get(participantOf(performer.id));
  const model = room.models.value.find((each) => each.modality === "text");
  const gone = performer.model !== "" && model && ![model.name, ...model.beside].includes(performer.model);
  return (
    <li class="performer" style={{ "--who": performer.color }}>
      <div class="performer-head">
        {person && <Avatar person={person} label={performer.name} />}
        <span class="performer-name">{performer.name}</span>
        <span class="hint performer-spent">{t.performers.spent(performer.spent, performer.hourly)}</span>
        {room.members.canEdit && (
          <>
            <IconButton
              icon="pen"
              label={t.performers.change(performer.name)}
              expanded={open.value}
              onClick={() => {
                open.value = !open.value;
              }}
            />
            <IconButton
              icon="bin"
              label={t.performers.remove(performer.name)}
              onClick={() => room.performers.remove(performer.id)}
            />
          </>
        )}
      </div>
      <p class="hint">{performer.brief}</p>
      <p class="hint">
        {performer.unasked > 0 ? t.performers.watches(performer.unasked) : t.performers.waits(performer.name)}
      </p>
      {gone && <p class="hint problem">{t.performers.modelGone(performer.model)}</p>}
      {open.value && (
        <Form
          room={room}
          known={performer}
          onDone={() => {
            open.value = false;
          }}
        />
      )}
    </li>
  );
}

function Form(props: { room: Room; known: Performer | null; onDone: () => void }) {
  const { room, known, onDone } = props;
  const draft = useSignal<PerformerWish>(room.performers.wish(known));
  const sending = useSignal(false);
  const set = (change: Partial<PerformerWish>) => {
    draft.value = { ...draft.value, ...change };
  };
  const { name, brief, hourly, unasked, model } = draft.value;
  const rights = draft.value.rights ?? [];
  const models = room.textModel.choices.value;
  const save = async () => {
    sending.value = true;
    if (await room.performers.put(draft.value)) onDone();
    sending.value = false;
  };
  const number = (label: string, value: number, min: number, onChange: (value: number) => void) => (
    <label class="performer-number">
      <span>{label}</span>
      <input
        class="field small"
        type="number"
        min={min}
        max={MAX_HOURLY}
        value={value}
        onChange={(event) =>
          onChange(Math.min(MAX_HOURLY, Math.max(min, Math.floor(Number(event.currentTarget.value)) || min)))
        }
      />
    </label>
  );
  return (
    <form
      class="performer-form"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <label>
        <span>{t.performers.name}</span>
        <input
          class="field small"
          required
          maxLength={MAX_NAME}
          value={name}
          onInput={(event) => set({ name: event.currentTarget.value })}
        />
      </label>
      <label>
        <span>{t.performers.brief}</span>
        <textarea
          class="field small"
          rows={3}
          maxLength={MAX_BRIEF}
          placeholder={t.performers.briefExample}
          value={brief}
          onInput={(event) => set({ brief: event.currentTarget.value })}
        />
      </label>
      <fieldset>
        <legend>{t.performers.may}</legend>
        {RIGHTS.map((right) => (
          <label key={right} class="check">
            <input
              type="checkbox"
              checked={rights.includes(right)}
              onChange={(event) =>
                set({
                  rights: RIGHTS.filter((each) =>
                    each === right ? event.currentTarget.checked : rights.includes(each),
                  ),
                })
              }
            />
            {t.performers.rights[right]}
          </label>
        ))}
      </fieldset>
      {number(t.performers.hourly, hourly, 1, (value) => set({ hourly: value }))}
      {number(t.performers.unasked, unasked, 0, (value) => set({ unasked: value }))}
      <p class="hint">{t.performers.unaskedHint}</p>
      {models.length > 0 && (
        <label>
          <span>{t.performers.model}</span>
          <select
            class="field small"
            value={model}
            onChange={(event) => set({ model: event.currentTarget.value })}
          >
            <option value="">{t.performers.roomModel}</option>
            {models.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
      )}
      <div class="run-actions">
        <button type="submit" class="button small accept" disabled={sending.value || !name.trim()}>
          {known ? t.performers.save : t.performers.add}
        </button>
        <button type="button" class="button small quiet" onClick={onDone}>
          {t.performers.cancel}
        </button>
      </div>
    </form>
  );
}

/** Names to press above a field for messages: each puts its call before the words. */
export function Calls({ room, words }: { room: Room; words: { value: string } }) {
  const all = room.performers.all.value;
  if (all.length === 0 || !room.members.rights.value.has("prompt")) return null;
  return (
    <fieldset class="calls">
      <legend class="offscreen">{t.performers.call}</legend>
      {all.map((performer) => (
        <button
          key={performer.id}
          type="button"
          class="button small quiet call"
          style={{ "--who": performer.color }}
          onClick={() => {
            if (!words.value.includes(`@${performer.name}`))
              words.value = `@${performer.name} ${words.value}`;
          }}
        >
          @{performer.name}
        </button>
      ))}
    </fieldset>
  );
}
