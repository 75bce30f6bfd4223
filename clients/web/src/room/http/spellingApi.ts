// Asks the server for faults of spelling and grammar in pieces of text.

import type { RoomHttp } from "./roomHttp";

export type SpellingLanguage = "en" | "ru";
export interface Passage {
  text: string;
  language: SpellingLanguage;
}
/** A fault at [start, end) of a passage, in UTF-16 units. */
export interface Finding {
  start: number;
  end: number;
  kind: string;
  replacements: readonly string[];
  /** Why, in the language of the checker; may be empty. */
  message: string;
}

export class SpellingApi {
  constructor(private readonly http: RoomHttp) {}

  /** The faults of each passage; null where its language is not checked by this server. Throws ApiError. */
  async check(passages: readonly Passage[]): Promise<readonly (readonly Finding[] | null)[]> {
    const body = new Blob([JSON.stringify({ passages })], { type: "application/json" });
    const answer = await this.http.json<{ findings?: (readonly Finding[] | null)[] } | null>("spelling", {
      method: "POST",
      body,
    });
    return answer?.findings ?? [];
  }
}
