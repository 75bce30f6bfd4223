// The band's controls, read from the jam's part of the shared document.

import type { BandRole } from "../../protocol/messages";

export const ROLES: readonly BandRole[] = ["lead", "chords", "pad", "bass", "drums"];
export const BAND_MODES = ["accompany", "answer", "free"] as const;
export type BandMode = (typeof BAND_MODES)[number];
/** Beats until the band reacts to what people play. */
export const REACTIONS = [0.25, 0.5, 1, 2, 4] as const;
export const MAX_PROMPTS = 8;

export interface BandControls {
  prompts: readonly (readonly [string, number])[];
  mode: BandMode;
  roles: Readonly<Record<BandRole, boolean>>;
  volumes: Readonly<Partial<Record<BandRole, number>>>;
  pans: Readonly<Partial<Record<BandRole, number>>>;
  muted: Readonly<Partial<Record<BandRole, boolean>>>;
  solo: Readonly<Partial<Record<BandRole, boolean>>>;
  instruments: Readonly<Partial<Record<BandRole, number>>>;
  /** Null: as the model likes. */
  density: number | null;
  brightness: number | null;
  reaction: number;
  temperature: number;
}

const DEFAULT_ROLES: Record<BandRole, boolean> = {
  lead: false,
  bass: true,
  chords: true,
  pad: false,
  drums: true,
};

/** Where a role stands that nobody has moved, as antiphon_proto/document/jam.py has it. */
export const ROLE_PANS: Record<BandRole, number> = {
  lead: 0.6,
  bass: 0.5,
  chords: 0.36,
  pad: 0.5,
  drums: 0.5,
};

const isUnit = (value: unknown): value is number => typeof value === "number" && value >= 0 && value <= 1;
const record = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};

function byRole<T>(value: unknown, holds: (item: unknown) => item is T): Partial<Record<BandRole, T>> {
  const raw = record(value);
  const out: Partial<Record<BandRole, T>> = {};
  for (const role of ROLES) if (holds(raw[role])) out[role] = raw[role];
  return out;
}

/** `value` is the document's `band` as JSON. */
export function readControls(value: unknown): BandControls {
  const raw = record(value);
  const prompts = Object.entries(record(raw.prompts))
    .filter((entry): entry is [string, number] => isUnit(entry[1]))
    .slice(0, MAX_PROMPTS);
  const isProgram = (item: unknown): item is number =>
    Number.isInteger(item) && (item as number) >= 0 && (item as number) <= 128;
  const isBool = (item: unknown): item is boolean => typeof item === "boolean";
  return {
    prompts: raw.prompts === undefined ? [["pop", 1]] : prompts,
    mode: BAND_MODES.find((mode) => mode === raw.mode) ?? "accompany",
    roles: { ...DEFAULT_ROLES, ...byRole(raw.roles, isBool) },
    volumes: byRole(raw.volumes, isUnit),
    pans: byRole(raw.pans, isUnit),
    muted: byRole(raw.muted, isBool),
    solo: byRole(raw.solo, isBool),
    instruments: byRole(raw.instruments, isProgram),
    density: isUnit(raw.density) ? raw.density : null,
    brightness: isUnit(raw.brightness) ? raw.brightness : null,
    reaction: typeof raw.reaction === "number" ? raw.reaction : 0.5,
    temperature: typeof raw.temperature === "number" ? raw.temperature : 0.9,
  };
}
