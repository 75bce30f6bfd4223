// The room's history over HTTP: its entries, the text at any point, and restoring a point.

import type { CreatedRoom } from "./httpApi";
import type { RoomHttp } from "./roomHttp";

/** Neighbouring entries of one author and run. */
export interface Group {
  first: number;
  last: number;
  author: string;
  run: string | null;
  from_ms: number;
  to_ms: number;
  entries: number;
  bytes: number;
}
export interface Page {
  /** The newest entry of all. */
  last: number;
  /** Oldest first. */
  groups: Group[];
  /** `before` of the next older page; null at the beginning. */
  next: number | null;
  /** Entries `after` + 1 to `until`, lost by damage to the server's storage. */
  missing: Missing[];
}
export interface Missing {
  after: number;
  until: number;
  noticed_ms: number;
}
export interface Piece {
  insert: unknown;
  attributes: Record<string, unknown> | null;
  author: string;
  run: string | null;
}
export interface PastState {
  seq: number;
  at_ms: number;
  author: string;
  run: string | null;
  story: Piece[];
  characters: number;
  /** Every object with its fields, and who made it: [participant, run]. */
  canvas: ({ id: string; creator?: [string, string | null] } & Record<string, unknown>)[];
}
export interface Change {
  op: "equal" | "insert" | "delete";
  text: string;
  author: string;
  run: string | null;
}
export interface Comparison {
  from: number;
  to: number;
  story: Change[];
  /** Ids of objects. */
  canvas: { added: string[]; changed: string[]; removed: string[] };
}

export interface Authorship {
  offset: number;
  /** UTF-8 bytes of the text as it is at room offset `offset`, in order. */
  spans: { start: number; end: number; author: string; run: string | null }[];
}

const PAGE = 400;
/** Higher than the number of any entry. */
const NEWEST = 10 ** 14;

export class HistoryApi {
  constructor(private readonly http: RoomHttp) {}

  /** The newest entries, or those before entry `before`. All of these throw ApiError. */
  page(before: number | null): Promise<Page> {
    return this.http.json(`history?before=${before ?? NEWEST}&limit=${PAGE}`);
  }

  moment(seq: number, signal: AbortSignal): Promise<PastState> {
    return this.http.json(`history/${seq}`, { signal });
  }

  compare(from: number, to: number, signal: AbortSignal): Promise<Comparison> {
    return this.http.json(`compare?from=${from}&to=${to}`, { signal });
  }

  /** Gives a point a name; null: the present. */
  name(name: string, seq: number | null): Promise<unknown> {
    return this.http.json("versions", {
      method: "POST",
      body: JSON.stringify({ name, ...(seq !== null && { seq }) }),
    });
  }

  removeName(version: string): Promise<unknown> {
    return this.http.json(`versions/${encodeURIComponent(version)}`, { method: "DELETE" });
  }

  restore(seq: number): Promise<unknown> {
    return this.http.json("restore", { method: "POST", body: JSON.stringify({ seq }) });
  }

  fork(seq: number): Promise<CreatedRoom> {
    return this.http.json("fork", { method: "POST", body: JSON.stringify({ seq }) });
  }

  /** Who wrote which part of the text as it is. */
  authorship(): Promise<Authorship> {
    return this.http.json("authorship");
  }
}
