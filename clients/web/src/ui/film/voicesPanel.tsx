// Who speaks with which voice, what is being spoken, and the sound of this page.

import type { FilmRoom } from "../../film/filmRoom";
import type { VoicePlayer } from "../../film/voicePlayer";
import type { SpokenLine } from "../../film/voices";
import type { VoiceInfo } from "../../protocol/messages";
import { isActive } from "../../room/runs";
import { t } from "../../strings";
import { Icon } from "../parts/icons";
import { noteOf } from "../parts/serverText";

const SPEEDS = [0.7, 0.85, 1, 1.15, 1.3, 1.5];

export function VoicesPanel({ film, player }: { film: FilmRoom; player: VoicePlayer }) {
  const model = film.room.models.value.find((each) => each.modality === "speech");
  const voices = model?.ready ? (model.speech?.voices ?? []) : [];
  const names = film.speakers.value;
  if (names.length === 0) return null;
  const lines = [...film.lines.value.values()];
  const mute = names.filter(
    (name) => !film.voices.value.has(name) && !lines.some((line) => line.who === name),
  );
  return (
    <details class="film-voices" data-film-voices>
      <summary>{t.film.voices.title}</summary>
      {voices.length === 0 ? (
        <p class="film-hint">
          {t.film.voices.none} {model && !model.ready ? noteOf(model) : ""}
        </p>
      ) : (
        <>
          <p class="film-hint">{t.film.voices.synthetic(model?.name ?? "")}</p>
          <div class="film-tools">
            <label class="check">
              <input
                type="checkbox"
                checked={player.on.value}
                onChange={(event) => player.enable(event.currentTarget.checked)}
              />
              {t.film.voices.sound}
            </label>
            <label class="check">
              <input
                type="checkbox"
                checked={player.reading.value}
                onChange={(event) => {
                  player.reading.value = event.currentTarget.checked;
                  if (event.currentTarget.checked) player.enable();
                }}
              />
              {t.film.voices.reading}
            </label>
          </div>
          <Progress film={film} />
          <ul class="film-cast-voices">
            {names.map((name) => (
              <Character key={name} film={film} player={player} name={name} voices={voices} />
            ))}
          </ul>
          {mute.length > 0 && <p class="film-hint">{t.film.voices.mute(mute.join(", "))}</p>}
        </>
      )}
    </details>
  );
}

function Progress({ film }: { film: FilmRoom }) {
  const run = [...film.room.runs.all.value.values()].find((each) => each.task === "speak" && isActive(each));
  const problem = [...film.lines.value.values()].find((line) => line.problem);
  return (
    <p class="film-hint" role="status">
      {run ? t.film.voices.speaking : problem ? t.film.voices.problem(problem.text, problem.problem) : ""}
    </p>
  );
}

function Character(props: {
  film: FilmRoom;
  player: VoicePlayer;
  name: string;
  voices: readonly VoiceInfo[];
}) {
  const { film, player, name, voices } = props;
  const mine = film.voices.value.get(name);
  const line = [...film.lines.value.values()].find((each: SpokenLine) => each.who === name && each.asset);
  const languages = [...new Set(voices.map((voice) => voice.language))];
  const sounds = line !== undefined && player.listening.value === line.asset;
  return (
    <li>
      <span class="film-speaker">{name}</span>
      <select
        class="field small"
        aria-label={t.film.voices.voiceOf(name)}
        value={mine?.voice ?? ""}
        disabled={!film.canEdit}
        onChange={(event) => film.speakAs(name, { voice: event.currentTarget.value })}
      >
        <option value="">{mine ? t.film.voices.silent : t.film.voices.unknown}</option>
        {languages.map((language) => (
          <optgroup key={language} label={t.film.voices.languages[language] ?? language}>
            {voices
              .filter((voice) => voice.language === language)
              .map((voice) => (
                <option key={voice.id} value={voice.id}>
                  {[voice.name, t.film.voices.genders[voice.gender]].filter(Boolean).join(", ")}
                </option>
              ))}
          </optgroup>
        ))}
      </select>
      <select
        class="field small"
        aria-label={t.film.voices.speedOf(name)}
        value={String(mine?.speed ?? 1)}
        disabled={!film.canEdit || !mine}
        onChange={(event) => film.speakAs(name, { speed: Number(event.currentTarget.value) })}
      >
        {[...new Set([...SPEEDS, mine?.speed ?? 1])]
          .sort((a, b) => a - b)
          .map((speed) => (
            <option key={speed} value={String(speed)}>
              {t.film.voices.speed(speed)}
            </option>
          ))}
      </select>
      <button
        type="button"
        class="button small"
        aria-label={t.film.voices.listenTo(name)}
        disabled={!line}
        onClick={() => (sounds || !line ? player.hush() : void player.listen(line))}
      >
        <Icon name={sounds ? "stop" : "play"} />
        {t.film.voices.listen}
      </button>
    </li>
  );
}
