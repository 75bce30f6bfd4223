// The link at the caret: its address, a button that opens it, and the dialog that edits it.

import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { StoryEditor } from "../../editor/storyEditor";
import { typedLink } from "../../editor/text/links";
import type { Room } from "../../room/room";
import { t } from "../../strings";
import { Dialog, IconButton } from "../parts/controls";

const MAX_ADDRESS = 2000;

export function LinkCard(props: { room: Room; editor: StoryEditor; host: RefObject<HTMLElement | null> }) {
  const { room, editor, host } = props;
  const { linking } = editor;
  const here = linking.here.value;
  const [place, setPlace] = useState({ left: 0, top: 0 });
  useEffect(() => {
    const box = here && editor.tokenPositions.box(here.index, here.length);
    const page = host.current?.parentElement?.getBoundingClientRect();
    if (box && page)
      setPlace({
        left: Math.max(8, Math.min(box.left - page.left, page.width - 300)),
        top: box.bottom - page.top + 4,
      });
  }, [here, editor, host]);
  return (
    <>
      {here && !linking.dialogOpen.value && (
        <section
          class="link-card"
          aria-label={t.link.label}
          style={{ left: `${place.left}px`, top: `${place.top}px` }}
        >
          <a href={here.address} target="_blank" rel="noopener noreferrer" title={t.link.open}>
            {here.address}
          </a>
          {room.members.canEdit && (
            <>
              <IconButton
                icon="pen"
                label={t.link.change}
                onClick={() => (linking.dialogOpen.value = true)}
              />
              <IconButton icon="cross" label={t.link.remove} onClick={() => linking.remove()} />
            </>
          )}
        </section>
      )}
      {linking.dialogOpen.value && <LinkDialog editor={editor} />}
    </>
  );
}

function LinkDialog({ editor }: { editor: StoryEditor }) {
  const { linking } = editor;
  const here = linking.here.peek();
  const address = useSignal(here?.address ?? "");
  const wrong = useSignal(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.select(), []);
  const close = () => {
    linking.dialogOpen.value = false;
    editor.focus();
  };
  return (
    <Dialog title={t.link.title} onClose={close}>
      <form
        class="link-form"
        onSubmit={(event) => {
          event.preventDefault();
          const link = typedLink(address.value);
          wrong.value = link === null;
          if (!link) return;
          close();
          linking.set(link);
        }}
      >
        <label class="field-label" for="link-address">
          {t.link.address}
        </label>
        <input
          id="link-address"
          ref={field}
          class="field"
          inputMode="url"
          maxLength={MAX_ADDRESS}
          placeholder="https://"
          value={address.value}
          aria-invalid={wrong.value}
          aria-describedby="link-hint"
          onInput={(event) => {
            address.value = event.currentTarget.value;
            wrong.value = false;
          }}
        />
        <p
          id="link-hint"
          class={wrong.value ? "field-error" : "hint"}
          role={wrong.value ? "alert" : undefined}
        >
          {wrong.value ? t.link.wrong : t.link.hint}
        </p>
        <div class="field-row">
          <button type="submit" class="button primary">
            {t.link.set}
          </button>
          {here && (
            <button
              type="button"
              class="button quiet"
              onClick={() => {
                close();
                linking.remove();
              }}
            >
              {t.link.remove}
            </button>
          )}
        </div>
      </form>
    </Dialog>
  );
}
