// The probability of one token of the model and its alternatives: on hover, on touch, or by keyboard.

import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { TokenPosition } from "../../editor/overlay/tokenPositions";
import type { StoryEditor } from "../../editor/storyEditor";
import type { Room } from "../../room/room";
import { isActive } from "../../room/runs";
import { t } from "../../strings";

/** The pointer must rest for this long. */
const DWELL_MS = 450;
const LINGER_MS = 350;
// Room that the card and the ask bar take, in pixels.
const CARD_WIDTH = 240;
const CARD_HEIGHT = 250;
const ASK_BAR = 130;

interface Place extends TokenPosition {
  left: number;
  top: number;
  /** The card is above the line instead of below it. */
  above: boolean;
}

export function TokenCard(props: { room: Room; editor: StoryEditor; host: RefObject<HTMLElement | null> }) {
  const { room, editor, host } = props;
  const place = useSignal<Place | null>(null);
  const goOn = useSignal(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const card = useRef<HTMLElement>(null);
  /** Opened with the keyboard: the focus moves into the card. */
  const byKey = useRef(false);
  const later = (ms: number, work: () => void) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(work, ms);
  };
  const leave = () =>
    later(LINGER_MS, () => {
      place.value = null;
    });

  useEffect(() => {
    const surface = host.current;
    if (!surface) return;
    let looked = 0;
    /** `where` finds the place in the text again once the run's tokens have arrived. */
    const show = async (where: () => number | null, keys = false) => {
      looked += 1;
      const look = looked;
      const run = room.runs.all.value.get(editor.tokenPositions.runOf(where()) ?? "");
      if (!run || isActive(run)) return;
      await room.tokens.whenKnown(run);
      const spot = look === looked && editor.tokenPositions.of(where());
      if (!spot) return;
      byKey.current = keys;
      const page = (surface.offsetParent ?? surface).getBoundingClientRect();
      const left = Math.max(8, Math.min(spot.rect.left - page.left, page.width - CARD_WIDTH - 8));
      const covered = spot.rect.bottom + CARD_HEIGHT > innerHeight - ASK_BAR;
      const above = covered && spot.rect.top > CARD_HEIGHT;
      place.value = { ...spot, left, top: (above ? spot.rect.top : spot.rect.bottom) - page.top, above };
    };
    const over = (event: PointerEvent) => {
      const marked = (event.target as Element).closest?.("[data-ai]");
      looked += 1;
      if (!marked || event.buttons !== 0) leave();
      else
        later(DWELL_MS, () => void show(() => editor.tokenPositions.indexAt(event.clientX, event.clientY)));
    };
    const press = (event: PointerEvent) => {
      place.value = null;
      looked += 1;
      if (event.pointerType === "touch")
        later(DWELL_MS, () => void show(() => editor.tokenPositions.indexAt(event.clientX, event.clientY)));
    };
    const keys = (event: KeyboardEvent) => {
      if (event.key !== "." || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      void show(() => editor.tokenPositions.caret(), true);
    };
    surface.addEventListener("pointermove", over);
    surface.addEventListener("pointerleave", leave);
    surface.addEventListener("pointerdown", press);
    surface.addEventListener("keydown", keys);
    return () => {
      clearTimeout(timer.current);
      surface.removeEventListener("pointermove", over);
      surface.removeEventListener("pointerleave", leave);
      surface.removeEventListener("pointerdown", press);
      surface.removeEventListener("keydown", keys);
    };
  }, [editor]);

  useEffect(() => {
    if (byKey.current) card.current?.querySelector<HTMLElement>("button:not(:disabled)")?.focus();
    byKey.current = false;
  }, [place.value]);

  const shown = place.value;
  const run = shown && room.runs.all.value.get(shown.run);
  if (!shown || !run || isActive(run) || run.suggestion === "open") return null;
  const { token } = shown;
  const choose = (alternative: number) => {
    place.value = null;
    void room.requests.replaceToken({
      run: shown.run,
      token: token.index,
      alternative,
      range: () => editor.tokenPositions.rangeOf(shown),
      goOn: goOn.value,
    });
    editor.focus();
  };
  return (
    <section
      ref={card}
      class={`token-card ${shown.above ? "token-card-above" : ""}`}
      aria-label={t.token.label}
      style={{ left: `${shown.left}px`, top: `${shown.top}px` }}
      onPointerEnter={() => clearTimeout(timer.current)}
      onPointerLeave={leave}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        place.value = null;
        editor.focus();
      }}
    >
      <p class="token-word">
        <q>{visible(token.text)}</q>
        {Number.isFinite(token.logprob) && <span class="hint">{t.token.chance(percent(token.logprob))}</span>}
      </p>
      {token.alternatives.length === 0 ? (
        <p class="hint">{t.token.none}</p>
      ) : (
        <>
          <p class="hint">{t.token.instead}</p>
          <ul class="token-others">
            {token.alternatives.map(
              (other, index) =>
                isWhole(other.text) && (
                  <li key={other.text}>
                    <button
                      type="button"
                      class="token-other"
                      disabled={!room.members.canEdit || other.text === ""}
                      style={{ "--share": `${Math.exp(other.logprob) * 100}%` }}
                      onClick={() => choose(index)}
                    >
                      <span>{visible(other.text)}</span>
                      <span class="hint">{percent(other.logprob)}</span>
                    </button>
                  </li>
                ),
            )}
          </ul>
          {room.members.canEdit && (
            <label class="check">
              <input
                type="checkbox"
                checked={goOn.value}
                onChange={(event) => {
                  goOn.value = event.currentTarget.checked;
                }}
              />
              {t.token.goOn}
            </label>
          )}
        </>
      )}
    </section>
  );
}

/** Some tokens are a part of a character: they cannot be inserted. */
const isWhole = (text: string) => !text.includes("\ufffd");

/** Tokens of spaces only are shown by name. */
function visible(text: string): string {
  if (text.trim() !== "") return text.trim();
  return text.includes("\n") ? t.token.line : t.token.blank;
}

function percent(logprob: number): string {
  const share = Math.exp(logprob);
  return share < 0.001 ? "< 0.1 %" : `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
