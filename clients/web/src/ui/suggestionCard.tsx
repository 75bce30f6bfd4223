// Accept or reject a suggestion where it stands: on hover, on touch, or with the caret inside it.

import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { StoryEditor } from "../editor/storyEditor";
import type { Room } from "../room/room";
import { t } from "../strings";
import { isActive } from "./asking";
import { Icon } from "./icons";

const LINGER_MS = 350;
const MARKED = "[data-suggest], [data-suggest-del]";

interface Place {
  run: string;
  left: number;
  top: number;
}

export function SuggestionCard(props: {
  room: Room;
  editor: StoryEditor;
  host: RefObject<HTMLElement | null>;
}) {
  const { room, editor, host } = props;
  const place = useSignal<Place | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const stay = () => clearTimeout(timer.current);
  const leave = () => {
    stay();
    timer.current = setTimeout(() => {
      place.value = null;
    }, LINGER_MS);
  };

  useEffect(() => {
    const surface = host.current;
    if (!surface) return;
    const over = (event: Event) => {
      const marked = (event.target as Element).closest?.(MARKED);
      if (!marked) return leave();
      stay();
      place.value = placeOf(marked, surface);
    };
    surface.addEventListener("pointerover", over);
    surface.addEventListener("click", over);
    surface.addEventListener("pointerleave", leave);
    return () => {
      stay();
      surface.removeEventListener("pointerover", over);
      surface.removeEventListener("click", over);
      surface.removeEventListener("pointerleave", leave);
    };
  }, [host]);

  const atCaret = editor.suggestionAtCaret.value;
  useEffect(() => {
    const marked = atCaret && host.current?.querySelector(`[data-suggest="${CSS.escape(atCaret)}"]`);
    if (marked && host.current) place.value = placeOf(marked, host.current);
  }, [atCaret]);

  const shown = place.value;
  const run = shown && room.runs.value.get(shown.run);
  if (!shown || run?.suggestion !== "open" || isActive(run)) return null;
  const author = room.people.value.get(run.author)?.name ?? t.runs.title;
  const decide = (accept: boolean) => {
    if (accept) room.accept(run.id);
    else room.reject(run.id);
    place.value = null;
    editor.focus();
  };
  return (
    <section
      class="suggestion-card"
      aria-label={t.suggestion.by(author)}
      style={{ left: `${shown.left}px`, top: `${shown.top}px` }}
      onPointerEnter={stay}
      onPointerLeave={leave}
    >
      <span class="suggestion-by">{t.suggestion.by(author)}</span>
      {room.canEdit && (
        <>
          <button type="button" class="button small accept" onClick={() => decide(true)}>
            <Icon name="check" />
            {t.runs.accept}
          </button>
          <button type="button" class="button small" onClick={() => decide(false)}>
            <Icon name="cross" />
            {t.runs.reject}
          </button>
        </>
      )}
    </section>
  );
}

/** Under the first line of the marked text, in the coordinates of the page that holds the surface. */
function placeOf(marked: Element, surface: HTMLElement): Place {
  const run = marked.getAttribute("data-suggest") ?? marked.getAttribute("data-suggest-del") ?? "";
  const all = surface.querySelectorAll(`[data-suggest="${CSS.escape(run)}"]`);
  const box = (all[all.length - 1] ?? marked).getClientRects()[0] ?? marked.getBoundingClientRect();
  const last = (all[all.length - 1] ?? marked).getBoundingClientRect();
  const origin = (surface.offsetParent ?? surface).getBoundingClientRect();
  return { run, left: Math.max(0, box.left - origin.left), top: last.bottom - origin.top + 6 };
}
