// Saves the session as files that the server makes.

import { useSignal } from "@preact/signals";
import { save } from "../../canvas/export";
import type { Jam } from "../../jam/jam";
import { ApiError } from "../../room/http/httpApi";
import { JAM_FILES, type JamFile, jamFile } from "../../room/http/jamFiles";
import { t } from "../../strings";
import { requestProblem } from "../parts/serverText";
import { Popover } from "./parts";

const KINDS = Object.keys(JAM_FILES) as JamFile[];

export function JamExport({ jam }: { jam: Jam }) {
  const busy = useSignal<JamFile | null>(null);
  const fetchFile = async (kind: JamFile) => {
    busy.value = kind;
    try {
      save(await jamFile(jam.room.http, kind), `${t.jam.file}.${JAM_FILES[kind]}`);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      jam.room.notices.add("request_failed", requestProblem(error));
    } finally {
      busy.value = null;
    }
  };
  return (
    <Popover icon="save" label={t.jam.export} class="jam-pop-right">
      <div class="jam-exports">
        {KINDS.map((kind) => (
          <button
            key={kind}
            type="button"
            class="button small quiet"
            disabled={busy.value !== null}
            onClick={() => void fetchFile(kind)}
          >
            {t.jam.exports[kind]}
          </button>
        ))}
        {busy.value && <p class="hint">{t.jam.exporting}</p>}
      </div>
    </Popover>
  );
}
