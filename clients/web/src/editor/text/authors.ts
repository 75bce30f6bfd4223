// Converts author ranges from the server's UTF-8 bytes to UTF-16 indices.

import type { Span } from "../../room/document/delta";

/** Author -> stretches of theirs, in order; a stretch never splits a character. */
export function spansByAuthor(
  text: string,
  spans: readonly { end: number; author: string }[],
): Map<string, Span[]> {
  const found = new Map<string, Span[]>();
  let byte = 0;
  let index = 0;
  for (const { end, author } of spans) {
    const start = index;
    while (byte < end && index < text.length) {
      const code = text.codePointAt(index) as number;
      byte += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      index += code < 0x10000 ? 1 : 2;
    }
    if (index > start)
      found.set(author, [...(found.get(author) ?? []), { index: start, length: index - start }]);
  }
  return found;
}
