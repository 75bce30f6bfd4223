// Style presets: words that are added to a prompt. The picture records which one was chosen.

export interface Style {
  id: string;
  words: string;
  negative: string;
}

/** Their names are in `strings/`. */
export const STYLES = [
  { id: "sticker", words: "flat sticker", negative: "" },
  { id: "soft", words: "soft sticker", negative: "" },
  { id: "logo", words: "logo, simple shapes, plain background", negative: "photo, clutter" },
  { id: "ink", words: "black ink drawing, clean lines", negative: "colour, photo" },
  { id: "watercolour", words: "watercolour painting on paper", negative: "photo, 3d" },
  { id: "pixel", words: "pixel art, 16-bit game sprite", negative: "blurry, photo" },
  { id: "clay", words: "clay figure, soft studio light", negative: "flat, drawing" },
  { id: "photo", words: "photograph, natural light, sharp focus", negative: "drawing, painting, blurry" },
] as const satisfies readonly Style[];

const joined = (...parts: string[]) => parts.filter(Boolean).join(", ");

/** The words of a style for a model that understands only `known` ones (none: any words); null: it knows none of them. */
export function styleWords(style: string, known: readonly string[]): Omit<Style, "id"> | null {
  const found: Style | undefined = STYLES.find((each) => each.id === style);
  if (!found || known.length === 0) return found ?? null;
  const [first = ""] = found.words.split(", ");
  return known.includes(first) ? { words: first, negative: "" } : null;
}

/** The prompts for the model: the person's words with those of the style. Words that it does not know spoil its picture. */
export function styled(
  style: string,
  prompt: string,
  negative: string,
  known: readonly string[],
): { prompt: string; negative_prompt: string } {
  const added = styleWords(style, known);
  return {
    prompt: joined(prompt, added?.words ?? ""),
    negative_prompt: joined(negative, added?.negative ?? ""),
  };
}
