// Close codes and error codes, as antiphon_proto/errors.py states them.

export const CloseCode = {
  NORMAL: 1000,
  GOING_AWAY: 1001,
  MALFORMED: 4400,
  UNAUTHORIZED: 4401,
  REVOKED: 4403,
  NO_ROOM: 4404,
  HELLO_TIMEOUT: 4408,
  REPLACED: 4409,
  RESYNC: 4410,
  FOREIGN_ID: 4411,
  TOO_LARGE: 4413,
  VERSION: 4426,
  RATE_LIMITED: 4429,
  INTERNAL: 4500,
  DRAINING: 4503,
  ROOM_FULL: 4507,
} as const;

/** What the client may do after the socket closed. */
export type Verdict = "retry" | "reauthenticate" | "never";

// Codes after which connecting again with the same token cannot succeed, or must be a person's decision.
const FINAL: ReadonlySet<number> = new Set([
  CloseCode.MALFORMED,
  CloseCode.REVOKED,
  CloseCode.NO_ROOM,
  CloseCode.REPLACED,
  CloseCode.TOO_LARGE,
  CloseCode.VERSION,
]);

/** Codes of the server's own are listed; a code that the network made (1005, 1006, ...) means: try again. */
export function verdict(code: number): Verdict {
  if (code === CloseCode.UNAUTHORIZED) return "reauthenticate";
  return FINAL.has(code) ? "never" : "retry";
}
