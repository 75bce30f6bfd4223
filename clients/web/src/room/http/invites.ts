// The room's invite links, for its owners.

import type { Role } from "../../protocol/messages";
import type { RoomHttp } from "./roomHttp";

export interface InviteLink {
  id: string;
  role: Role;
  /** Empty for the three links that every room has. */
  name: string;
  url: string;
  created_ms: number;
  /** From then on it lets nobody in, and members who joined with it leave; null: never. */
  expires_ms: number | null;
  /** Number of people who joined with it. */
  uses: number;
  /** How many people may join with it; null for any number. */
  max_uses: number | null;
  /** Those of them who are members now. */
  members: number;
  standing: boolean;
}

export class Invites {
  constructor(private readonly http: RoomHttp) {}

  /** Throws ApiError, as do the others. Each answers with all links. */
  list(): Promise<InviteLink[]> {
    return this.call("links");
  }

  make(role: Role, name: string, days: number | null, uses: number | null): Promise<InviteLink[]> {
    const body = JSON.stringify({
      role,
      name,
      ...(days !== null && { days }),
      ...(uses !== null && { uses }),
    });
    return this.call("links", { method: "POST", body });
  }

  /** `members`: also removes the members who joined with it. */
  end(link: string, members: boolean): Promise<InviteLink[]> {
    const path = `links/${encodeURIComponent(link)}${members ? "?members=1" : ""}`;
    return this.call(path, { method: "DELETE" });
  }

  private async call(path: string, init: RequestInit = {}): Promise<InviteLink[]> {
    return (await this.http.json<{ links: InviteLink[] }>(path, init)).links;
  }
}
