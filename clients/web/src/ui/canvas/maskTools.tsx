// The brush that says where paint may go.

import type { Easel } from "../../canvas/canvasEditor";
import { BRUSHES } from "../../canvas/masks/maskBrush";
import type { Frame } from "../../canvas/objects";
import type { Atelier } from "../../generate/imageActions";
import { t } from "../../strings";
import { Icon } from "../parts/icons";

export function MaskTools({ easel, atelier, frame }: { easel: Easel; atelier: Atelier; frame: Frame }) {
  const masking = easel.masking.value;
  if (easel.tool.value !== "mask" || masking?.frame !== frame.id) {
    return (
      <div class="mask-tools">
        <button type="button" class="button small" onClick={() => void atelier.masks.open(frame)}>
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
              checked={masking.mode.value === mode}
              onChange={() => {
                masking.mode.value = mode;
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
          value={masking.brush.value}
          onInput={(event) => {
            masking.brush.value = Number(event.currentTarget.value);
          }}
        />
        <svg viewBox="0 0 20 20" class="icon" aria-hidden="true">
          <circle cx="10" cy="10" r="7" fill="currentColor" stroke="none" />
        </svg>
      </label>
      <button type="button" class="button small quiet" onClick={() => masking.invert()}>
        {t.mask.invert}
      </button>
      <button type="button" class="button small quiet" onClick={() => masking.clear()}>
        {t.mask.clear}
      </button>
      <button type="button" class="button small" onClick={() => easel.settle(frame.id)}>
        {t.mask.done}
      </button>
    </div>
  );
}
