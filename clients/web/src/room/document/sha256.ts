// SHA-256 (FIPS 180-4). crypto.subtle is missing on plain http, and is asynchronous even for short texts.

const PRIMES: number[] = [];
for (let candidate = 2; PRIMES.length < 64; candidate += 1) {
  if (PRIMES.every((prime) => candidate % prime !== 0)) PRIMES.push(candidate);
}
const fraction = (value: number) => ((value - Math.floor(value)) * 2 ** 32) | 0;
const K = PRIMES.map((prime) => fraction(Math.cbrt(prime)));
const START = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));

const rotate = (word: number, by: number) => (word >>> by) | (word << (32 - by));

/** Bytes between two pauses: a few milliseconds of work. */
const PIECE = 32 * 1024;

export function sha256(data: Uint8Array): Uint8Array {
  const padded = pad(data);
  const hash = Int32Array.from(START);
  update(hash, padded, 0, padded.length);
  return bytesOf(hash);
}

/** The same, with pauses in which the page can do other things. */
export async function sha256InPieces(data: Uint8Array): Promise<Uint8Array> {
  const padded = pad(data);
  const hash = Int32Array.from(START);
  for (let at = 0; at < padded.length; at += PIECE) {
    update(hash, padded, at, Math.min(at + PIECE, padded.length));
    await new Promise((resolve) => setTimeout(resolve));
  }
  return bytesOf(hash);
}

function pad(data: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((data.length + 9) / 64) * 64);
  padded.set(data);
  padded[data.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(data.length / 2 ** 29));
  view.setUint32(padded.length - 4, data.length << 3);
  return padded;
}

function update(hash: Int32Array, padded: Uint8Array, start: number, end: number): void {
  const view = new DataView(padded.buffer);
  const words = new Int32Array(64);
  for (let block = start; block < end; block += 64) {
    for (let i = 0; i < 16; i += 1) words[i] = view.getInt32(block + i * 4);
    compress(hash, words);
  }
}

function bytesOf(hash: Int32Array): Uint8Array {
  const out = new DataView(new ArrayBuffer(32));
  hash.forEach((word, index) => {
    out.setInt32(index * 4, word);
  });
  return new Uint8Array(out.buffer);
}

function compress(hash: Int32Array, words: Int32Array): void {
  const word = (index: number) => words[index] as number;
  for (let i = 16; i < 64; i += 1) {
    const low = rotate(word(i - 15), 7) ^ rotate(word(i - 15), 18) ^ (word(i - 15) >>> 3);
    const high = rotate(word(i - 2), 17) ^ rotate(word(i - 2), 19) ^ (word(i - 2) >>> 10);
    words[i] = word(i - 16) + low + word(i - 7) + high;
  }
  let [a, b, c, d, e, f, g, h] = hash as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  for (let i = 0; i < 64; i += 1) {
    const choose = (e & f) ^ (~e & g);
    const one =
      (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + choose + (K[i] as number) + word(i)) | 0;
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const two = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((value, index) => {
    hash[index] = (hash[index] as number) + value;
  });
}
