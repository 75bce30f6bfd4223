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
  /** What was typed and is still on its way goes before whatever is sent next. */
  flush(): void;
  /** False, and the person was told, when there is no connection. */
  send(message: ClientMessage): boolean;
  /**
   * Sends a request that has no answer of its own. Resolves true when `arrived`, false when it was refused (the person
   * was told) or lost; `ref` is that of an `error`.
   */
  request(message: ClientMessage, ref: string, arrived: () => boolean): Promise<boolean>;
  /** Whether the server has what we wrote. False after some seconds without; the person was told. */
  whenSettled(): Promise<boolean>;
  /** Where a range of our copy is in what the server has told us. */
  placeOf(range: Range): Place;
  /**
   * Where a range of our copy is on the server, once it has what we wrote: only then is it asked for. Null when that
   * takes too long (the person was told), or when `range` finds nothing any more.
   */
  locate(range: () => Range | null): Promise<Place | null>;
}
