// The kind of a file dropped on the board, by its first bytes and its name: pictures that the server reads are sent
// there, others are named in a notice.

export interface FileKind {
  /** Whether it is sent to the server. */
  picture: boolean;
  /** What people call it. */
  label: string;
}

/** Bytes that `kindOf` looks at. */
export const HEAD = 1024;

const PICTURES: [label: string, start: RegExp][] = [
  ["PNG", /^\x89PNG/],
  ["JPEG", /^\xff\xd8\xff/],
  ["GIF", /^GIF8/],
  ["WebP", /^RIFF[\s\S]{4}WEBP/],
  ["BMP", /^BM/],
  ["TIFF", /^(II\*\0|MM\0\*)/],
  ["AVIF", /^[\s\S]{4}ftyp[\s\S]{0,64}avi[fs]/],
  ["HEIF", /^[\s\S]{4}ftyp(hei[cmsx]|hev[cx]|mif1|msf1)/],
  ["SVG", /^(\xef\xbb\xbf)?\s*<(?=\?xml|!--|!DOCTYPE|svg)[\s\S]*?svg[\s>]/],
];
const OTHERS: [label: string, start: RegExp][] = [
  ["PDF", /^%PDF/],
  ["Photoshop", /^8BPS/],
  ["ZIP", /^PK[^A-Za-z]{2}/],
];
const NAMES: Record<string, string> = {
  excalidraw: "Excalidraw",
  excalidrawlib: "Excalidraw",
  tldr: "tldraw",
  psd: "Photoshop",
  ai: "Illustrator",
  eps: "EPS",
  pdf: "PDF",
  ico: "ICO",
  jxl: "JPEG XL",
  jp2: "JPEG 2000",
  xcf: "GIMP",
  kra: "Krita",
  sketch: "Sketch",
  fig: "Figma",
};

export function kindOf(head: Uint8Array, name: string): FileKind {
  const start = String.fromCharCode(...head.subarray(0, HEAD));
  const found = PICTURES.find(([, pattern]) => pattern.test(start));
  if (found) return { picture: true, label: found[0] };
  const extension = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";
  const other = NAMES[extension] ?? OTHERS.find(([, pattern]) => pattern.test(start))?.[0];
  return { picture: false, label: other ?? extension.toUpperCase() };
}
