// The help dialog, with the names of the models of this server.

import type { Room } from "../../room/room";
import { t } from "../../strings";
import { Dialog } from "../parts/controls";
import { noteOf } from "../parts/serverText";

export function HelpDialog({ room, onClose }: { room: Room; onClose: () => void }) {
  return (
    <Dialog title={t.help.title} onClose={onClose}>
      <div class="help">
        {t.help.sections.map(([title, ...lines]) => (
          <section key={title}>
            <h3>{title}</h3>
            {lines.map((line) => (
              <p key={line}>{line}</p>
            ))}
          </section>
        ))}
        <section>
          <h3>{t.help.models}</h3>
          {room.models.value.map((model) => (
            <p key={model.name}>
              <strong>{model.name}</strong>
              {model.device && ` (${model.device})`}:{" "}
              {noteOf(model) || t.runs[model.ready ? "ready" : "loading"]}
            </p>
          ))}
          <p>{t.help.bigger}</p>
        </section>
        <Keys title={t.help.keys} list={t.help.keyList} />
        <Keys title={t.help.canvasKeys} list={t.help.canvasKeyList} />
      </div>
    </Dialog>
  );
}

function Keys({ title, list }: { title: string; list: readonly (readonly string[])[] }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl class="help-keys">
        {list.map(([keys, what]) => (
          <div key={what}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
