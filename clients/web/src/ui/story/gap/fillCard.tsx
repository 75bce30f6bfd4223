// The words that were found for a gap: a list to choose from with the keyboard, beside the gap.

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { StoryEditor } from "../../../editor/storyEditor";
import { t } from "../../../strings";
import { queueText } from "../../parts/queueText";
import { errorText } from "../../parts/serverText";
import type { FillForm } from "./fillForm";

// Room that the card and the ask bar take, in pixels.
const CARD_WIDTH = 320;
const CARD_HEIGHT = 300;
const ASK_BAR = 130;

export function FillCard(props: {
  form: FillForm;
  editor: StoryEditor;
  host: RefObject<HTMLElement | null>;
  mode: "write" | "suggest";
}) {
  const { form, editor, host, mode } = props;
  const list = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState({ left: 0, top: 0 });
  const run = form.run.value;
  const chosen = form.chosen.value;
  const inPlace = form.inPlace.value;
  const changes = editor.rested.value;
  const id = run?.id;

  useEffect(() => {
    if (id) list.current?.focus();
  }, [id]);
  useEffect(() => {
    const gap = id ? form.place() : null;
    const { gapPreview } = editor;
    if (!gap || !inPlace || gap.words === "") gapPreview.clear();
    else gapPreview.show(gap.start, gap.end, gap.words);
    return () => gapPreview.clear();
  }, [form, editor, id, chosen, inPlace, changes]);
  useEffect(() => {
    const gap = id ? form.place() : null;
    const box = gap && (editor.gapPreview.box() ?? editor.tokenPositions.box(Math.max(0, gap.start - 1), 1));
    const page = host.current?.parentElement?.getBoundingClientRect();
    if (!box || !page) return;
    const covered = box.bottom + CARD_HEIGHT > innerHeight - ASK_BAR && box.top > CARD_HEIGHT;
    setAt({
      left: Math.max(8, Math.min(box.left - page.left, page.width - CARD_WIDTH - 8)),
      top: (covered ? box.top - CARD_HEIGHT : box.bottom + 10) - page.top,
    });
  }, [form, editor, host, id, chosen, inPlace, changes]);

  if (!run) return null;
  const finish = (act: () => void) => {
    act();
    editor.gapPreview.clear();
    editor.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const inList = event.target === list.current;
    if (event.key === "Escape") finish(() => form.leave());
    else if (!inList || event.ctrlKey || event.metaKey || event.altKey) return;
    else if (event.key === "ArrowDown") form.move(1);
    else if (event.key === "ArrowUp") form.move(-1);
    // Behind the last words Tab goes on to the buttons.
    else if (event.key === "Tab" && !event.shiftKey && chosen !== run.fills.at(-1)) form.move(1);
    else if (event.key === "Enter" && chosen !== null) finish(() => form.accept(mode));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const option = (words: string) => `fill-${run.fills.indexOf(words)}`;
  return (
    <section
      class="fill-card"
      aria-label={t.fill.label}
      style={{ left: `${at.left}px`, top: `${at.top}px` }}
      onKeyDown={onKeyDown}
    >
      <div
        ref={list}
        role="listbox"
        tabIndex={0}
        aria-label={t.fill.label}
        aria-busy={form.searching}
        aria-activedescendant={chosen === null ? undefined : option(chosen)}
      >
        {run.fills.map((words) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the list has the keys
          // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus
          <div
            key={words}
            id={option(words)}
            role="option"
            aria-selected={words === chosen}
            onClick={() =>
              finish(() => {
                form.pick(words);
                form.accept(mode);
              })
            }
          >
            {words}
          </div>
        ))}
      </div>
      {form.searching && (
        <p class="hint" role="status">
          {run.state === "queued" ? queueText(run) : t.fill.searching}
        </p>
      )}
      {!form.searching && run.fills.length === 0 && (
        <p class="hint" role="status">
          {run.error ? errorText(run.error_code, run.error) : t.fill.nothing}
        </p>
      )}
      {form.changed.value && <p class="hint">{t.fill.changed}</p>}
      <label class="fill-place">
        <input
          type="checkbox"
          checked={inPlace}
          onChange={(event) => form.setInPlace(event.currentTarget.checked)}
        />
        {t.fill.inPlace}
      </label>
      <div class="fill-actions">
        <button
          type="button"
          class="button small accept"
          disabled={chosen === null}
          onClick={() => finish(() => form.accept(mode))}
        >
          {mode === "write" ? t.fill.accept : t.fill.suggest}
          <kbd>Enter</kbd>
        </button>
        <button type="button" class="button small quiet" onClick={() => void form.again()}>
          {t.fill.others}
        </button>
        <button type="button" class="button small quiet" onClick={() => finish(() => form.leave())}>
          {t.fill.leave}
          <kbd>Esc</kbd>
        </button>
      </div>
    </section>
  );
}
