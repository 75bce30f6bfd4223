// The request that a frame makes to the model: the person's settings, within the model's limits.

import type { Changed, Fields, Frame, Request } from "../canvas/objects";
import type { ImageModel, ImageParams, RunInfo } from "../protocol/messages";
import { styled } from "./styles";

const MAX_PROMPT = 2000;

/** The default strength. Under a mask nothing of the source need stay. */
export function usualStrength(task: Request["task"], model: ImageModel | null): number {
  return task === "inpaint" ? 1 : (model?.strength ?? 0.6);
}

export function requestOf(
  wanted: Request,
  model: ImageModel | null,
): { prompt: string; params: ImageParams } {
  const { style, prompt, negative_prompt } = wanted;
  const words = styled(style, prompt.trim(), negative_prompt.trim(), model?.styles ?? []);
  const params: ImageParams = {};
  if (words.negative_prompt) params.negative_prompt = words.negative_prompt.slice(0, MAX_PROMPT);
  if (wanted.task !== "text_to_image") params.strength = wanted.strength ?? usualStrength(wanted.task, model);
  if (wanted.steps !== null) params.steps = Math.round(wanted.steps);
  if (wanted.guidance !== null) params.guidance = wanted.guidance;
  if (wanted.seed !== null) params.seed = wanted.seed;
  // A frame may have been made for another model.
  if (model?.samplers.includes(wanted.sampler)) params.sampler = wanted.sampler;
  if (model?.adapters.includes(wanted.adapter))
    params.adapters = [{ name: wanted.adapter, scale: wanted.adapter_scale ?? 1 }];
  return { prompt: words.prompt.slice(0, MAX_PROMPT), params };
}

/** 32 random bits: short enough to be read out. */
export function newSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] as number;
}

/** Settings that a person's next frame takes over. */
export const KEPT = [
  "style",
  "negative_prompt",
  "steps",
  "guidance",
  "sampler",
  "adapter",
  "adapter_scale",
] as const;
export type Settings = Partial<Record<(typeof KEPT)[number], string | number>>;

/** The settings after a change; a removed one is the model's default again. */
export function kept(before: Settings, change: Changed): Settings {
  const after: Settings = { ...before };
  for (const name of KEPT) {
    const value = change[name];
    if (value === undefined) continue;
    if (typeof value === "string" || typeof value === "number") after[name] = value;
    if (value === null || value === "") delete after[name];
  }
  return after;
}

/** The valid part of stored settings, which may be of another version. */
export function settingsOf(stored: unknown): Fields {
  if (typeof stored !== "object" || stored === null) return {};
  const out: Fields = {};
  const known = stored as Record<string, unknown>;
  for (const name of ["style", "negative_prompt", "sampler", "adapter"] as const) {
    const value = known[name];
    if (typeof value === "string" && value.length <= (name === "negative_prompt" ? MAX_PROMPT : 64))
      out[name] = value;
  }
  const { steps, guidance, adapter_scale } = known;
  if (typeof adapter_scale === "number" && Math.abs(adapter_scale) <= 2) out.adapter_scale = adapter_scale;
  if (typeof steps === "number" && steps >= 1 && steps <= 100) out.steps = Math.round(steps);
  if (typeof guidance === "number" && guidance >= 0 && guidance <= 30) out.guidance = guidance;
  return out;
}

/** The fields of a picture that was kept from a live frame; `run` painted it, if it is still known. */
export function keptFields(frame: Frame, run: RunInfo | undefined, model: ImageModel | null): Fields {
  const { prompt, params } = requestOf({ ...frame, task: "image_to_image" }, model);
  const known: Fields = run
    ? {
        run: run.id,
        asker: run.participant,
        model: run.model,
        task: run.task,
        prompt: run.instruction,
        seed: run.seed,
        params: JSON.stringify({ ...params, seed: run.seed }),
      }
    : { prompt };
  if (frame.style) known.style = frame.style;
  if (params.negative_prompt) known.negative_prompt = params.negative_prompt;
  return known;
}

/** The request fields of a frame, without its results. */
export function frameFields(frame: Frame): Fields {
  const { prompt, negative_prompt, task, strength, steps, guidance, sampler, style } = frame;
  const { adapter, adapter_scale, source, mask } = frame;
  const painted = { prompt, negative_prompt, task, strength, steps, guidance, sampler, style };
  const all = { ...painted, adapter, adapter_scale, source, mask };
  const given = Object.entries(all).filter(([, value]) => value !== null && value !== "");
  return { type: "frame", ...(Object.fromEntries(given) as Fields) };
}
