// The phases of a connection, and every transition between them.
//
//   connecting   a socket is being opened, or `welcome` is awaited
//   open         `welcome` has come; messages flow
//   offline      no socket; the next attempt has a time
//   denied       no socket, and trying again by ourselves makes no sense
//   closed       we left

export type PhaseName = "connecting" | "open" | "offline" | "denied" | "closed";

export type Phase =
  | { name: "connecting" }
  | { name: "open"; sinceMs: number }
  | { name: "offline"; retryAtMs: number; code: number }
  | { name: "denied"; code: number; reason: string }
  | { name: "closed" };

export type PhaseEvent = "welcomed" | "lost" | "refused" | "retry" | "leave";

const NEXT: Record<PhaseName, Partial<Record<PhaseEvent, PhaseName>>> = {
  connecting: { welcomed: "open", lost: "offline", refused: "denied", leave: "closed" },
  open: { lost: "offline", refused: "denied", retry: "connecting", leave: "closed" },
  offline: { retry: "connecting", leave: "closed" },
  denied: { retry: "connecting", leave: "closed" },
  closed: {},
};

/** The next phase; null when the event has no meaning in this one. */
export function follow(from: PhaseName, event: PhaseEvent): PhaseName | null {
  return NEXT[from][event] ?? null;
}
