// Files that the server takes minutes to make: begun, asked about, fetched. All functions throw ApiError.

import type { RoomHttp } from "./roomHttp";

/** Where the exports of a surface are. */
export type ExportPath = "film/exports" | "jam/exports";

export interface FileExport {
  id: string;
  state: "waiting" | "running" | "done" | "failed" | "cancelled";
  /** 0 to 1. */
  done: number;
  problem: string;
  code: string;
}
const ASK_MS = 500;

/**
 * Has a file made; `tell` hears how far it is, beginning with its id. Returns the file, or the export that failed or
 * was cancelled.
 */
export async function exportFile(
  http: RoomHttp,
  path: ExportPath,
  wanted: unknown,
  tell: (now: FileExport) => void,
): Promise<Blob | FileExport> {
  const body = new Blob([JSON.stringify(wanted)], { type: "application/json" });
  let now = (await (await http.post(path, body)).json()) as FileExport;
  tell(now);
  while (now.state === "waiting" || now.state === "running") {
    await new Promise((resolve) => setTimeout(resolve, ASK_MS));
    now = await http.json<FileExport>(`${path}/${now.id}`);
    tell(now);
  }
  if (now.state !== "done") return now;
  return (await http.request(`${path}/${now.id}/file`)).blob();
}

export async function cancelExport(http: RoomHttp, path: ExportPath, id: string): Promise<void> {
  await http.request(`${path}/${id}`, { method: "DELETE" });
}
