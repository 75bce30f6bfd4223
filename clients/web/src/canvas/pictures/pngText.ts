// A description inside a PNG file (https://www.w3.org/TR/png-3/#11iTXt), for programs that show it to people who do not
// see the picture.

/** The signature and the header, which come first. */
const HEADER = 8 + 25;
const KEYWORD = "Description";

/** The same picture with `words` as its description; the same file when there are none. */
export async function described(png: Blob, words: string): Promise<Blob> {
  if (!words) return png;
  return new Blob([png.slice(0, HEADER), chunk(words), png.slice(HEADER)], { type: png.type });
}

function chunk(words: string): Uint8Array<ArrayBuffer> {
  // Keyword, not compressed, no language, no translated keyword.
  const data = new TextEncoder().encode(`iTXt${KEYWORD}\0\0\0\0\0${words.replaceAll("\0", "")}`);
  const made = new Uint8Array(data.length + 8);
  const view = new DataView(made.buffer);
  view.setUint32(0, data.length - 4);
  made.set(data, 4);
  view.setUint32(data.length + 4, crc32(data));
  return made;
}

/** https://www.w3.org/TR/png-3/#5CRC-algorithm */
function crc32(data: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of data) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return (sum ^ 0xffffffff) >>> 0;
}
