// The title of the text, part of the shared document.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { metaOf } from "../../room/document/document";
import type { Room } from "../../room/room";
import { t } from "../../strings";

const MAX_TITLE = 200;

export function TitleField({ room, onEnter }: { room: Room; onEnter: () => void }) {
  const title = useSignal("");
  const doc = room.doc.value;
  useEffect(() => {
    const meta = metaOf(doc);
    const read = () => {
      const value = meta.get("title");
      title.value = typeof value === "string" ? value : "";
      document.title = title.value ? `${title.value} · ${t.brand}` : t.brand;
    };
    read();
    meta.observe(read);
    return () => meta.unobserve(read);
  }, [doc]);
  return (
    <>
      <h1 class="offscreen">{title.value || t.title.placeholder}</h1>
      <input
        class="title"
        aria-label={t.title.label}
        placeholder={t.title.placeholder}
        maxLength={MAX_TITLE}
        value={title.value}
        readOnly={!room.members.canEdit || room.frozen.value}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey) return;
          event.preventDefault();
          onEnter();
        }}
        onInput={(event) => {
          metaOf(room.doc.peek()).set("title", event.currentTarget.value);
        }}
      />
    </>
  );
}
