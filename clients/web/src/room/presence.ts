// The awareness state on the wire: JSON with the field names that users of y-protocols share.

import { createRelativePositionFromJSON, type RelativePosition } from "yjs";
import { type Hand, readHand } from "../canvas/presenceHand";

export interface Presence {
  name: string;
  /** Null when the cursor is not in the text. */
  cursor: { anchor: RelativePosition; head: RelativePosition } | null;
  /** Null when the hand is not at the canvas. */
  hand: Hand | null;
}

/** Our own state; `hand` is written already. */
export function writePresence(name: string, cursor: Presence["cursor"], hand: object | null): string {
  return JSON.stringify({ user: { name }, cursor, ...(hand ? { hand } : {}) });
}

/** A peer's state; null when it is hidden or invalid. */
export function readPresence(state: string): Presence | null {
  try {
    const value: unknown = JSON.parse(state);
    if (typeof value !== "object" || value === null) return null;
    const { user, cursor, hand } = value as {
      user?: { name?: unknown };
      cursor?: { anchor?: unknown; head?: unknown } | null;
      hand?: unknown;
    };
    return {
      name: typeof user?.name === "string" ? user.name : "",
      cursor:
        cursor?.anchor && cursor.head
          ? {
              anchor: createRelativePositionFromJSON(cursor.anchor),
              head: createRelativePositionFromJSON(cursor.head),
            }
          : null,
      hand: readHand(hand),
    };
  } catch {
    return null;
  }
}
