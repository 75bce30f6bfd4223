// HTTP requests about one room, as the member who sends them.

import { ApiError, codeOf, messageOf } from "./httpApi";

/** Who asks: a room, the token that opens it, and the session secret of the member (null: not joined yet). */
export interface Caller {
  room: string;
  token: string;
  session: string | null;
}

export class RoomHttp {
  /** `caller` is asked at each request: a member gets a new token and session while the page is open. */
  constructor(private readonly caller: () => Caller) {}

  /**
   * Requests `/api/rooms/{room}/{path}`. Throws ApiError with the server's message, or with "" when it does not
   * answer; a request that was aborted throws what `fetch` throws.
   */
  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const { room, token, session } = this.caller();
    const headers: Record<string, string> = { Authorization: `Bearer ${token}` };
    if (session) headers["X-Antiphon-Session"] = session;
    let answer: Response;
    try {
      answer = await fetch(`/api/rooms/${encodeURIComponent(room)}/${path}`, { ...init, headers });
    } catch (error) {
      if (init.signal?.aborted) throw error; // a newer request made it needless: no failure of the server
      throw new ApiError("");
    }
    if (answer.ok) return answer;
    const body: unknown = await answer.json().catch(() => null);
    throw new ApiError(messageOf(body) || `${answer.status} ${answer.statusText}`, codeOf(body));
  }

  /** The same for an answer in JSON; null when it is not JSON. */
  async json<T>(path: string, init: RequestInit = {}): Promise<T> {
    const answer = await this.request(path, init);
    return (await answer.json().catch(() => null)) as T;
  }

  post(path: string, body?: Blob): Promise<Response> {
    return this.request(path, { method: "POST", ...(body && { body }) });
  }
}
