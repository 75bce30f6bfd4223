// The awareness state as it stands on the wire: JSON, in the field names that y-protocols' users share.

import { createRelativePositionFromJSON, type RelativePosition } from "yjs";

export interface Presence {
  name: string;
  /** Null when the cursor is not in the text. */
  cursor: { anchor: RelativePosition; head: RelativePosition } | null;
}

export function writePresence(presence: Presence): string {
  return JSON.stringify({ user: { name: presence.name }, cursor: presence.cursor });
}

/** What a peer said about itself, or null when it hides or makes no sense. */
export function readPresence(state: string): Presence | null {
  try {
    const value: unknown = JSON.parse(state);
    if (typeof value !== "object" || value === null) return null;
    const { user, cursor } = value as {
      user?: { name?: unknown };
      cursor?: { anchor?: unknown; head?: unknown } | null;
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
    };
  } catch {
    return null;
  }
}
