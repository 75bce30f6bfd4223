// A model: what it is good at and what runs it, as the server reports; owners may choose another one.

import type { ModelInfo } from "../../protocol/messages";
import type { Room } from "../../room/room";
import { t } from "../../strings";
import { betterNews, noteOf } from "./serverText";

export function ModelCard({ model, room }: { model: ModelInfo; room: Room }) {
  const chooses = model.choices.length > 0 && room.members.rights.value.has("moderate");
  return (
    <section class="model-card" data-modality={model.modality}>
      <p class="model-name">
        <span class={`model-dot ${model.ready ? "" : "waiting"}`} />
        {model.name}
        <span class="model-state">
          {model.device ? `${model.device} · ` : ""}
          {model.ready ? t.runs.ready : t.runs.loading}
        </span>
      </p>
      {model.note && <p class="hint">{noteOf(model)}</p>}
      {chooses && (
        <label class="model-choice">
          <span>{t.models.choose[model.modality]}</span>
          <select
            class="field small"
            value={model.coming || model.name}
            onChange={(event) => room.requests.useModel(model.modality, event.currentTarget.value)}
          >
            {model.choices.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
      {model.modality === "text" && model.beside.length > 0 && room.members.rights.value.has("moderate") && (
        <label class="model-choice">
          <span>{t.models.inRoom}</span>
          <select
            class="field small"
            value={room.settings.textModel.value}
            onChange={(event) => room.settings.setTextModel(event.currentTarget.value)}
          >
            <option value="">{t.models.servers(model.name)}</option>
            {[model.name, ...model.beside].map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
      <div role="status">
        {model.coming && <p class="hint model-news">{t.models.coming(model.coming, model.name)}</p>}
        {model.refused && <p class="hint model-news">{t.models.refused(model.refused, model.name)}</p>}
      </div>
      {model.better && (
        // Of its percents nobody is told by voice, only of the end.
        <p class="hint model-news" role={model.better.stage === "stays" ? "status" : undefined}>
          {betterNews(model.better, model.name)}
        </p>
      )}
      {model.better?.stage === "fetches" && (
        <progress class="model-progress" aria-hidden="true" value={model.better.fraction} />
      )}
      {model.building.map(({ part, backend, fraction }) => (
        <p class="hint model-news" key={part}>
          {t.models.building(part.replaceAll("_", " "), backend, Math.round(100 * fraction))}
        </p>
      ))}
    </section>
  );
}
