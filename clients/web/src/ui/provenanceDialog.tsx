// Everything that is known of where a picture comes from, to be read and to be taken away.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { save } from "../canvas/export";
import type { Picture } from "../canvas/objects";
import { type Authors, ownWords, paramsOf, provenanceFile } from "../canvas/provenance";
import { STYLES } from "../canvas/styles";
import type { Room } from "../room/room";
import { t } from "../strings";
import { Dialog } from "./parts";

export function ProvenanceDialog(props: { room: Room; picture: Picture; onClose: () => void }) {
  const { room, picture, onClose } = props;
  const authors = useSignal<Authors | null>(null);
  useEffect(() => {
    let stale = false;
    room.pictures.authors(picture.id).then(
      (known) => {
        if (!stale) authors.value = known;
      },
      () => undefined,
    );
    return () => {
      stale = true;
    };
  }, [picture.id]);
  const name = (id: string) =>
    id === room.me.value?.id ? room.me.value.name : (room.people.value.get(id)?.name ?? id);
  const own = ownWords(picture);
  const style = STYLES.find((each) => each.id === picture.style);
  const params = Object.entries(paramsOf(picture)).filter(([, value]) => value !== null && value !== "");
  const rows: [string, string][] = [
    [t.provenance.model, picture.model],
    [t.provenance.asked, own.prompt],
    [t.settings.style, style ? t.styles[style.id] : picture.style],
    [t.provenance.prompt, picture.prompt],
    [t.settings.negative, picture.negative_prompt],
    [
      t.provenance.task,
      picture.task ? ((t.canvas.tasks as Record<string, string>)[picture.task] ?? picture.task) : "",
    ],
    [t.settings.seed, picture.run ? String(picture.seed) : ""],
    [
      t.provenance.params,
      params
        .filter(([key]) => key !== "seed")
        .map(([key, value]) => `${key} ${String(value)}`)
        .join(", "),
    ],
    [t.provenance.asker, picture.asker ? name(picture.asker) : ""],
    [t.provenance.creator, authors.value ? name(authors.value.creator[0]) : ""],
    [t.provenance.editor, authors.value ? name(authors.value.editor[0]) : ""],
    [t.provenance.asset, picture.asset],
  ];
  return (
    <Dialog title={t.canvas.provenance} onClose={onClose}>
      {!picture.run && <p class="hint">{t.provenance.people}</p>}
      <dl class="provenance">
        {rows
          .filter(([, value]) => value !== "")
          .map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
      <div class="provenance-pictures">
        <Thumbnail room={room} asset={picture.source} label={t.provenance.source} />
        <Thumbnail room={room} asset={picture.mask} label={t.provenance.mask} />
      </div>
      <button
        type="button"
        class="button"
        onClick={() => {
          const file = JSON.stringify(provenanceFile(picture, authors.value, name), null, 2);
          save(new Blob([file], { type: "application/json" }), `${picture.asset.slice(0, 12)}.json`);
        }}
      >
        {t.provenance.download}
      </button>
    </Dialog>
  );
}

function Thumbnail({ room, asset, label }: { room: Room; asset: string; label: string }) {
  const url = asset ? room.pictures.url(asset) : null;
  if (!url) return null;
  return (
    <figure>
      <img src={url} alt={label} />
      <figcaption>{label}</figcaption>
    </figure>
  );
}
