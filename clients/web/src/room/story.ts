// The shared document: one Yjs document of one lineage, and the arithmetic between its UTF-16 and the wire's UTF-8.

import { ContentString, Doc, decodeUpdate, Item, type Map as YMap, type Text as YText } from "yjs";
import { sha256 } from "./sha256";

export const STORY = "story";
export const META = "meta";
/** Origin of changes that came from the server. */
export const REMOTE = Symbol("remote");

const encoder = new TextEncoder();

export function newDocument(): Doc {
  // Deleted text is collected as usual: undo lives on the server.
  return new Doc({ gc: true });
}

export const storyOf = (doc: Doc): YText => doc.getText(STORY);
export const metaOf = (doc: Doc): YMap<unknown> => doc.getMap(META);

/** UTF-8 byte offset of a UTF-16 index; an index past the end counts as the end. */
export function byteOffset(text: string, index: number): number {
  return encoder.encode(text.slice(0, index)).length;
}

/** The digest that the server sends: first 16 bytes of SHA-256 of the story's UTF-8 text. */
export function digestOf(text: string): Uint8Array {
  return sha256(encoder.encode(text)).slice(0, 16);
}

/** The characters that an update inserts: what a person would want back if the update is lost. */
export function insertedText(updates: Uint8Array[]): string {
  const parts: string[] = [];
  for (const update of updates) {
    for (const struct of decodeUpdate(update).structs) {
      if (struct instanceof Item && struct.content instanceof ContentString) parts.push(struct.content.str);
    }
  }
  return parts.join("");
}
