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

/** The prompts for the model: the person's words with those of the style. */
export function styled(
  style: string,
  prompt: string,
  negative: string,
): { prompt: string; negative_prompt: string } {
  const known: Style | undefined = STYLES.find((each) => each.id === style);
  return {
    prompt: joined(prompt, known?.words ?? ""),
    negative_prompt: joined(negative, known?.negative ?? ""),
  };
}
