// The fault that the caret was put on, or that the pointer rests on: why, what would be right, and the dictionaries.

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ownWords } from "../../editor/spelling/ownWords";
import type { Fault } from "../../editor/spelling/spelling";
import type { StoryEditor } from "../../editor/storyEditor";
import type { Room } from "../../room/room";
import { language, t } from "../../strings";

// Room that the card and the ask bar take, in pixels.
const CARD_WIDTH = 340;
const CARD_HEIGHT = 96;
const ASK_BAR = 130;
/** Kinds of faults that a dictionary can settle. */
/** The pointer rests on a word for so long before its card opens, and may leave both for so long. */
const REST_MS = 350;
const WORDS: ReadonlySet<string> = new Set(["spelling", "typo"]);

export function SpellingCard(props: {
  room: Room;
  editor: StoryEditor;
  host: RefObject<HTMLElement | null>;
}) {
  const { room, editor, host } = props;
  const [hovered, setHovered] = useState<Fault | null>(null);
  const card = useRef<HTMLElement>(null);
  const faults = editor.spelling.faults.value;
  // A card stays open only as long as its fault is one.
  const rested = hovered && faults.includes(hovered) ? hovered : null;
  const fault = editor.spelling.atCaret.value ?? rested;
  useEffect(() => {
    const surface = host.current;
    if (!surface) return;
    let timer: ReturnType<typeof setTimeout>;
    const rest = ({ clientX, clientY, pointerType, buttons }: PointerEvent) => {
      clearTimeout(timer);
      if (pointerType !== "mouse" || buttons !== 0) return;
      timer = setTimeout(() => {
        if (card.current?.matches(":hover")) return;
        const index = editor.tokenPositions.indexAt(clientX, clientY);
        const on = ({ index: start, length }: Fault) =>
          index !== null && start <= index && index < start + length;
        setHovered(editor.spelling.faults.peek().find(on) ?? null);
      }, REST_MS);
    };
    const page = surface.parentElement ?? surface;
    page.addEventListener("pointermove", rest);
    page.addEventListener("pointerleave", rest);
    return () => {
      clearTimeout(timer);
      page.removeEventListener("pointermove", rest);
      page.removeEventListener("pointerleave", rest);
    };
  }, [editor, host]);
  const [place, setPlace] = useState({ left: 0, top: 0 });
  useEffect(() => {
    const box = fault && editor.tokenPositions.box(fault.index, fault.length);
    const page = host.current?.parentElement?.getBoundingClientRect();
    if (!box || !page) return;
    const covered = box.bottom + CARD_HEIGHT > innerHeight - ASK_BAR;
    setPlace({
      left: Math.max(8, Math.min(box.left - page.left, page.width - CARD_WIDTH)),
      top: (covered ? box.top - CARD_HEIGHT : box.bottom + 4) - page.top,
    });
  }, [fault, editor, host]);
  // A suggestion at the same place has its own card.
  if (!fault || editor.suggestionAtCaret.value) return null;
  const done = () => {
    editor.spelling.dismiss(fault);
    setHovered(null);
    editor.focus();
  };
  const word = WORDS.has(fault.kind);
  return (
    <section
      ref={card}
      class="spelling-card"
      aria-label={t.spelling.label(fault.wrong)}
      style={{ left: `${place.left}px`, top: `${place.top}px` }}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        done();
      }}
    >
      <p class="spelling-why">{reasonOf(fault)}</p>
      <div class="spelling-choices">
        {fault.replacements.map((replacement, at) => (
          <button
            key={replacement}
            type="button"
            class={`button small ${at === 0 ? "accept" : ""}`}
            aria-keyshortcuts={at === 0 ? "Tab" : undefined}
            onClick={() => {
              editor.spelling.accept(fault, replacement);
              done();
            }}
          >
            {replacement.trim() || t.spelling.remove}
            {at === 0 && <kbd>Tab</kbd>}
          </button>
        ))}
        {fault.replacements.length === 0 && <span class="hint">{t.spelling.none}</span>}
      </div>
      <div class="spelling-keep">
        {word && (
          <>
            <button
              type="button"
              class="button small quiet"
              title={t.spelling.ownHint}
              onClick={() => {
                ownWords.add(fault.wrong);
                done();
              }}
            >
              {t.spelling.own}
            </button>
            {room.dictionary.takes(fault.wrong) && (
              <button
                type="button"
                class="button small quiet"
                title={t.spelling.roomHint}
                onClick={() => {
                  room.undoSteps.as("new", () => room.dictionary.add(fault.wrong));
                  done();
                }}
              >
                {t.spelling.room}
              </button>
            )}
          </>
        )}
        <button
          type="button"
          class="button small quiet"
          onClick={() => {
            editor.spelling.ignore(fault);
            done();
          }}
        >
          {t.spelling.ignore}
        </button>
      </div>
    </section>
  );
}

/** Why, in the language of the reader: the checker's own words are English. */
function reasonOf({ kind, message }: Fault): string {
  if (language === "en" && message) return message.replaceAll("`", "");
  return t.spelling.reasons[kind] ?? t.spelling.reasons.other ?? "";
}
