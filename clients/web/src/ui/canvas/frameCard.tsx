// Asking the model to paint the selected frame: words, where it starts from, how far it may go.

import { useLayoutEffect, useRef } from "preact/hooks";
import type { Easel } from "../../canvas/canvasEditor";
import type { Changed, Frame, FrameTask } from "../../canvas/objects";
import type { Atelier } from "../../generate/imageActions";
import { suggestedPrompts } from "../../generate/promptExamples";
import { kept, usualStrength } from "../../generate/request";
import type { ModelInfo } from "../../protocol/messages";
import type { Room } from "../../room/room";
import { isActive } from "../../room/runs";
import { loadPainting, savePainting } from "../../room/storage/browserStorage";
import { t } from "../../strings";
import { IconButton } from "../parts/controls";
import { Icon } from "../parts/icons";
import { noteOf } from "../parts/serverText";
import { latestRun, paintingState } from "./frameBadge";
import { FrameSettings } from "./frameSettings";
import { LiveSwitch } from "./liveSwitch";
import { MaskTools } from "./maskTools";

const MAX_PROMPT = 2000;
const TASKS: readonly FrameTask[] = ["text_to_image", "image_to_image", "inpaint"];

export function FrameCard(props: { room: Room; easel: Easel; atelier: Atelier; frame: Frame }) {
  const { room, easel, atelier, frame } = props;
  const { model, ready } = atelier;
  const field = useRef<HTMLInputElement>(null);
  const mine = atelier.wording.value.get(frame.id);
  const words = mine?.words ?? frame.prompt;
  const fresh = easel.fresh.value === frame.id;
  // Before anything is painted: who draws a frame goes on typing.
  useLayoutEffect(() => {
    if (!fresh) return;
    easel.fresh.value = null;
    field.current?.focus({ preventScroll: true });
  }, [easel, fresh]);
  const run = latestRun(room, frame.id);
  const active = run !== undefined && isActive(run);
  const busy = atelier.busy.value.has(frame.id);
  const change = (fields: Changed) => {
    easel.board.change(new Map([[frame.id, fields]]), "");
    savePainting(kept(loadPainting(), fields));
  };
  const wanted = words.trim();
  const masking = easel.masking.value;
  const brushing = masking?.frame === frame.id;
  const masked = frame.mask !== "" || (brushing && !masking.mask.empty);
  // Reading it subscribes: the first stroke makes the button ready.
  masking?.version.value;
  const can = ready && !busy && wanted !== "" && (frame.task !== "inpaint" || masked);
  const go = (act: (frame: Frame) => Promise<void>) => {
    if (!can) return;
    change({ prompt: wanted });
    atelier.word(frame, null);
    const now = easel.board.get(frame.id);
    if (now?.type === "frame") void act(now);
  };
  const why = ready ? (frame.task === "inpaint" && !masked ? t.mask.none : "") : offReason(model);

  return (
    <form
      class="frame-card"
      aria-label={t.canvas.frame}
      onSubmit={(event) => {
        event.preventDefault();
        if (!frame.live) go((now) => atelier.paint(now));
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") {
          event.currentTarget.closest(".canvas")?.querySelector<HTMLElement>(".board")?.focus();
        }
        // Letters here are no tools; Ctrl + Z and Ctrl + A are the board's wherever nothing is typed.
        if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
      }}
    >
      <div class="field-row">
        <input
          ref={field}
          class="field"
          aria-label={t.canvas.prompt}
          placeholder={t.canvas.promptPlaceholder}
          maxLength={MAX_PROMPT}
          value={words}
          onInput={(event) => atelier.word(frame, event.currentTarget.value)}
          onChange={() => {
            // Words that somebody else put there meanwhile stay until one of the two is chosen, or sent.
            if (mine?.base !== frame.prompt) return;
            change({ prompt: wanted });
            atelier.word(frame, words, wanted);
          }}
        />
        {active && room.mayConduct(run) && (
          <button type="button" class="button stop" onClick={() => room.stop(run.id)}>
            <Icon name="stop" />
            {t.runs.stop}
          </button>
        )}
        {!frame.live && (
          <>
            <button
              type="button"
              class="button"
              disabled={!can}
              title={why || t.canvas.fourHint}
              aria-label={`× 4: ${t.canvas.four}`}
              onClick={() => go((now) => atelier.four(now))}
            >
              × 4
            </button>
            <button type="submit" class="button primary" disabled={!can} title={why || t.canvas.paintHint}>
              <Icon name="brush" />
              {t.canvas.paint}
            </button>
          </>
        )}
      </div>
      {mine && frame.prompt !== mine.base && frame.prompt !== wanted && frame.prompt !== "" && (
        <p class="frame-other">
          <span>{t.canvas.othersPrompt(frame.prompt)}</span>
          <button type="button" class="link-button" onClick={() => atelier.word(frame, null)}>
            {t.canvas.takePrompt}
          </button>
        </p>
      )}
      {!brushing && (
        <Suggestions
          model={model}
          onChoose={(word) => {
            atelier.word(frame, null);
            change({ prompt: word });
          }}
        />
      )}
      {!frame.live && !brushing && (
        <fieldset class="segments">
          <legend class="offscreen">{t.canvas.task}</legend>
          {TASKS.map((task) => (
            <label key={task} title={t.canvas.taskHints[task]}>
              <input
                type="radio"
                name="frame-task"
                checked={frame.task === task}
                onChange={() => {
                  change({ task, strength: null });
                  if (task !== "inpaint" && easel.tool.value === "mask") easel.choose("select");
                }}
              />
              <span>
                {task === "image_to_image" && frame.source ? t.canvas.fromPicture : t.canvas.tasks[task]}
              </span>
            </label>
          ))}
        </fieldset>
      )}
      {frame.task === "inpaint" && <MaskTools easel={easel} atelier={atelier} frame={frame} />}
      {frame.task !== "text_to_image" && !brushing && (
        <Strength
          value={frame.strength ?? usualStrength(frame.task, atelier.image)}
          onChange={(strength) => change({ strength })}
        />
      )}
      {frame.task === "image_to_image" && !frame.source && (
        <LiveSwitch room={room} atelier={atelier} frame={frame} />
      )}
      {brushing ? null : (
        <FrameSettings
          open={atelier.settingsOpen}
          image={atelier.image}
          frame={frame}
          lastSeed={run?.seed ?? null}
          onChange={change}
        />
      )}
      <div class="frame-foot">
        <p class={`model ${ready ? "" : "model-waiting"}`} title={model && noteOf(model)}>
          <span class="model-dot" />
          {model ? model.name : offReason(model)}
          {model && <span class="model-state">{ready ? model.device : offReason(model)}</span>}
        </p>
        {run && <span class="frame-now">{paintingState(run)}</span>}
        <IconButton icon="bin" label={t.canvas.removeFrame} onClick={() => easel.selection.remove()} />
      </div>
    </form>
  );
}

function Suggestions({
  model,
  onChoose,
}: {
  model: ModelInfo | undefined;
  onChoose: (word: string) => void;
}) {
  const words = suggestedPrompts(model);
  if (words.length === 0) return null;
  return (
    <fieldset class="chips">
      <legend class="offscreen">{t.canvas.suggestions}</legend>
      {words.map((word) => (
        <button key={word} type="button" class="chip" onClick={() => onChoose(word)}>
          {word}
        </button>
      ))}
    </fieldset>
  );
}

function Strength({ value, onChange }: { value: number; onChange: (value: number) => void }) {
  return (
    <label class="slider strength" title={t.canvas.strengthHint}>
      <span class="offscreen">{t.canvas.strength}</span>
      <span aria-hidden="true">{t.canvas.close}</span>
      <input
        type="range"
        min="0.05"
        max="1"
        step="0.05"
        value={value}
        aria-valuetext={`${Math.round(value * 100)} %`}
        onChange={(event) => onChange(Number(event.currentTarget.value))}
      />
      <span aria-hidden="true">{t.canvas.free}</span>
      <output class="slider-value">{Math.round(value * 100)} %</output>
    </label>
  );
}

function offReason(model: ModelInfo | undefined): string {
  if (!model) return t.canvas.noModel;
  return model.ready ? t.canvas.notConnected : t.ask.notReady;
}
