// Downloads of a recorded jam.

import type { RoomHttp } from "./roomHttp";

/** The formats, each with the ending of its file. */
export const JAM_FILES = { wav: "wav", flac: "flac", mid: "mid", json: "json" } as const;
export type JamFile = keyof typeof JAM_FILES;

/** Throws ApiError. */
export async function jamFile(http: RoomHttp, kind: JamFile): Promise<Blob> {
  return (await http.request(`jam/export?format=${kind}`)).blob();
}
