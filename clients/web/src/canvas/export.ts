// Saves the board, or a part of it, as a file. Strokes stay vectors in SVG; PNG is that SVG, rasterised.

import { PAPER, type Part, parts, turn } from "./drawing";
import { around, type Box, bounds, liveBox, middle } from "./geometry";
import { type BoardObject, shownBy } from "./objects";

const MARGIN = 16;
const MAX_SIDE = 8192;
/** Longest side of a PNG in pixels: canvases of browsers are limited. */
const MAX_PIXELS = 64_000_000;

/** The objects to export, and their box. Frames are a tool, and not exported unless they hold a picture. */
export function exported(objects: readonly BoardObject[]): { objects: BoardObject[]; box: Box } | null {
  const shown = objects.filter(
    (object) => !object.hidden && (object.type !== "frame" || object.asset !== ""),
  );
  const box = around(shown.map((object) => (object.type === "frame" ? liveBox(object) : bounds(object))));
  if (!box) return null;
  const grown = { x: box.x - MARGIN, y: box.y - MARGIN, w: box.w + 2 * MARGIN, h: box.h + 2 * MARGIN };
  return { objects: shown, box: grown };
}

/** An SVG file. `picture` gives the content of an asset as a data address; `turned` is the rotation of the box. */
export function svgFile(
  objects: readonly BoardObject[],
  box: Box,
  size: { width: number; height: number },
  picture: (asset: string) => string | null,
  turned = 0,
): string {
  const drawn = objects.map((object) => {
    const transform = turn(object);
    const attributes = {
      ...(transform ? { transform } : {}),
      ...(object.opacity < 1 ? { opacity: object.opacity } : {}),
    };
    const words = shownBy(object);
    const said = words ? { role: "img", "aria-label": words } : {};
    const title = words ? `<title>${escaped(words)}</title>` : "";
    return `<g${written({ ...attributes, ...said })}>${title}${parts(object, picture).map(element).join("")}</g>`;
  });
  const { width, height } = size;
  const view = { xmlns: "http://www.w3.org/2000/svg", viewBox: `${box.x} ${box.y} ${box.w} ${box.h}` };
  const paper = element({
    tag: "rect",
    attributes: { x: box.x, y: box.y, width: box.w, height: box.h, fill: PAPER },
  });
  const { x, y } = middle(box);
  const upright = turned === 0 ? "" : written({ transform: `rotate(${-turned} ${x} ${y})` });
  return `<svg${written({ ...view, width, height })}>${paper}<g${upright}>${drawn.join("")}</g></svg>`;
}

/** Pixels of the box at scale 1, or fewer where that would be too many. */
export function naturalSize(box: Box, scale = 1): { width: number; height: number } {
  const factor = Math.min(scale, MAX_SIDE / box.w, MAX_SIDE / box.h, Math.sqrt(MAX_PIXELS / (box.w * box.h)));
  return { width: Math.max(1, Math.round(box.w * factor)), height: Math.max(1, Math.round(box.h * factor)) };
}

/** The pictures among `objects` as data URLs: a file must contain what it shows. */
export async function contents(
  objects: readonly BoardObject[],
  load: (asset: string) => Promise<Blob>,
): Promise<Map<string, string>> {
  const assets = new Set(
    objects.flatMap((object) => ("asset" in object && object.asset ? [object.asset] : [])),
  );
  const loaded = [...assets].map(async (asset) => [asset, await dataUrl(await load(asset))] as const);
  return new Map(await Promise.all(loaded));
}

/** A PNG of the board inside `box`. */
export async function pngFile(
  objects: readonly BoardObject[],
  box: Box,
  size: { width: number; height: number },
  load: (asset: string) => Promise<Blob>,
  turned = 0,
): Promise<Blob> {
  const held = await contents(objects, load);
  const svg = svgFile(objects, box, size, (asset) => held.get(asset) ?? null, turned);
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = size.width;
    canvas.height = size.height;
    canvas.getContext("2d")?.drawImage(image, 0, 0, size.width, size.height);
    return await new Promise((resolve, reject) => {
      canvas.toBlob(
        (blob) => (blob ? resolve(blob) : reject(new Error("the picture is too large"))),
        "image/png",
      );
    });
  } finally {
    URL.revokeObjectURL(url);
  }
}

export function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function dataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

function element({ tag, attributes, text }: Part): string {
  return text === undefined
    ? `<${tag}${written(attributes)}/>`
    : `<${tag}${written(attributes)}>${escaped(text)}</${tag}>`;
}

function written(attributes: Record<string, string | number>): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escaped(String(value))}"`)
    .join("");
}

// Control characters, which XML cannot contain, are removed.
const escaped = (text: string) =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "")
    .replace(/[&<>"]/g, (each) => `&#${each.charCodeAt(0)};`);
