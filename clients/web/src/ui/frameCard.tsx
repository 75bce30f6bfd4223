// Asking the model to paint the selected frame: words, where it starts from, how far it may go.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Easel } from "../canvas/easel";
import { pngFile } from "../canvas/export";
import { bounds, overlaps } from "../canvas/geometry";
import type { Frame } from "../canvas/objects";
import { suggestedPrompts } from "../canvas/suggestions";
import type { ModelInfo } from "../protocol/messages";
import { ApiError } from "../room/api";
import type { Room } from "../room/room";
import { isActive } from "../room/runs";
import { t } from "../strings";
import { latestRun, paintingState } from "./frameBadge";
import { Icon } from "./icons";
import { IconButton } from "./parts";

const MAX_PROMPT = 2000;
/** Longest side of what the model is shown, when it does not say its own size. */
const SOURCE_SIDE = 512;

export function FrameCard({ room, easel, frame }: { room: Room; easel: Easel; frame: Frame }) {
  const model = room.models.value.find((each) => each.modality === "image");
  const prompt = useSignal(frame.prompt);
  const sending = useSignal(false);
  // Somebody else may word the same frame; what is typed here is written when it is left or sent.
  useEffect(() => {
    prompt.value = frame.prompt;
  }, [frame.id, frame.prompt]);
  const run = latestRun(room, frame.id);
  const active = run !== undefined && isActive(run);
  const ready = model?.ready === true && model.image !== null && room.phase.value.name === "open";
  const change = (fields: Record<string, string | number>) =>
    easel.board.change(new Map([[frame.id, fields]]));
  const words = suggestedPrompts(model);
  const fromDrawing = frame.task === "image_to_image";

  const paint = async () => {
    const wanted = prompt.value.trim();
    if (!ready || sending.value || !wanted) return;
    sending.value = true;
    try {
      change({ prompt: wanted });
      const source = fromDrawing ? await sourceOf(room, easel, frame, model) : null;
      await room.paint({
        frame: frame.id,
        task: fromDrawing ? "image_to_image" : "text_to_image",
        prompt: wanted,
        params: {
          ...(fromDrawing ? { strength: frame.strength } : {}),
          ...(frame.steps > 0 ? { steps: frame.steps } : {}),
        },
        source,
      });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      room.notices.add("request_failed", error.message || t.lobby.unreachable);
    } finally {
      sending.value = false;
    }
  };

  return (
    <form
      class="frame-card"
      aria-label={t.canvas.frame}
      onSubmit={(event) => {
        event.preventDefault();
        void paint();
      }}
      onKeyDown={(event) => event.stopPropagation()}
    >
      <div class="field-row">
        <input
          class="field"
          aria-label={t.canvas.prompt}
          placeholder={t.canvas.promptPlaceholder}
          maxLength={MAX_PROMPT}
          value={prompt.value}
          onInput={(event) => {
            prompt.value = event.currentTarget.value;
          }}
          onChange={() => change({ prompt: prompt.value.trim() })}
        />
        {active && room.mayConduct(run) && (
          <button type="button" class="button stop" onClick={() => room.stop(run.id)}>
            <Icon name="stop" />
            {t.runs.stop}
          </button>
        )}
        <button
          type="submit"
          class="button primary"
          disabled={!ready || sending.value || !prompt.value.trim()}
          title={ready ? t.canvas.paintHint : offReason(model)}
        >
          <Icon name="brush" />
          {t.canvas.paint}
        </button>
      </div>
      {words.length > 0 && (
        <fieldset class="chips">
          <legend class="offscreen">{t.canvas.suggestions}</legend>
          {words.map((word) => (
            <button
              key={word}
              type="button"
              class="chip"
              onClick={() => {
                prompt.value = word;
                change({ prompt: word });
              }}
            >
              {word}
            </button>
          ))}
        </fieldset>
      )}
      <div class="frame-options">
        <fieldset class="segments">
          <legend class="offscreen">{t.canvas.task}</legend>
          {(["text_to_image", "image_to_image"] as const).map((task) => (
            <label key={task} title={t.canvas.taskHints[task]}>
              <input
                type="radio"
                name="frame-task"
                checked={fromDrawing === (task === "image_to_image")}
                onChange={() => change({ task })}
              />
              <span>{t.canvas.tasks[task]}</span>
            </label>
          ))}
        </fieldset>
        {fromDrawing && (
          <label class="slider">
            <span>{t.canvas.strength}</span>
            <input
              type="range"
              min="0.1"
              max="1"
              step="0.05"
              value={frame.strength}
              onChange={(event) => change({ strength: Number(event.currentTarget.value) })}
            />
          </label>
        )}
        <label class="frame-steps">
          <span>{t.canvas.stepsLabel}</span>
          <input
            class="field small"
            type="number"
            min="1"
            max="100"
            placeholder={model?.image ? String(model.image.steps) : ""}
            value={frame.steps || ""}
            onChange={(event) => {
              const steps = Math.round(Number(event.currentTarget.value));
              if (steps >= 1 && steps <= 100) change({ steps });
            }}
          />
        </label>
        <span class="ask-spacer" />
        {run && <span class="frame-now">{paintingState(run)}</span>}
        <IconButton icon="bin" label={t.canvas.removeFrame} onClick={() => easel.remove()} />
      </div>
      <p class={`model ${ready ? "" : "model-waiting"}`} title={model?.note}>
        <span class="model-dot" />
        {model ? model.name : offReason(model)}
        {model && <span class="model-state">{ready ? model.device : offReason(model)}</span>}
      </p>
    </form>
  );
}

function offReason(model: ModelInfo | undefined): string {
  if (!model) return t.canvas.noModel;
  return model.ready ? t.canvas.notConnected : t.ask.notReady;
}

/** What is drawn inside the frame, as the model is to see it. */
async function sourceOf(room: Room, easel: Easel, frame: Frame, model: ModelInfo): Promise<string> {
  const { x, y, w, h } = frame;
  const inside = easel.board.ordered
    .peek()
    .filter((object) => object.type !== "frame" && overlaps(bounds(object), frame));
  const longest = Math.max(model.image?.width ?? 0, model.image?.height ?? 0) || SOURCE_SIDE;
  const scale = longest / Math.max(w, h);
  // Latents have an eighth of the side; pictures of other sizes would be cut or refused.
  const eighths = (units: number) => Math.max(16, Math.round((units * scale) / 8) * 8);
  const size = { width: eighths(w), height: eighths(h) };
  const png = await pngFile(inside, { x, y, w, h }, size, (asset) => room.pictures.blob(asset));
  return (await room.pictures.upload(png)).sha256;
}
