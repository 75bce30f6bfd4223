// Accept or reject a suggestion in its place: on hover, on touch, or with the caret inside it.

import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { StoryEditor } from "../../editor/storyEditor";
import type { Room } from "../../room/room";
import { isActive } from "../../room/runs";
import { t } from "../../strings";
import { Icon } from "../parts/icons";

const LINGER_MS = 350;
// Room that the card and the ask bar take, in pixels.
const CARD_WIDTH = 330;
const CARD_HEIGHT = 48;
const ASK_BAR = 130;
const MARKED = "[data-suggest], [data-suggest-del]";

interface Place {
  run: string;
  /** The passage of a correction. */
  marked: Element;
  reason: string;
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
    const over = (event: PointerEvent | MouseEvent) => {
      const marked = (event.target as Element).closest?.(MARKED);
      if (!marked) return leave();
      stay();
      place.value = placeOf(marked, surface, event.clientY);
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
    if (atCaret && host.current) place.value = placeOf(atCaret, host.current);
  }, [atCaret]);

  const shown = place.value;
  const run = shown && room.runs.all.value.get(shown.run);
  if (!shown || run?.suggestion !== "open" || isActive(run)) return null;
  const author = room.members.all.value.get(run.author)?.name ?? t.runs.title;
  const decide = (accept: boolean) => {
    // Each correction is decided on its own.
    const range = shown.reason ? editor.correctionAt(run.id, shown.marked) : null;
    room.requests.decide(accept ? "accept" : "reject", run.id, range);
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
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        place.value = null;
        editor.focus();
      }}
    >
      <span class="suggestion-by">
        {shown.reason ? <strong>{shown.reason}</strong> : t.suggestion.by(author)}
      </span>
      {room.members.canEdit && (
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

/** Beside the line at `y` (client pixels) of the marked text, in the coordinates of the page that holds the surface. */
function placeOf(marked: Element, surface: HTMLElement, y = 0): Place {
  const run = marked.getAttribute("data-suggest") ?? marked.getAttribute("data-suggest-del") ?? "";
  const lines = [...marked.getClientRects()];
  const line = lines.find((each) => each.bottom >= y) ?? marked.getBoundingClientRect();
  const page = (surface.offsetParent ?? surface).getBoundingClientRect();
  const left = Math.min(line.left - page.left, page.width - CARD_WIDTH);
  const covered = line.bottom + CARD_HEIGHT > window.innerHeight - ASK_BAR;
  const top = covered ? line.top - CARD_HEIGHT : line.bottom + 6;
  const reason = marked.getAttribute("data-reason") ?? "";
  return { run, marked, reason, left: Math.max(8, left), top: top - page.top };
}
