// The button at a selection that starts a comment, and its field.

import { useSignal, useSignalEffect } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { StoryEditor } from "../../editor/storyEditor";
import { MAX_COMMENT } from "../../room/document/comments";
import type { Room } from "../../room/room";
import { t } from "../../strings";
import { Composer } from "../parts/composer";
import { IconButton } from "../parts/controls";

const CARD_WIDTH = 300;
const BUTTON = 40;

export function CommentButton(props: {
  room: Room;
  editor: StoryEditor;
  host: RefObject<HTMLElement | null>;
}) {
  const { room, editor, host } = props;
  const place = useSignal<{ left: number; top: number } | null>(null);
  const writing = editor.passageMarks.commenting;
  const card = useRef<HTMLElement>(null);
  useSignalEffect(() => {
    // The text may move while the selection stays.
    editor.rested.value;
    const selected = editor.selected.value > 0;
    if (!selected && !writing.value) {
      place.value = null;
      return;
    }
    const box = editor.selectionBox();
    const page = host.current?.offsetParent?.getBoundingClientRect();
    if (!box || !page) {
      place.value = null;
      return;
    }
    // In the margin, clear of the words.
    place.value = { left: page.width - BUTTON - 8, top: box.top - page.top };
  });
  useEffect(() => {
    const keys = (event: KeyboardEvent) => {
      // By its place on the keyboard: in some layouts Alt changes the letter.
      if (event.code !== "KeyM" || !event.altKey || !(event.ctrlKey || event.metaKey)) return;
      if (editor.selected.peek() === 0) return;
      event.preventDefault();
      writing.value = true;
    };
    addEventListener("keydown", keys);
    return () => {
      removeEventListener("keydown", keys);
      writing.value = false;
    };
  }, [editor]);

  const at = place.value;
  if (!at || !room.members.rights.value.has("comment")) return null;
  const close = () => {
    // The comment arrives later; the focus is not taken from a person who has moved on meanwhile.
    const { activeElement } = document;
    const elsewhere = activeElement !== document.body && !card.current?.contains(activeElement);
    writing.value = false;
    if (!elsewhere) editor.focus();
  };
  if (!writing.value) {
    return (
      <div class="comment-button" style={{ left: `${at.left}px`, top: `${at.top}px` }}>
        <IconButton icon="comment" label={t.comments.add} onClick={() => (writing.value = true)} />
      </div>
    );
  }
  const width = host.current?.offsetParent?.clientWidth ?? CARD_WIDTH;
  const left = Math.max(8, Math.min(at.left - CARD_WIDTH, width - CARD_WIDTH - 8));
  return (
    <section
      ref={card}
      class="comment-card"
      aria-label={t.comments.add}
      style={{ left: `${left}px`, top: `${at.top + BUTTON}px` }}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        close();
      }}
    >
      <Composer
        words={room.fieldDrafts.field("comment")}
        focus
        label={t.comments.write}
        placeholder={t.comments.write}
        send={t.comments.send}
        max={MAX_COMMENT}
        cancel={t.cancel}
        onCancel={close}
        onSend={async (text) => {
          const id = await room.comments.add(() => editor.range(), text);
          if (id === null) return false;
          room.comments.open.value = id;
          close();
          return true;
        }}
      />
    </section>
  );
}
