// Search in the room, which the server makes: by words in any form, and by meaning.

import type { RoomHttp } from "./roomHttp";

export type HitKind = "text" | "chat" | "comment" | "board";

/** A passage. `start`: where it begins in the story; `marks`: [start, end) in `text` of the words that were looked for. */
export interface Hit {
  kind: HitKind;
  text: string;
  by: "words" | "meaning";
  marks: readonly (readonly [number, number])[];
  /** Of the message, comment or object; "" in the story. */
  id: string;
  start: number;
  author: string;
  ms: number;
}

export interface Found {
  hits: readonly Hit[];
  meaning: "ready" | "absent" | "off";
  /** Passages whose meaning is not read yet. */
  pending: number;
  /** Passages that are found by their words alone. */
  left_out: number;
}

/** Most characters of a query. */
export const MAX_QUERY = 200;

export class SearchApi {
  constructor(private readonly http: RoomHttp) {}

  /** Throws ApiError. */
  async find(query: string, signal: AbortSignal): Promise<Found> {
    const body = new Blob([JSON.stringify({ query })], { type: "application/json" });
    const answer = await this.http.json<Partial<Found> | null>("search", { method: "POST", body, signal });
    return {
      hits: answer?.hits ?? [],
      meaning: answer?.meaning ?? "absent",
      pending: answer?.pending ?? 0,
      left_out: answer?.left_out ?? 0,
    };
  }
}
