// Files of a recorded jam: notes at once, sound as an export with progress. All functions throw ApiError.

import type { RoomHttp } from "./roomHttp";

/** Made at once, each with the ending of its file. */
export const JAM_TEXTS = { mid: "mid", json: "json" } as const;
/** Made as an export; `zip` are stems, one file for each part. */
export const JAM_SOUNDS = { wav: "wav", flac: "flac", zip: "zip" } as const;
export type JamText = keyof typeof JAM_TEXTS;
export type JamSound = keyof typeof JAM_SOUNDS;

export interface JamPart {
  part: "person" | "loop" | "band";
  key: string;
  name: string;
}

/** Times are server time, in milliseconds. */
export interface JamSession {
  from_ms: number;
  to_ms: number;
  name: string;
  people: readonly string[];
  parts: readonly JamPart[];
}

/** Which part of the record; `part` null: everybody. */
export interface JamExcerpt {
  fromMs: number;
  toMs: number;
  part: JamPart | null;
}

const json = (body: unknown) => new Blob([JSON.stringify(body)], { type: "application/json" });
const nameOf = ({ part, key }: JamPart) => `${part}:${key}`;

/** Oldest first. */
export async function jamSessions(http: RoomHttp): Promise<readonly JamSession[]> {
  const answer = await http.json<{ sessions?: JamSession[] } | null>("jam/sessions");
  return answer?.sessions ?? [];
}

export async function nameJamSession(http: RoomHttp, atMs: number, name: string): Promise<void> {
  await http.post("jam/sessions", json({ at_ms: atMs, name }));
}

export async function jamText(http: RoomHttp, kind: JamText, excerpt: JamExcerpt): Promise<Blob> {
  const query = new URLSearchParams({
    format: kind,
    from: String(Math.floor(excerpt.fromMs)),
    to: String(Math.ceil(excerpt.toMs)),
  });
  if (excerpt.part) query.set("part", nameOf(excerpt.part));
  return (await http.request(`jam/export?${query}`)).blob();
}

/** What an export of sound is asked with (`fileExports`). */
export const soundOf = (kind: JamSound, excerpt: JamExcerpt) => ({
  format: kind,
  from_ms: excerpt.fromMs,
  to_ms: excerpt.toMs,
  parts: excerpt.part ? [nameOf(excerpt.part)] : [],
});
