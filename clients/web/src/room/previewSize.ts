// The size at which unfinished pictures are shown here: the server makes previews of that size.

/** Sizes of previews: a change within one of them is not sent. */
const SIDES = [64, 128, 192, 256, 384, 512];

/** Device pixels, rounded up to a size of previews, of the longer side of the largest; 0 when there is none. */
export function previewSide(
  boxes: readonly { w: number; h: number }[],
  scale: number,
  pixelRatio: number,
): number {
  const longest = Math.max(0, ...boxes.map((box) => Math.max(box.w, box.h))) * scale * pixelRatio;
  if (!(longest > 0)) return 0;
  return SIDES.find((side) => side >= longest) ?? (SIDES.at(-1) as number);
}
