// Creating a room over HTTP, and the form of invite links: `/r/{room}#{token}`. The token is in the fragment, so it
// appears in no log and no referrer.

export interface CreatedRoom {
  room: string;
  /** Addresses and tokens by role. */
  links: Record<string, string>;
  tokens: Record<string, string>;
}

export class ApiError extends Error {
  /** `message`: the server's message, "" when it did not answer; `code`: the error code, if there is one. */
  constructor(
    message: string,
    readonly code = "",
  ) {
    super(message);
  }
}

/** Creates a room. Throws ApiError with the server's message, or "" when it does not answer. */
export async function createRoom(): Promise<CreatedRoom> {
  let answer: Response;
  try {
    answer = await fetch("/api/rooms", { method: "POST" });
  } catch {
    throw new ApiError("");
  }
  const body: unknown = await answer.json().catch(() => null);
  if (answer.status === 201) return body as CreatedRoom;
  throw new ApiError(messageOf(body) || `${answer.status} ${answer.statusText}`, codeOf(body));
}

export function messageOf(body: unknown): string {
  if (typeof body !== "object" || body === null) return "";
  const { message, error } = body as { message?: unknown; error?: unknown };
  if (typeof message === "string") return message;
  if (typeof error === "object" && error !== null) return messageOf(error);
  return typeof error === "string" ? error : "";
}

export function codeOf(body: unknown): string {
  const error = typeof body === "object" && body !== null ? (body as { error?: unknown }).error : null;
  const code = typeof error === "object" && error !== null ? (error as { code?: unknown }).code : null;
  return typeof code === "string" ? code : "";
}

export interface Invite {
  room: string;
  token: string;
}

/** The room and token of an invite link of this server; null for anything else. `?token=` works as well. */
export function readInvite(address: string, origin: string): Invite | null {
  let url: URL;
  try {
    url = new URL(address.trim(), origin);
  } catch {
    return null;
  }
  const match = /^\/r\/([^/]+)\/?$/.exec(url.pathname);
  if (url.origin !== origin || !match?.[1]) return null;
  return {
    room: decodeURIComponent(match[1]),
    token: url.hash.slice(1) || url.searchParams.get("token") || "",
  };
}

export function socketUrl(location: { protocol: string; host: string }): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
}
