// Find and replace in the story. A replacement is one edit: one undo reverts it.

import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { StoryEditor } from "../../editor/storyEditor";
import { findAll, MAX_MATCHES, nextFrom } from "../../editor/text/find";
import type { Room } from "../../room/room";
import { t } from "../../strings";
import { IconButton } from "../parts/controls";

export function FindBar({ room, editor, onClose }: { room: Room; editor: StoryEditor; onClose: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  const wanted = useSignal(editor.selectedText());
  const instead = useSignal("");
  const matchCase = useSignal(false);
  const wholeWords = useSignal(false);
  const current = useSignal(-1);
  const matches = useComputed(() =>
    findAll(editor.plainText.value, wanted.value, {
      matchCase: matchCase.value,
      wholeWords: wholeWords.value,
    }),
  );
  useEffect(() => field.current?.select(), []);
  useEffect(() => {
    current.value = nextFrom(matches.value, editor.range().start);
  }, [wanted.value, matchCase.value, wholeWords.value]);
  useEffect(() => {
    editor.matches.show(matches.value, current.value);
    return () => editor.matches.show([], -1);
  }, [matches.value, current.value]);

  const count = matches.value.length;
  const go = (by: number) => {
    if (count === 0) return;
    current.value = (Math.max(0, current.value) + by + count) % count;
    const match = matches.value[current.value];
    if (match) editor.reveal(match.index, match.length);
  };
  const replace = () => {
    const match = matches.value[current.value];
    if (match) editor.replaceMatches([match], instead.value);
    current.value = nextFrom(matches.value, (match?.index ?? 0) + instead.value.length);
  };
  const close = () => {
    onClose();
    editor.focus();
  };
  const keys = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      close();
    } else if (event.key === "Enter" && event.target === field.current) {
      event.preventDefault();
      go(event.shiftKey ? -1 : 1);
    }
  };
  const position =
    count === 0 ? t.find.none : t.find.position(Math.max(0, current.value) + 1, count, MAX_MATCHES);
  return (
    <search class="find" aria-label={t.find.label} onKeyDown={keys}>
      <div class="find-row">
        <input
          ref={field}
          class="field small"
          type="text"
          aria-label={t.find.wanted}
          placeholder={t.find.wanted}
          maxLength={500}
          value={wanted.value}
          onInput={(event) => {
            wanted.value = event.currentTarget.value;
          }}
        />
        <span class="hint find-count" role="status">
          {wanted.value ? position : ""}
        </span>
        <IconButton icon="up" label={t.find.previous} disabled={count === 0} onClick={() => go(-1)} />
        <IconButton icon="down" label={t.find.next} disabled={count === 0} onClick={() => go(1)} />
        <IconButton icon="cross" label={t.close} onClick={close} />
      </div>
      {room.members.canEdit && (
        <div class="find-row">
          <input
            class="field small"
            type="text"
            aria-label={t.find.instead}
            placeholder={t.find.instead}
            maxLength={2000}
            value={instead.value}
            onInput={(event) => {
              instead.value = event.currentTarget.value;
            }}
          />
          <button type="button" class="button small" disabled={count === 0} onClick={replace}>
            {t.find.replace}
          </button>
          <button
            type="button"
            class="button small"
            disabled={count === 0}
            onClick={() => {
              editor.replaceMatches(matches.value, instead.value);
              // No match is left: the button disappears, so the focus is moved first.
              field.current?.focus();
            }}
          >
            {t.find.replaceAll}
          </button>
        </div>
      )}
      <div class="find-row">
        <label class="check">
          <input
            type="checkbox"
            checked={matchCase.value}
            onChange={(event) => {
              matchCase.value = event.currentTarget.checked;
            }}
          />
          {t.find.matchCase}
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={wholeWords.value}
            onChange={(event) => {
              wholeWords.value = event.currentTarget.checked;
            }}
          />
          {t.find.wholeWords}
        </label>
      </div>
    </search>
  );
}
