// The shared document: one Yjs document of one lineage, and conversions between UTF-16 indices and the protocol's
// UTF-8 offsets.

import {
  ContentAny,
  ContentString,
  Doc,
  decodeUpdate,
  getItem,
  getState,
  Item,
  Map as YMap,
  type Text as YText,
} from "yjs";
import { sha256, sha256InPieces } from "./sha256";

export const STORY = "story";
export const META = "meta";
/** Origin of changes that came from the server. */
export const REMOTE = Symbol("remote");
/** Origin of what an earlier page wrote. */
export const RESTORED = Symbol("restored");

/** Fields of the shared maps that hold a person's words. */
const WORDY: ReadonlySet<string> = new Set([
  ...["title", "tone", "person", "tense", "keep", "avoid", "facts"],
  ...["text", "prompt", "negative_prompt", "name"],
]);

const encoder = new TextEncoder();

export function newDocument(): Doc {
  // Deleted text is collected as usual: undo lives on the server.
  const doc = new Doc({ gc: true });
  // When others delete, Yjs takes superfluous marks of formatting out of every page's copy, as an edit of its own: also in
  // the page of a viewer, who may not edit. It does so for texts that it knows to have formatting.
  Object.defineProperty(doc.getText(STORY), "_hasFormatting", { get: () => false, set: () => undefined });
  return doc;
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

/** The same, without holding up the page; a page without `crypto.subtle` (plain http) takes it in pieces. */
export async function digestLater(text: string): Promise<Uint8Array> {
  const bytes = encoder.encode(text);
  const whole = crypto.subtle
    ? new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))
    : await sha256InPieces(bytes);
  return whole.slice(0, 16);
}

/**
 * The text that our updates put into `doc`: what a person would want back if the updates are lost. The characters of the
 * story, and the present values of fields that were written (the title, the style card, texts of the canvas).
 */
export function insertedText(updates: Uint8Array[], doc: Doc): string {
  const parts: string[] = [];
  const fields = new Set<string>();
  for (const update of updates) {
    for (const struct of decodeUpdate(update).structs) {
      if (!(struct instanceof Item)) continue;
      if (struct.content instanceof ContentString) parts.push(struct.content.str);
      // An update says of which field a value is for the first value only; the document knows.
      else if (struct.content instanceof ContentAny)
        for (const words of wordsOf(struct, doc)) fields.add(words);
    }
  }
  const story = parts.join("");
  return [...(story ? [story] : []), ...fields].join("\n");
}

/** The text of the field that an item is a value of. */
function wordsOf({ id }: Item, doc: Doc): string[] {
  if (getState(doc.store, id.client) <= id.clock) return [];
  const item = getItem(doc.store, id);
  if (!(item instanceof Item) || !(item.parent instanceof YMap) || item.parentSub === null) return [];
  const words: unknown = WORDY.has(item.parentSub) ? item.parent.get(item.parentSub) : null;
  return typeof words === "string" && words.trim() ? [words] : [];
}
