// What the parts of a room need from it: the document, sending, and positions in the server's offsets.

import type { ReadonlySignal } from "@preact/signals";
import type { Doc } from "yjs";
import type { ClientMessage } from "../protocol/messages";

/** UTF-16 indices of our copy. */
export interface Range {
  start: number;
  end: number;
}
/** UTF-8 offsets of the story as it was at room offset `offset`. */
export interface Place {
  offset: number;
  start: number;
  end: number;
}

export interface RoomPort {
  readonly doc: ReadonlySignal<Doc>;
  /** Sends pending edits now, before the next message. */
  flush(): void;
  /** Returns false, after a notice, when there is no connection. */
  send(message: ClientMessage): boolean;
  /**
   * Sends a request that has no answer of its own. Resolves true when `arrived`, false when it was refused (with a
   * notice) or lost; `ref` is that of an `error`.
   */
  request(message: ClientMessage, ref: string, arrived: () => boolean): Promise<boolean>;
  /** Resolves true when the server has all our edits; false, after a notice, when that takes too long. */
  whenSettled(): Promise<boolean>;
  /** Converts a range of our copy to the server's offsets at our room offset. */
  placeOf(range: Range): Place;
  /**
   * The same once the server has all our edits; `range` is called only then. Null when that takes too long (with a
   * notice), or when `range` finds nothing any more.
   */
  locate(range: () => Range | null): Promise<Place | null>;
}
