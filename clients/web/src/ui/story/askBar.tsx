// The ask bar: instruction, mode, length, and stop.

import type { StoryEditor } from "../../editor/storyEditor";
import { UNKNOWN_LANGUAGE } from "../../editor/text/language";
import type { Task } from "../../protocol/messages";
import type { Room } from "../../room/room";
import { isActive } from "../../room/runs";
import { t } from "../../strings";
import { Icon, type IconName } from "../parts/icons";
import { noteOf } from "../parts/serverText";
import type { AskForm, Length } from "./askForm";
import { DraftCards } from "./draftCards";
import { RetryButton } from "./retryButton";

const MAX_INSTRUCTION = 4000;
/** Tasks other than continuing and following an instruction. */
const TASKS = [
  { task: "rewrite", icon: "pen" },
  { task: "fix", icon: "check" },
  { task: "brainstorm", icon: "vary" },
] as const satisfies { task: Task; icon: IconName }[];

export function AskBar({
  room,
  askForm,
  editor,
}: {
  room: Room;
  askForm: AskForm;
  editor: StoryEditor | null;
}) {
  if (!room.members.canEdit) return null;
  const model = room.models.value.find((each) => each.modality === "text");
  const selected = (editor?.selected.value ?? 0) > 0;
  const ready = model?.ready === true && room.phase.value.name === "open";
  const latest = askForm.latest;
  const writing = askForm.mine.value.length > 0;
  const instructed = askForm.instruction.value.trim() !== "";
  return (
    <div class={`ask ${writing ? "ask-busy" : ""}`}>
      <DraftCards room={room} />
      <form
        aria-label={t.ask.label}
        onSubmit={(event) => {
          event.preventDefault();
          void askForm.submit();
        }}
      >
        <div class="ask-row">
          <textarea
            class="ask-field"
            rows={1}
            maxLength={MAX_INSTRUCTION}
            aria-label={t.ask.label}
            placeholder={selected ? t.ask.placeholderSelection : t.ask.placeholder}
            value={askForm.instruction.value}
            onInput={(event) => {
              askForm.instruction.value = event.currentTarget.value;
            }}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || event.shiftKey || event.isComposing || !instructed) return;
              event.preventDefault();
              if (ready) void askForm.submit();
            }}
          />
          {latest && isActive(latest) && (
            <RetryButton room={room} run={latest} hint={t.ask.againHint} class="again" />
          )}
          {writing && (
            <button
              type="button"
              class="button stop"
              title={t.ask.stopHint}
              onClick={() => askForm.stopMine()}
            >
              <Icon name="stop" />
              {t.ask.stop}
            </button>
          )}
          <button
            type="submit"
            class="button primary"
            title={model?.ready === false ? t.ask.notReady : t.ask.continueHint}
            disabled={!ready}
          >
            <Icon name={instructed ? "arrow" : "continue"} />
            {instructed ? t.ask.send : t.ask.continue}
          </button>
        </div>
        {askForm.doubt.value !== null && (
          <p class="ask-doubt" role="alert">
            {t.ask.unknownLanguage(model?.name ?? "", languageName(askForm.doubt.value))}{" "}
            <button type="button" class="button small" onClick={() => (askForm.doubt.value = null)}>
              {t.ask.leaveIt}
            </button>
          </p>
        )}
        {askForm.fill.problem.value !== null && (
          <p class="ask-doubt" role="alert">
            {t.fill.problems[askForm.fill.problem.value]}
          </p>
        )}
        <div class="ask-options">
          <fieldset class="segments">
            <legend class="offscreen">{t.ask.mode}</legend>
            {(["write", "suggest", "private"] as const).map((mode) => (
              <label key={mode} title={t.ask.modeHints[mode]}>
                <input
                  type="radio"
                  name="mode"
                  value={mode}
                  checked={askForm.mode.value === mode}
                  onChange={() => askForm.setMode(mode)}
                />
                <span>{t.ask[mode]}</span>
              </label>
            ))}
          </fieldset>
          <label class="ask-length">
            <span class="offscreen">{t.ask.length}</span>
            <select
              value={askForm.length.value}
              onChange={(event) => {
                askForm.length.value = event.currentTarget.value as Length;
              }}
            >
              {(Object.keys(t.ask.lengths) as Length[]).map((length) => (
                <option key={length} value={length}>
                  {t.ask.lengths[length]}
                </option>
              ))}
            </select>
          </label>
          <div class="ask-tasks">
            {TASKS.map(({ task, icon }) => (
              <button
                key={task}
                type="button"
                class="button small quiet"
                title={task === "rewrite" && !selected ? t.ask.needsSelection : t.ask.taskHints[task]}
                disabled={(task !== "fix" && !ready) || (task === "rewrite" && !selected)}
                onClick={() => void askForm.ask(task)}
              >
                <Icon name={icon} />
                {t.ask[task]}
              </button>
            ))}
            <button
              type="button"
              class="button small quiet"
              title={t.fill.hint}
              disabled={!ready || !editor}
              // The caret stays where it is: a gap is where the text has it.
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => editor && void askForm.fill.begin(editor)}
            >
              <Icon name="plus" />
              {t.fill.button}
            </button>
          </div>
          <span class="ask-spacer" />
          {model ? (
            <span class={`model ${model.ready ? "" : "model-waiting"}`} title={noteOf(model)}>
              <span class="model-dot" />
              <ModelPicker room={room} name={model.name} />
              <span class="model-state">{model.ready ? model.device : t.runs.loading}</span>
            </span>
          ) : (
            <span class="model model-waiting">{t.ask.noModel}</span>
          )}
        </div>
      </form>
    </div>
  );
}

/** The model that a request goes to: a name, or several to choose from. */
function ModelPicker({ room, name }: { room: Room; name: string }) {
  const { choices, chosen } = room.textModel;
  if (choices.value.length === 0) return <>{name}</>;
  return (
    <select
      class="model-picker"
      aria-label={t.ask.model}
      title={t.ask.modelHint}
      value={chosen.value || choices.value[0]}
      onChange={(event) => room.textModel.choose(event.currentTarget.value)}
    >
      {choices.value.map((each) => (
        <option key={each} value={each}>
          {each}
        </option>
      ))}
    </select>
  );
}

/** A language by its name in the page's language. */
/** The name of a language in that of the page; "" when it is not known. */
function languageName(code: string): string {
  if (code === UNKNOWN_LANGUAGE) return "";
  const names = new Intl.DisplayNames([document.documentElement.lang || "en"], { type: "language" });
  return names.of(code) ?? code;
}
