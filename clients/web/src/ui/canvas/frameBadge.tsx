// The label of an AI frame that everybody sees: who asked for what, the place in the queue, the current step.

import type { CanvasEditor } from "../../canvas/canvasEditor";
import { bounds, toScreen } from "../../canvas/geometry";
import type { Frame } from "../../canvas/objects";
import type { RunInfo } from "../../protocol/messages";
import type { Room } from "../../room/room";
import { isActive } from "../../room/runs";
import { t } from "../../strings";
import { queueText } from "../parts/queueText";
import { runProblem } from "../parts/serverText";

/** The active run of a frame, or its last one. */
export function latestRun(room: Room, frame: string): RunInfo | undefined {
  let latest: RunInfo | undefined;
  for (const run of room.runs.all.value.values()) {
    if (run.target !== frame) continue;
    if (!latest || isActive(run) || run.created_ms >= latest.created_ms) latest = run;
  }
  return latest;
}

/** The state of a picture's run, in words. */
export function paintingState(run: RunInfo): string {
  if (run.undone) return t.runs.undone;
  if (run.state === "queued") return queueText(run);
  const steps = run.length > 0 ? t.canvas.steps(run.progress, run.length) : "";
  if (run.state === "running") {
    const thinned = run.thinned ? t.canvas.thinned[run.thinned] : "";
    return [t.canvas.painting, steps, thinned].filter(Boolean).join(" · ");
  }
  return run.error ? runProblem(run) : t.runs[run.state];
}

export function FrameBadge({
  room,
  canvasEditor,
  frame,
}: {
  room: Room;
  canvasEditor: CanvasEditor;
  frame: Frame;
}) {
  const run = latestRun(room, frame.id);
  const camera = canvasEditor.camera.value;
  const at = toScreen(camera, bounds(frame));
  const asker = run && room.members.all.value.get(run.participant);
  const who = run?.participant === room.members.me.value?.id ? t.runs.you : (asker?.name ?? t.runs.gone);
  const active = run !== undefined && isActive(run);
  return (
    <div
      class={`frame-badge ${active ? "frame-active" : ""}`}
      data-frame={frame.id}
      style={{
        "--who": asker?.color ?? "var(--ai)",
        transform: `translate(${at.x}px, ${at.y}px)`,
        width: `${Math.max(110, frame.w * camera.scale)}px`,
      }}
    >
      <button
        type="button"
        class="frame-name"
        onPointerDown={(event) => event.stopPropagation()}
        onClick={() => {
          canvasEditor.settle(frame.id);
        }}
      >
        {frame.live && <span class="live-mark">{t.live.mark}</span>}
        {frame.prompt || t.canvas.frame}
        {run && <span class="frame-who"> {t.runs.by(who)}</span>}
      </button>
      {run && (active || run.state === "failed") && (
        <span class={`frame-state frame-${run.state}`}>
          {paintingState(run)}
          {run.state === "running" && (
            <progress
              class="run-progress"
              aria-label={paintingState(run)}
              max={run.length || 1}
              {...(run.length > 0 ? { value: run.progress } : {})}
            />
          )}
        </span>
      )}
    </div>
  );
}
