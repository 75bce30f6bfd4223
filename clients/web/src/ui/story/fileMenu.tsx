// The menu of the text: import, export, find, help.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { save } from "../../canvas/export";
import type { StoryEditor } from "../../editor/storyEditor";
import { metaOf } from "../../room/document/document";
import { ApiError } from "../../room/http/httpApi";
import { type Converted, exportName, IN, OUT, type OutFormat } from "../../room/http/manuscripts";
import type { Room } from "../../room/room";
import { t } from "../../strings";
import { IconButton } from "../parts/controls";
import { Icon } from "../parts/icons";
import { requestProblem } from "../parts/serverText";
import { ImportDialog, needsAsking, noticeWords } from "./importDialog";

const ENDINGS = Object.keys(IN).map((ending) => `.${ending}`);

export function FileMenu(props: {
  room: Room;
  editor: StoryEditor | null;
  onFind: () => void;
  onSearch: () => void;
  onHelp: () => void;
}) {
  const { room, editor } = props;
  const open = useSignal(false);
  const authorship = useSignal(false);
  const busy = useSignal(false);
  const asked = useSignal<{ file: File; found: Converted } | null>(null);
  const inserted = useRef(false);
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
    // Tab out of the menu closes it. A focus that goes nowhere went to another window, or to the file chooser.
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
  /** The focus goes back to the button first: what the menu opens returns it to there. An item that is disabled while it
   * works has lost the focus to the page. */
  const shut = () => {
    if (!open.peek()) return;
    const { activeElement } = document;
    if (activeElement === document.body || root.current?.contains(activeElement))
      root.current?.querySelector("button")?.focus();
    open.value = false;
  };

  const attempt = async (work: () => Promise<void>) => {
    busy.value = true;
    try {
      await work();
      shut();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      room.notices.add("request_failed", fileErrorWords(error));
    } finally {
      busy.value = false;
    }
  };
  const take = (format: OutFormat) =>
    attempt(async () => {
      const { file: made, notices } = await room.manuscripts.export(format, authorship.value);
      save(made, exportName(made.name, t.title.placeholder));
      if (notices.length > 0)
        room.notices.add("file_changed", `${t.file.changedOut} ${notices.map(noticeWords).join("; ")}.`);
    });
  const bring = (chosen: File | undefined) =>
    attempt(async () => {
      if (!chosen || !editor) return;
      const found = await room.manuscripts.read(chosen);
      shut();
      if (needsAsking(found)) asked.value = { file: chosen, found };
      else editor.insert(found.ops);
    });
  // Files that were dropped on the text or pasted into it.
  const receive = (files: readonly File[]) => {
    const readable = files.find(({ name }) => ENDINGS.some((ending) => name.toLowerCase().endsWith(ending)));
    for (const { name } of files)
      if (name !== readable?.name) room.notices.add("told", t.file.notTaken(name));
    void bring(readable);
  };
  useEffect(
    () =>
      editor?.offered.subscribe((files) => {
        if (files.length === 0) return;
        editor.offered.value = [];
        receive(files);
      }),
    [editor],
  );
  // Behind an open dialog nothing takes the focus.
  useEffect(() => {
    if (asked.value || !inserted.current) return;
    inserted.current = false;
    editor?.focus();
  }, [asked.value]);
  const titleOf = () => {
    const title = metaOf(room.doc.peek()).get("title");
    return typeof title === "string" ? title : "";
  };
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
      {room.members.canEdit && (
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
      {asked.value && (
        <ImportDialog
          name={asked.value.file.name}
          found={asked.value.found}
          title={titleOf()}
          onEncoding={async (encoding) => {
            const file = asked.value?.file;
            let again: Converted | null = null;
            await attempt(async () => {
              if (file) again = await room.manuscripts.read(file, encoding);
            });
            return again;
          }}
          onInsert={({ ops }, title) => {
            asked.value = null;
            if (title) metaOf(room.doc.peek()).set("title", title);
            editor?.insert(ops);
            inserted.current = true;
          }}
          onClose={() => {
            asked.value = null;
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
          <button type="button" class="file-menu-item" onClick={choose(props.onSearch)}>
            <Icon name="search" />
            {t.search.label}
            <kbd>Ctrl Shift F</kbd>
          </button>
          {room.members.canEdit && (
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

/** What went wrong with a file, in the reader's language. */
function fileErrorWords(error: ApiError): string {
  const known = t.file.refused[error.code as keyof typeof t.file.refused];
  return known ?? requestProblem(error);
}
