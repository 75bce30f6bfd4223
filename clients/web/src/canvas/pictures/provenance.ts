// Where a picture comes from: the server's records and the prompt that its author chose.

import type { Picture } from "../objects";

export interface Person {
  id: string;
  name: string;
}
/** `GET /api/rooms/{room}/assets/{sha256}/provenance` (PROTOCOL.md, "Provenance"). */
export interface Provenance {
  origin: "generated" | "uploaded";
  /** IPTC's. */
  digital_source_type: string | null;
  run: {
    id: string;
    model: string;
    task: string;
    prompt: string;
    negative_prompt: string;
    seed: number;
    params: Record<string, unknown>;
    asker: Person;
    asked_ms: number;
  } | null;
  sources: readonly { role: "source" | "mask"; asset: string }[];
  /** Who drew what was in the frame when the picture was requested. */
  source_authors: readonly Person[];
}

/** The words that a person asked with, without those of the style. */
export function ownWords(picture: Picture): { prompt: string; negative_prompt: string } {
  const frame = frameOf(picture);
  const { prompt, negative_prompt } = frame ?? {};
  const negative = frame ? "" : picture.negative_prompt;
  return {
    prompt: typeof prompt === "string" && prompt ? prompt : picture.prompt,
    negative_prompt: typeof negative_prompt === "string" ? negative_prompt : negative,
  };
}

/** The file for download: the server's records and the settings that the author chose. */
export function provenanceFile(picture: Picture, known: Provenance): object {
  return { ...known, asked_with: { ...ownWords(picture), style: picture.style } };
}

/** The frame that the picture replaced; null when the field is invalid. */
function frameOf(picture: Picture): Record<string, unknown> | null {
  try {
    const stored: unknown = JSON.parse(picture.frame || "null");
    return isRecord(stored) && isRecord(stored.fields) ? stored.fields : null;
  } catch {
    return null;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
