// What the people of a film look like: a look for each name until somebody chooses another, and what DiceBear is asked
// for. The same as server/antiphon_server/film/looks.py; proto/vectors/film.json holds both to each other.

import { hashOf } from "./chance";

export const STYLES = ["lorelei", "open_peeps", "notionists", "drawing"] as const;
export type Style = (typeof STYLES)[number];
export const MOUTHS = ["rest", "closed", "open", "wide", "round", "teeth"] as const;
export type Mouth = (typeof MOUTHS)[number];
export const EYES = ["open", "shut"] as const;
export type Eyes = (typeof EYES)[number];

export const COATS = [
  "#b3202a",
  "#2a6fb3",
  "#2f8a55",
  "#c08a1f",
  "#7a4aa8",
  "#c05a8a",
  "#3a8a94",
  "#6b6f78",
] as const;
export const SKINS = ["#f2d0b0", "#e0ac86", "#c68a5e", "#8d5a3a", "#f7dcc8"] as const;
export const HAIRS = ["#2a1c14", "#5a3a1e", "#c9a25a", "#8a8a8f", "#a23a1e"] as const;
const COLOUR = /^#[0-9a-f]{6}$/;

const LORELEI: Record<Mouth, readonly string[]> = {
  rest: ["happy01", "happy02", "happy13", "happy14", "sad09"],
  closed: ["happy14"],
  open: ["sad01"],
  wide: ["happy06"],
  round: ["happy08"],
  teeth: ["happy16"],
};
const LORELEI_EYES: Record<Eyes, readonly string[]> = {
  open: [2, 4, 6, 10, 16, 20, 21, 24].map((number) => `variant${String(number).padStart(2, "0")}`),
  shut: ["variant19"],
};
const PEEPS: Record<Mouth, string> = {
  rest: "smile",
  closed: "smile",
  open: "explaining",
  wide: "smileTeethGap",
  round: "blank",
  teeth: "smileTeethGap",
};
const NOTIONISTS: Record<Mouth, readonly string[]> = {
  rest: ["variant17", "variant20", "variant22", "variant23"],
  closed: ["variant13"],
  open: ["variant15"],
  wide: ["variant08"],
  round: ["variant29"],
  teeth: ["variant27"],
};
const NOTIONISTS_EYES: Record<Eyes, readonly string[]> = {
  open: ["variant04", "variant05"],
  shut: ["variant01"],
};

/** Colours are `#rrggbb`; `picture` is an asset. */
export interface Look {
  style: Style;
  seed: string;
  skin: string;
  hair: string;
  coat: string;
  picture: string;
}
/** A figure as the evaluator names it. */
export interface Figure extends Omit<Look, "picture"> {
  eyes: Eyes;
  mouth: Mouth;
}

/** The look of a person: what people chose, and for the rest what the name gives. */
export function lookOf(name: string, chosen: Readonly<Record<string, unknown>>): Look {
  const number = hashOf(name);
  const picture = typeof chosen.picture === "string" ? chosen.picture : "";
  const style = STYLES.find((one) => one === chosen.style) ?? "lorelei";
  return {
    style: style === "drawing" && picture === "" ? "lorelei" : style,
    seed: typeof chosen.seed === "string" && chosen.seed !== "" ? chosen.seed : name,
    skin: colour(chosen.skin, SKINS[(number >> 4) % SKINS.length]),
    hair: colour(chosen.hair, HAIRS[(number >> 8) % HAIRS.length]),
    coat: colour(chosen.coat, COATS[number % COATS.length]),
    picture,
  };
}

/** What DiceBear is asked for: the same seed with other eyes and another mouth is the same person. */
export function optionsOf(figure: Figure): Record<string, unknown> {
  const { style, seed, skin, hair, coat, eyes, mouth } = figure;
  switch (style) {
    case "open_peeps":
      return {
        seed,
        expressionVariant: [eyes !== "shut" || mouth !== "rest" ? PEEPS[mouth] : "eyesClosed"],
        skinColor: [skin],
        headContrastColor: [hair],
        clothingColor: [coat],
        maskProbability: 0,
      };
    case "notionists":
      return {
        seed,
        mouthVariant: NOTIONISTS[mouth],
        eyesVariant: NOTIONISTS_EYES[eyes],
        gestureProbability: 0,
      };
    default:
      return {
        seed,
        mouthVariant: LORELEI[mouth],
        eyesVariant: LORELEI_EYES[eyes],
        skinColor: [skin],
        hairColor: [hair],
      };
  }
}

const colour = (value: unknown, fallback = ""): string =>
  typeof value === "string" && COLOUR.test(value) ? value : fallback;
