// The card of a selected AI frame: prompt, starting point, strength.

import { useLayoutEffect, useRef } from "preact/hooks";
import type { CanvasEditor } from "../../canvas/canvasEditor";
import type { Changed, Frame, FrameTask } from "../../canvas/objects";
import type { ImageActions } from "../../generate/imageActions";
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

export function FrameCard(props: {
  room: Room;
  canvasEditor: CanvasEditor;
  imageActions: ImageActions;
  frame: Frame;
}) {
  const { room, canvasEditor, imageActions, frame } = props;
  const { model, ready } = imageActions;
  const field = useRef<HTMLInputElement>(null);
  const mine = imageActions.wording.value.get(frame.id);
  const words = mine?.words ?? frame.prompt;
  const fresh = canvasEditor.fresh.value === frame.id;
  // Before the next paint: whoever draws a frame types its prompt next.
  useLayoutEffect(() => {
    if (!fresh) return;
    canvasEditor.fresh.value = null;
    field.current?.focus({ preventScroll: true });
  }, [canvasEditor, fresh]);
  const run = latestRun(room, frame.id);
  const active = run !== undefined && isActive(run);
  const busy = imageActions.busy.value.has(frame.id);
  const change = (fields: Changed) => {
    canvasEditor.board.change(new Map([[frame.id, fields]]), "");
    savePainting(kept(loadPainting(), fields));
  };
  const wanted = words.trim();
  const maskBrush = canvasEditor.maskBrush.value;
  const brushing = maskBrush?.frame === frame.id;
  const masked = frame.mask !== "" || (brushing && !maskBrush.mask.empty);
  // Reading it subscribes: the first stroke makes the button ready.
  maskBrush?.version.value;
  const can = ready && !busy && wanted !== "" && (frame.task !== "inpaint" || masked);
  const go = (act: (frame: Frame) => Promise<void>) => {
    if (!can) return;
    change({ prompt: wanted });
    imageActions.word(frame, null);
    const now = canvasEditor.board.get(frame.id);
    if (now?.type === "frame") void act(now);
  };
  const why = ready ? (frame.task === "inpaint" && !masked ? t.mask.none : "") : offReason(model);

  return (
    <form
      class="frame-card"
      aria-label={t.canvas.frame}
      onSubmit={(event) => {
        event.preventDefault();
        if (!frame.live) go((now) => imageActions.paint(now));
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") {
          event.currentTarget.closest(".canvas")?.querySelector<HTMLElement>(".board")?.focus();
        }
        // Letters choose no tools here; Ctrl + Z and Ctrl + A act on the board outside of fields.
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
          onInput={(event) => imageActions.word(frame, event.currentTarget.value)}
          onChange={() => {
            // A prompt that somebody else set meanwhile is offered until one of the two is chosen or sent.
            if (mine?.base !== frame.prompt) return;
            change({ prompt: wanted });
            imageActions.word(frame, words, wanted);
          }}
        />
        {active && room.members.mayConduct(run) && (
          <button type="button" class="button stop" onClick={() => room.requests.stop(run.id)}>
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
              onClick={() => go((now) => imageActions.four(now))}
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
          <button type="button" class="link-button" onClick={() => imageActions.word(frame, null)}>
            {t.canvas.takePrompt}
          </button>
        </p>
      )}
      {!brushing && (
        <Suggestions
          model={model}
          onChoose={(word) => {
            imageActions.word(frame, null);
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
                  if (task !== "inpaint" && canvasEditor.tool.value === "mask") canvasEditor.choose("select");
                }}
              />
              <span>
                {task === "image_to_image" && frame.source ? t.canvas.fromPicture : t.canvas.tasks[task]}
              </span>
            </label>
          ))}
        </fieldset>
      )}
      {frame.task === "inpaint" && (
        <MaskTools canvasEditor={canvasEditor} imageActions={imageActions} frame={frame} />
      )}
      {frame.task !== "text_to_image" && !brushing && (
        <Strength
          value={frame.strength ?? usualStrength(frame.task, imageActions.image)}
          onChange={(strength) => change({ strength })}
        />
      )}
      {frame.task === "image_to_image" && !frame.source && (
        <LiveSwitch room={room} imageActions={imageActions} frame={frame} />
      )}
      {brushing ? null : (
        <FrameSettings
          open={imageActions.settingsOpen}
          image={imageActions.image}
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
        <IconButton icon="bin" label={t.canvas.removeFrame} onClick={() => canvasEditor.selection.remove()} />
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
