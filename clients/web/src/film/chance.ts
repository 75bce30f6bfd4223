// Numbers that look like chance and are the same in Python, and colours: what the evaluator's parts share. The same as
// server/antiphon_server/film/chance.py.

/** FNV-1a of the code points, 32 bits, mixed. */
export function hashOf(text: string): number {
  let found = 2166136261;
  for (const letter of text) found = Math.imul(found ^ (letter.codePointAt(0) ?? 0), 16777619);
  return mix(found);
}

/** A number of 31 bits. */
export function mix(value: number): number {
  let mixed = value >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b) >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b) >>> 0;
  return (mixed ^ (mixed >>> 16)) & 0x7fffffff;
}

/** The rest of a division, never below zero. */
export const modulo = (value: number, by: number): number => ((value % by) + by) % by;

/** `#rrggbb` darker (below 1) or lighter. */
export function shade(colour: string, factor: number): string {
  const part = (first: number) => {
    const value = Math.floor(Number.parseInt(colour.slice(first, first + 2), 16) * factor + 0.5);
    return hexOf(Math.min(255, value));
  };
  return `#${part(1)}${part(3)}${part(5)}`;
}

/** `#rrggbb` as `#rrggbbaa`; opacity 0 to 1. */
export const veil = (colour: string, opacity: number): string =>
  `${colour}${hexOf(Math.floor(Math.min(1, Math.max(0, opacity)) * 255 + 0.5))}`;

/** To hundredths, halves upwards. */
export const rounded = (value: number): number => Math.floor(value * 100 + 0.5) / 100;

const hexOf = (value: number): string => value.toString(16).padStart(2, "0");
