// The film as files: text comes at once, what is rendered is asked for and then fetched.

import type { RoomHttp } from "./roomHttp";

export const RENDERED = ["mp4", "webm", "pdf", "wav"] as const;
export const TEXTS = ["srt", "vtt", "otio", "fcpxml", "edl", "csv"] as const;
export type Rendered = (typeof RENDERED)[number];
export type FilmFile = Rendered | (typeof TEXTS)[number];
export interface FilmExport {
  id: string;
  state: "waiting" | "running" | "done" | "failed" | "cancelled";
  frames: number;
  total: number;
  problem: string;
  code: string;
}
const ASK_MS = 500;

export const isRendered = (kind: FilmFile): kind is Rendered =>
  (RENDERED as readonly string[]).includes(kind);

/** How a file ends. */
export const endingOf = (kind: FilmFile): string => (kind === "wav" ? "zip" : kind);

/** A file of text. Throws ApiError. */
export async function filmText(http: RoomHttp, kind: FilmFile, language: string): Promise<Blob> {
  return (await http.request(`film/text?format=${kind}&language=${language}`)).blob();
}

/**
 * Renders the film; `tell` hears how far it is, beginning with its id. Returns the file, or the export that failed or
 * was cancelled. Throws ApiError.
 */
export async function renderFilm(
  http: RoomHttp,
  wanted: { format: Rendered; height: number; language: string },
  tell: (now: FilmExport) => void,
): Promise<Blob | FilmExport> {
  const body = new Blob([JSON.stringify(wanted)], { type: "application/json" });
  let now = (await (await http.post("film/exports", body)).json()) as FilmExport;
  tell(now);
  while (now.state === "waiting" || now.state === "running") {
    await new Promise((resolve) => setTimeout(resolve, ASK_MS));
    now = await http.json<FilmExport>(`film/exports/${now.id}`);
    tell(now);
  }
  if (now.state !== "done") return now;
  return (await http.request(`film/exports/${now.id}/file`)).blob();
}

export async function cancelExport(http: RoomHttp, id: string): Promise<void> {
  await http.request(`film/exports/${id}`, { method: "DELETE" });
}
