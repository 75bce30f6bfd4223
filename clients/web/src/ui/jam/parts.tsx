// Controls that several parts of the jam share.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { FAMILIES, type Family } from "../../jam/synth/instruments";
import { t } from "../../strings";
import { Icon, type IconName } from "../parts/icons";

export const programName = (program: number): string =>
  t.jam.programs[program] ?? t.jam.otherProgram(program);

/** A select of instruments by family; `empty` is a first option for none. */
export function ProgramSelect(props: {
  label: string;
  value: number | null;
  onChange: (program: number | null) => void;
  disabled?: boolean;
  empty?: string;
  drums?: boolean;
}) {
  const { value } = props;
  const known = value === null || value in t.jam.programs;
  return (
    <select
      class="field small jam-select"
      aria-label={props.label}
      title={props.label}
      disabled={props.disabled}
      value={value === null ? "" : String(value)}
      onChange={({ currentTarget }) =>
        props.onChange(currentTarget.value === "" ? null : Number(currentTarget.value))
      }
    >
      {props.empty !== undefined && <option value="">{props.empty}</option>}
      {!known && <option value={String(value)}>{programName(value)}</option>}
      {(Object.keys(FAMILIES) as Family[])
        .filter((family) => props.drums !== false || family !== "drums")
        .map((family) => (
          <optgroup key={family} label={t.jam.families[family]}>
            {FAMILIES[family].map((program) => (
              <option key={program} value={String(program)}>
                {programName(program)}
              </option>
            ))}
          </optgroup>
        ))}
    </select>
  );
}

/** A slider from 0 to 1. */
export function Slider(props: {
  label: string;
  value: number;
  onInput: (value: number) => void;
  disabled?: boolean;
  /** The value for a screen reader; a percentage where there are none. */
  words?: string;
  /** Shown before the slider; else the label is for screen readers only. */
  text?: ComponentChildren;
}) {
  return (
    <label class="jam-slider" title={props.label}>
      {props.text !== undefined && <span class="jam-slider-text">{props.text}</span>}
      <input
        type="range"
        min="0"
        max="1"
        step="0.01"
        aria-label={props.label}
        aria-valuetext={props.words ?? `${Math.round(props.value * 100)} %`}
        value={props.value}
        disabled={props.disabled}
        style={{ "--part": props.value }}
        onInput={({ currentTarget }) => props.onInput(Number(currentTarget.value))}
      />
    </label>
  );
}

/** A small window under a button; a click elsewhere or Escape closes it. */
export function Popover(props: {
  icon: IconName;
  label: string;
  class?: string;
  children: ComponentChildren;
  onOpen?: () => void;
}) {
  const details = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const away = (event: Event) => {
      const { current } = details;
      if (current?.open && !current.contains(event.target as Node)) current.open = false;
    };
    addEventListener("pointerdown", away);
    return () => removeEventListener("pointerdown", away);
  }, []);
  return (
    <details
      class={`jam-pop ${props.class ?? ""}`}
      ref={details}
      onToggle={() => {
        if (details.current?.open) props.onOpen?.();
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !details.current?.open) return;
        event.stopPropagation();
        details.current.open = false;
        details.current.querySelector("summary")?.focus();
      }}
    >
      <summary class="icon-button" aria-label={props.label} title={props.label}>
        <Icon name={props.icon} />
      </summary>
      <div class="jam-pop-body">{props.children}</div>
    </details>
  );
}
