// The film as files: text comes at once, the rest is an export (`fileExports`).

import type { RoomHttp } from "./roomHttp";

export const RENDERED = ["mp4", "webm", "pdf", "wav"] as const;
export const TEXTS = ["srt", "vtt", "otio", "fcpxml", "edl", "csv"] as const;
export type Rendered = (typeof RENDERED)[number];
export type FilmFile = Rendered | (typeof TEXTS)[number];

export const isRendered = (kind: FilmFile): kind is Rendered =>
  (RENDERED as readonly string[]).includes(kind);

/** How a file ends. */
export const endingOf = (kind: FilmFile): string => (kind === "wav" ? "zip" : kind);

/** A file of text. Throws ApiError. */
export async function filmText(http: RoomHttp, kind: FilmFile, language: string): Promise<Blob> {
  return (await http.request(`film/text?format=${kind}&language=${language}`)).blob();
}
