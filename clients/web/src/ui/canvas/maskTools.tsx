// The brush of a mask.

import type { CanvasEditor } from "../../canvas/canvasEditor";
import { BRUSHES } from "../../canvas/masks/maskBrush";
import type { Frame } from "../../canvas/objects";
import type { ImageActions } from "../../generate/imageActions";
import { t } from "../../strings";
import { Icon } from "../parts/icons";

export function MaskTools({
  canvasEditor,
  imageActions,
  frame,
}: {
  canvasEditor: CanvasEditor;
  imageActions: ImageActions;
  frame: Frame;
}) {
  const maskBrush = canvasEditor.maskBrush.value;
  if (canvasEditor.tool.value !== "mask" || maskBrush?.frame !== frame.id) {
    return (
      <div class="mask-tools">
        <button type="button" class="button small" onClick={() => void imageActions.masks.open(frame)}>
          <Icon name="mask" />
          {frame.mask ? t.mask.change : t.mask.paint}
        </button>
        <span class="hint">{frame.mask ? t.mask.ready : t.mask.none}</span>
      </div>
    );
  }
  return (
    <div class="mask-tools">
      <fieldset class="segments">
        <legend class="offscreen">{t.mask.label}</legend>
        {(["add", "erase"] as const).map((mode) => (
          <label key={mode}>
            <input
              type="radio"
              name="mask-mode"
              checked={maskBrush.mode.value === mode}
              onChange={() => {
                maskBrush.mode.value = mode;
              }}
            />
            <span>{t.mask[mode]}</span>
          </label>
        ))}
      </fieldset>
      <label class="slider">
        <span class="offscreen">{t.mask.size}</span>
        <svg viewBox="0 0 20 20" class="icon" aria-hidden="true">
          <circle cx="10" cy="10" r="2.5" fill="currentColor" stroke="none" />
        </svg>
        <input
          type="range"
          min={BRUSHES.least}
          max={BRUSHES.most}
          step="0.01"
          title={t.mask.size}
          value={maskBrush.brush.value}
          onInput={(event) => {
            maskBrush.brush.value = Number(event.currentTarget.value);
          }}
        />
        <svg viewBox="0 0 20 20" class="icon" aria-hidden="true">
          <circle cx="10" cy="10" r="7" fill="currentColor" stroke="none" />
        </svg>
      </label>
      <button type="button" class="button small quiet" onClick={() => maskBrush.invert()}>
        {t.mask.invert}
      </button>
      <button type="button" class="button small quiet" onClick={() => maskBrush.clear()}>
        {t.mask.clear}
      </button>
      <button type="button" class="button small" onClick={() => canvasEditor.settle(frame.id)}>
        {t.mask.done}
      </button>
    </div>
  );
}
