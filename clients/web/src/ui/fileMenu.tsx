// What can be done with the whole text: bring a file in, take it away as one, find, and help.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { save } from "../canvas/export";
import type { StoryEditor } from "../editor/storyEditor";
import { ApiError } from "../room/api";
import { IN, OUT, type OutFormat } from "../room/manuscripts";
import type { Room } from "../room/room";
import { t } from "../strings";
import { Icon } from "./icons";
import { IconButton } from "./parts";

const ENDINGS = Object.keys(IN).map((ending) => `.${ending}`);

export function FileMenu(props: {
  room: Room;
  editor: StoryEditor | null;
  onFind: () => void;
  onHelp: () => void;
}) {
  const { room, editor } = props;
  const open = useSignal(false);
  const authorship = useSignal(false);
  const busy = useSignal(false);
  const root = useRef<HTMLDivElement>(null);
  const file = useRef<HTMLInputElement>(null);

  useEffect(() => {
    const outside = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) open.value = false;
    };
    const dismiss = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || !open.peek()) return;
      event.stopPropagation();
      shut();
    };
    // Tab out of the menu leaves it. A focus that goes nowhere is another window's, or the file chooser's.
    const left = (event: FocusEvent) => {
      const to = event.relatedTarget;
      if (to instanceof Node && !root.current?.contains(to)) open.value = false;
    };
    const place = root.current;
    addEventListener("pointerdown", outside);
    addEventListener("keydown", dismiss, true);
    place?.addEventListener("focusout", left);
    return () => {
      removeEventListener("pointerdown", outside);
      removeEventListener("keydown", dismiss, true);
      place?.removeEventListener("focusout", left);
    };
  }, []);
  /** The focus goes back to the button first: what the menu opens gives it back to there. */
  const shut = () => {
    if (root.current?.contains(document.activeElement)) root.current.querySelector("button")?.focus();
    open.value = false;
  };

  const attempt = async (work: () => Promise<void>) => {
    busy.value = true;
    try {
      await work();
      shut();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      room.notices.add("request_failed", error.message || t.lobby.unreachable);
    } finally {
      busy.value = false;
    }
  };
  const take = (format: OutFormat) =>
    attempt(async () => {
      const made = await room.manuscripts.export(format, authorship.value);
      save(made, made.name);
    });
  const bring = (chosen: File | undefined) =>
    attempt(async () => {
      if (chosen && editor) editor.insert((await room.manuscripts.read(chosen)).ops);
    });
  const choose = (work: () => void) => () => {
    shut();
    work();
  };

  return (
    <div class="file-menu-root" ref={root}>
      <IconButton
        icon="more"
        label={t.file.menu}
        expanded={open.value}
        onClick={() => {
          open.value = !open.value;
        }}
      />
      {room.canEdit && (
        <input
          ref={file}
          class="offscreen"
          type="file"
          tabIndex={-1}
          aria-label={t.file.bring}
          accept={ENDINGS.join(",")}
          onChange={(event) => {
            void bring(event.currentTarget.files?.[0]);
            event.currentTarget.value = "";
          }}
        />
      )}
      {open.value && (
        <section class="file-menu" aria-label={t.file.menu} aria-busy={busy.value}>
          <button type="button" class="file-menu-item" onClick={choose(props.onFind)}>
            <Icon name="search" />
            {t.find.label}
            <kbd>Ctrl F</kbd>
          </button>
          {room.canEdit && (
            <button
              type="button"
              class="file-menu-item"
              disabled={busy.value}
              onClick={() => file.current?.click()}
            >
              <Icon name="plus" />
              {t.file.bring}
            </button>
          )}
          <h3>{t.file.take}</h3>
          <div class="file-menu-formats">
            {OUT.map((format) => (
              <button
                key={format}
                type="button"
                class="button small"
                disabled={busy.value}
                title={t.file.formats[format]}
                onClick={() => void take(format)}
              >
                {t.file.short[format]}
              </button>
            ))}
          </div>
          <label class="check">
            <input
              type="checkbox"
              checked={authorship.value}
              onChange={(event) => {
                authorship.value = event.currentTarget.checked;
              }}
            />
            {t.file.authorship}
          </label>
          <button type="button" class="file-menu-item" onClick={choose(props.onHelp)}>
            <Icon name="info" />
            {t.help.title}
            <kbd>F1</kbd>
          </button>
        </section>
      )}
    </div>
  );
}
