// The settings of a frame: style, negative prompt, guidance, steps, sampler, seed, within the model's limits.

import type { Signal } from "@preact/signals";
import type { Changed, Frame } from "../../canvas/objects";
import { newSeed } from "../../generate/request";
import { STYLES, styleWords } from "../../generate/styles";
import type { ImageModel } from "../../protocol/messages";
import { t } from "../../strings";

export function FrameSettings(props: {
  open: Signal<boolean>;
  image: ImageModel | null;
  frame: Frame;
  lastSeed: number | null;
  onChange: (change: Changed) => void;
}) {
  const { open, image, frame, lastSeed, onChange } = props;
  const locked = frame.seed !== null;
  return (
    <details
      class="frame-settings"
      open={open.value}
      onToggle={(event) => {
        open.value = event.currentTarget.open;
      }}
    >
      <summary>
        {t.settings.title}
        <span class="settings-now">{summary(frame)}</span>
      </summary>
      <div class="settings-grid">
        <label>
          <span>{t.settings.style}</span>
          <select
            class="field small"
            value={frame.style}
            onChange={(event) => onChange({ style: event.currentTarget.value || null })}
          >
            <option value="">{t.settings.noStyle}</option>
            {STYLES.map(({ id, words }) => (
              <option key={id} value={id} title={words}>
                {t.styles[id]}
              </option>
            ))}
          </select>
        </label>
        {frame.style && image && image.styles.length > 0 && !styleWords(frame.style, image.styles) && (
          <p class="hint settings-wide">{t.settings.unknownStyle}</p>
        )}
        <label class="settings-wide">
          <span>{t.settings.negative}</span>
          <input
            class="field small"
            maxLength={1500}
            placeholder={t.settings.negativePlaceholder}
            value={frame.negative_prompt}
            onChange={(event) => onChange({ negative_prompt: event.currentTarget.value.trim() || null })}
          />
        </label>
        <NumberField
          label={t.canvas.stepsLabel}
          value={frame.steps}
          usual={image?.steps ?? null}
          low={1}
          high={100}
          step={1}
          onChange={(steps) => onChange({ steps })}
        />
        <NumberField
          label={t.settings.guidance}
          value={frame.guidance}
          usual={image?.guidance ?? null}
          low={0}
          high={30}
          step={0.5}
          onChange={(guidance) => onChange({ guidance })}
        />
        {image && image.samplers.length > 1 && (
          <label>
            <span>{t.settings.sampler}</span>
            <select
              class="field small"
              value={image.samplers.includes(frame.sampler) ? frame.sampler : ""}
              onChange={(event) => onChange({ sampler: event.currentTarget.value || null })}
            >
              {image.samplers.map((sampler, index) => (
                <option key={sampler} value={index === 0 ? "" : sampler}>
                  {sampler}
                </option>
              ))}
            </select>
          </label>
        )}
        {image && image.adapters.length > 0 && (
          <label>
            <span>{t.settings.adapter}</span>
            <select
              class="field small"
              value={image.adapters.includes(frame.adapter) ? frame.adapter : ""}
              onChange={(event) => onChange({ adapter: event.currentTarget.value || null })}
            >
              <option value="">{t.settings.noAdapter}</option>
              {image.adapters.map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
        {image?.adapters.includes(frame.adapter) && (
          <NumberField
            label={t.settings.adapterScale}
            value={frame.adapter_scale}
            usual={1}
            low={-2}
            high={2}
            step={0.1}
            onChange={(adapter_scale) => onChange({ adapter_scale })}
          />
        )}
        <div class="settings-seed">
          <label>
            <span>{t.settings.seed}</span>
            <input
              class="field small"
              type="number"
              min="0"
              max={Number.MAX_SAFE_INTEGER}
              step="1"
              placeholder={t.settings.random}
              value={frame.seed ?? ""}
              onChange={(event) => {
                const seed = Math.round(Number(event.currentTarget.value));
                const given = event.currentTarget.value !== "" && seed >= 0 && Number.isSafeInteger(seed);
                onChange({ seed: given ? seed : null });
              }}
            />
          </label>
          <button
            type="button"
            class="button small"
            aria-pressed={locked}
            title={locked ? t.settings.unlockHint : t.settings.lockHint}
            onClick={() => onChange({ seed: locked ? null : (lastSeed ?? newSeed()) })}
          >
            {locked ? t.settings.unlock : t.settings.lock}
          </button>
        </div>
      </div>
    </details>
  );
}

/** The settings that differ from the model's defaults, in one line. */
function summary(frame: Frame): string {
  const style = STYLES.find((each) => each.id === frame.style);
  const words = [
    style ? t.styles[style.id] : "",
    frame.negative_prompt ? t.settings.without(frame.negative_prompt) : "",
    frame.steps === null ? "" : `${t.canvas.stepsLabel} ${frame.steps}`,
    frame.guidance === null ? "" : `${t.settings.guidance} ${frame.guidance}`,
    frame.seed === null ? "" : `${t.settings.seed} ${frame.seed}`,
  ];
  return words.filter(Boolean).join(" · ");
}

function NumberField(props: {
  label: string;
  value: number | null;
  usual: number | null;
  low: number;
  high: number;
  step: number;
  onChange: (value: number | null) => void;
}) {
  const { label, value, usual, low, high, step, onChange } = props;
  return (
    <label>
      <span>{label}</span>
      <input
        class="field small"
        type="number"
        min={low}
        max={high}
        step={step}
        placeholder={usual === null ? "" : String(usual)}
        value={value ?? ""}
        onChange={(event) => {
          const text = event.currentTarget.value;
          const given = Math.min(high, Math.max(low, Number(text)));
          onChange(text === "" || Number.isNaN(given) ? null : given);
        }}
      />
    </label>
  );
}
