// Shows and saves the record of where a picture comes from.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { save } from "../../canvas/export";
import type { Picture } from "../../canvas/objects";
import { ownWords, type Person, type Provenance, provenanceFile } from "../../canvas/pictures/provenance";
import { STYLES } from "../../generate/styles";
import { ApiError } from "../../room/http/httpApi";
import type { Room } from "../../room/room";
import { language, t } from "../../strings";
import { Dialog } from "../parts/controls";
import { requestProblem } from "../parts/serverText";

export function ProvenanceDialog(props: { room: Room; picture: Picture; onClose: () => void }) {
  const { room, picture, onClose } = props;
  const known = useSignal<Provenance | null>(null);
  const problem = useSignal("");
  useEffect(() => {
    let stale = false;
    room.pictures.provenance(picture.asset).then(
      (told) => {
        if (!stale) known.value = told;
      },
      (error: unknown) => {
        if (!stale) problem.value = error instanceof ApiError ? requestProblem(error) : t.lobby.unreachable;
      },
    );
    return () => {
      stale = true;
    };
  }, [picture.asset]);
  const told = known.value;
  return (
    <Dialog title={t.canvas.provenance} onClose={onClose}>
      {problem.value && (
        <p class="field-error" role="alert">
          {problem.value}
        </p>
      )}
      {told && (
        <>
          {!told.run && <p class="hint">{t.provenance[told.origin]}</p>}
          <dl class="provenance">
            {rowsOf(picture, told).map(([label, value]) => (
              <div key={label}>
                <dt>{label}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
          <div class="provenance-pictures">
            {told.sources.map(({ role, asset }) => (
              <Thumbnail key={role} room={room} asset={asset} label={t.provenance[role]} />
            ))}
          </div>
          <button
            type="button"
            class="button"
            onClick={() => {
              const file = JSON.stringify(provenanceFile(picture, told), null, 2);
              save(new Blob([file], { type: "application/json" }), `${picture.asset.slice(0, 12)}.json`);
            }}
          >
            {t.provenance.download}
          </button>
        </>
      )}
    </Dialog>
  );
}

/** The lines of the record. */
function rowsOf(picture: Picture, { run, source_authors }: Provenance): [string, string][] {
  const style = STYLES.find((each) => each.id === picture.style);
  const params = Object.entries(run?.params ?? {}).filter(([name]) => name !== "seed");
  const rows: [string, string][] = run
    ? [
        [t.provenance.model, run.model],
        [t.provenance.asked, ownWords(picture).prompt],
        [t.settings.style, style ? t.styles[style.id] : picture.style],
        [t.provenance.prompt, run.prompt],
        [t.settings.negative, run.negative_prompt],
        [t.provenance.task, (t.canvas.tasks as Record<string, string>)[run.task] ?? run.task],
        [t.settings.seed, String(run.seed)],
        [t.provenance.params, params.map(([name, value]) => `${name} ${String(value)}`).join(", ")],
        [t.provenance.asker, run.asker.name],
        [t.provenance.when, new Date(run.asked_ms).toLocaleString(language)],
        [t.provenance.drawnBy, names(source_authors)],
      ]
    : [];
  return [...rows, [t.provenance.asset, picture.asset] as [string, string]].filter(
    ([, value]) => value !== "",
  );
}

const names = (people: readonly Person[]) => people.map((person) => person.name).join(", ");

function Thumbnail({ room, asset, label }: { room: Room; asset: string; label: string }) {
  const url = room.pictures.url(asset);
  if (!url) return null;
  return (
    <figure>
      <img src={url} alt={label} />
      <figcaption>{label}</figcaption>
    </figure>
  );
}
