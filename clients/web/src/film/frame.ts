// What a film shows at a frame, as a list of things to draw. Pure; the same as server/antiphon_server/film/frame.py, which
// says what the list holds.

import { type Angle, type Clip, captions, type Size, wrapped } from "./reel";

export const WIDTH = 1280;
export const HEIGHT = 720;
export type Op = readonly (string | number)[];

const SCALE: Record<Size, number> = {
  extreme_wide: 0.3,
  wide: 0.45,
  full: 0.8,
  medium: 1.35,
  close: 2.1,
  extreme_close: 3.2,
};
const ZOOM: Record<Size, number> = {
  extreme_wide: 1,
  wide: 1,
  full: 1.05,
  medium: 1.15,
  close: 1.3,
  extreme_close: 1.5,
};
const TILT: Record<Angle, number> = { eye: 0, low: 70, high: -80, over_shoulder: 0, top: -140 };
const LIGHTS: readonly (readonly [Light, RegExp])[] = [
  ["night", /NIGHT|НОЧ|MIDNIGHT|ПОЛНОЧ/iu],
  ["dusk", /DUSK|EVENING|SUNSET|ВЕЧЕР|ЗАКАТ|СУМЕР/iu],
  ["dawn", /DAWN|MORNING|SUNRISE|УТРО|РАССВЕТ/iu],
];
type Light = "night" | "dusk" | "dawn" | "day";
type Four = readonly [string, string, string, string];
/** Top and bottom of the sky, the ground, sun or moon. */
const SKIES: Record<Light, Four> = {
  night: ["#0b1230", "#33436b", "#101a2b", "#e8ecff"],
  dusk: ["#3a2a5c", "#e08a5a", "#3a2a33", "#ffd9a0"],
  dawn: ["#7fa6d6", "#ffd9b0", "#5a6b4a", "#fff0c8"],
  day: ["#5fa3e0", "#cfe8f7", "#5f8a4f", "#fff6d8"],
};
/** Top and bottom of the wall, the floor, the window. */
const ROOMS: Record<Light, Four> = {
  night: ["#2a2330", "#4a3a38", "#1c1517", "#0d1730"],
  dusk: ["#4a3440", "#8a5a48", "#2c1c1c", "#d08a5a"],
  dawn: ["#6a5a58", "#c0a890", "#4a3a30", "#ffe0c0"],
  day: ["#8a7f78", "#d8cfc4", "#6a5544", "#cfe8f7"],
};
const COATS = ["#b3202a", "#2a6fb3", "#2f8a55", "#c08a1f", "#7a4aa8", "#c05a8a", "#3a8a94", "#6b6f78"];
const SKINS = ["#f2d0b0", "#e0ac86", "#c68a5e", "#8d5a3a", "#f7dcc8"];
const HAIRS = ["#2a1c14", "#5a3a1e", "#c9a25a", "#8a8a8f", "#a23a1e"];
const BLACK: Op = ["rect", 0, 0, WIDTH, HEIGHT, "#000000"];

/** The list for a frame; a black picture before the first and after the last. */
export function frame(clips: readonly Clip[], number: number): Op[] {
  const place = clipAt(clips, number);
  const clip = clips[place];
  if (!clip) return [BLACK];
  const at = number - clip.start;
  const ops: Op[] = [];
  if (at < clip.lead) comeIn(ops, clip, clips[place - 1], at, (at + 1) / (clip.lead + 1));
  else picture(ops, clip, at);
  words(ops, clip, at);
  return ops;
}

/** The number of the clip that is shown at a frame; -1: none. */
export function clipAt(clips: readonly Clip[], number: number): number {
  let low = 0;
  let high = clips.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((clips[middle]?.start ?? 0) <= number) low = middle + 1;
    else high = middle;
  }
  const found = clips[low - 1];
  return found && number < found.start + found.frames ? low - 1 : -1;
}

function comeIn(ops: Op[], clip: Clip, before: Clip | undefined, at: number, share: number): void {
  if (clip.transition === "fade" || !before) {
    const out = share < 0.5 && before;
    if (out) picture(ops, before, before.frames + at);
    else picture(ops, clip, at);
    const dark = out ? 2 * share : before ? 2 - 2 * share : 1 - share;
    ops.push(["layer", round(dark)], BLACK);
  } else {
    picture(ops, before, before.frames + at);
    ops.push(
      clip.transition === "dissolve" ? ["layer", round(share)] : ["clip", 0, 0, round(WIDTH * share), HEIGHT],
    );
    picture(ops, clip, at);
  }
  ops.push(["end"]);
}

function picture(ops: Op[], clip: Clip, at: number): void {
  if (clip.kind === "title") {
    title(ops, clip);
    return;
  }
  const { zoom, x, y } = camera(clip, at);
  if (clip.picture !== "") {
    ops.push(BLACK, ["camera", round(zoom), round(x), round(y)]);
    ops.push(["picture", clip.picture, -160, -90, WIDTH + 320, HEIGHT + 180], ["end"]);
    return;
  }
  const light = LIGHTS.find(([, form]) => form.test(clip.time))?.[0] ?? "day";
  if (clip.inside) room(ops, clip, light, zoom, x, y);
  else outdoors(ops, clip, light, zoom, x, y);
  people(ops, clip, at, zoom, x, y);
}

function title(ops: Op[], clip: Clip): void {
  ops.push(BLACK);
  const parts = clip.text.split("\n").slice(0, 6);
  const lines = parts.flatMap((part) => wrapped(part, 32)).slice(0, 8);
  const top = HEIGHT / 2 - (lines.length - 1) * 36;
  lines.forEach((line, number) => {
    const large = number === 0;
    const y = round(top + number * 72 + 18);
    ops.push(["text", WIDTH / 2, y, large ? 56 : 36, "center", large ? 700 : 400, "#ffffff", line]);
  });
}

/** Zoom and place of what is near, at a frame of the clip. */
function camera(clip: Clip, at: number): { zoom: number; x: number; y: number } {
  const share = Math.min(1, at / Math.max(1, clip.frames - 1));
  const ease = share * share * (3 - 2 * share);
  let zoom = 1;
  let x = 0;
  let y = TILT[clip.angle];
  switch (clip.move) {
    case "push":
      zoom = 1 + 0.14 * ease;
      break;
    case "pull":
      zoom = 1.14 - 0.14 * ease;
      break;
    case "pan_left":
      x = -90 + 180 * ease;
      break;
    case "pan_right":
      x = 90 - 180 * ease;
      break;
    case "tilt_up":
      y += -60 + 120 * ease;
      break;
    case "tilt_down":
      y += 60 - 120 * ease;
      break;
    case "shake":
      x = ((mix(at * 2 + 1) % 33) - 16) * (1 - share);
      y += ((mix(at * 2 + 2) % 25) - 12) * (1 - share);
      break;
  }
  return { zoom, x, y };
}

/** A layer that moves less the farther it is: depth 0 is far, 1 is near. */
function far(ops: Op[], depth: number, zoom: number, x: number, y: number): void {
  ops.push(["camera", round(1 + (zoom - 1) * depth), round(x * depth), round(y * depth)]);
}

function outdoors(ops: Op[], clip: Clip, light: Light, zoom: number, x: number, y: number): void {
  const [top, bottom, ground, lamp] = SKIES[light];
  const seed = hash(clip.place);
  const near = ZOOM[clip.size];
  ops.push(["gradient", top, bottom]);
  far(ops, 0.1, zoom, x, y);
  ops.push(["ellipse", 220 + (seed % 840), 150, 46, 46, lamp], ["end"]);
  far(ops, 0.3, zoom * near, x, y);
  for (let number = 0; number < 3; number += 1) {
    const part = mix(seed + number);
    ops.push(["ellipse", number * 560 + (part % 200), 560, 420, 110 + (part % 90), shade(ground, 0.72)]);
  }
  ops.push(["end"]);
  far(ops, 0.6, zoom * near, x, y);
  ops.push(["rect", -400, 545, WIDTH + 800, 800, ground]);
  for (let number = 0; number < 5; number += 1) {
    const part = mix(seed + 10 + number);
    const left = number * 290 + (part % 150) - 60;
    ops.push(["rect", left + 22, 470, 14, 90, shade(ground, 0.45)]);
    ops.push(["ellipse", left + 29, 440, 46, 62, shade(ground, 0.6)]);
  }
  ops.push(["end"]);
}

function room(ops: Op[], clip: Clip, light: Light, zoom: number, x: number, y: number): void {
  const [top, bottom, floor, pane] = ROOMS[light];
  const seed = hash(clip.place);
  const near = ZOOM[clip.size];
  ops.push(["gradient", top, bottom]);
  far(ops, 0.35, zoom * near, x, y);
  const left = 130 + (seed % 420);
  ops.push(["rect", left - 14, 96, 308, 268, shade(floor, 0.8)]);
  ops.push(["rect", left, 110, 280, 240, pane]);
  ops.push(["rect", left + 134, 110, 12, 240, shade(floor, 0.8)]);
  ops.push(["rect", left, 224, 280, 12, shade(floor, 0.8)]);
  ops.push(["rect", left + 480, 150 + (seed % 60), 150, 190, shade(bottom, 0.85)]);
  ops.push(["end"]);
  far(ops, 0.6, zoom * near, x, y);
  ops.push(["rect", -400, 560, WIDTH + 800, 800, floor]);
  const table = 760 + (seed % 240);
  ops.push(["rect", table, 500, 300, 18, shade(floor, 1.35)]);
  ops.push(["rect", table + 20, 518, 16, 110, shade(floor, 1.2)]);
  ops.push(["rect", table + 264, 518, 16, 110, shade(floor, 1.2)]);
  ops.push(["end"]);
}

function people(ops: Op[], clip: Clip, at: number, zoom: number, x: number, y: number): void {
  const { cast } = clip;
  if (cast.length === 0) return;
  const scale = SCALE[clip.size] / (1 + 0.18 * (cast.length - 1));
  far(ops, 1, zoom, x, y);
  const step = WIDTH / (cast.length + 1);
  const ground = scale < 1 ? 640 : 470 + 190 * scale;
  cast.forEach((name, number) => {
    const middle = cast.length === 1 && clip.angle === "over_shoulder" ? 760 : step * (number + 1);
    const speaks = clip.kind === "speech" && name === clip.who && !clip.off;
    figure(ops, name, middle, ground, scale, at, speaks ? mouthOf(clip, at) : 0);
  });
  ops.push(["end"]);
  if (clip.angle !== "over_shoulder") return;
  far(ops, 1, zoom, x * 1.6, y);
  ops.push(["ellipse", 170, 820, 330, 330, "#0c0d12"], ["ellipse", 200, 420, 150, 180, "#0c0d12"], ["end"]);
}

/** Somebody who stands at (x, ground): always the same for a name. `mouth`: how far it is open, 0 to 1. */
function figure(
  ops: Op[],
  name: string,
  x: number,
  ground: number,
  scale: number,
  at: number,
  mouth: number,
): void {
  const seed = hash(name);
  const coat = COATS[seed % COATS.length] ?? "";
  const skin = SKINS[(seed >> 4) % SKINS.length] ?? "";
  const hair = HAIRS[(seed >> 8) % HAIRS.length] ?? "";
  const sway = (triangle(at + (seed % 60), 60) - 0.5) * 4;
  const oval = (dx: number, dy: number, rx: number, ry: number, colour: string) => {
    const place = [round(x + dx * scale), round(ground + dy * scale), round(rx * scale), round(ry * scale)];
    ops.push(["ellipse", ...place, colour]);
  };
  oval(-26, -8, 18, 60, shade(coat, 0.35));
  oval(26, -8, 18, 60, shade(coat, 0.35));
  oval(0, -120, 74, 110, coat);
  oval(-72, -130, 20, 74, shade(coat, 0.8));
  oval(72, -130, 20, 74, shade(coat, 0.8));
  oval(0, -222 + sway, 24, 30, shade(skin, 0.85));
  if ((seed >> 12) % 2 === 1) oval(0, -285 + sway, 74, 86, hair);
  oval(0, -290 + sway, 62, 72, skin);
  oval(0, -342 + sway, 60, 30, hair);
  const closed = (at + (seed % 97)) % 97 < 4;
  for (const side of [-1, 1]) oval(side * 24, -296 + sway, 7, closed ? 1.5 : 8, "#20242c");
  oval(0, -252 + sway, 14 + 4 * mouth, 2.5 + 11 * mouth, "#6b2028");
}

/** Open with the vowels of what is said, which are spread over the clip. */
function mouthOf(clip: Clip, at: number): number {
  const letters = [...clip.text.toLowerCase()];
  if (letters.length === 0) return 0;
  const letter = letters[Math.min(letters.length - 1, Math.floor((at * letters.length) / clip.frames))] ?? "";
  if ("aoáàаояё".includes(letter)) return 1;
  if ("eiuyéèеиуюэыі".includes(letter)) return 0.6;
  return /\p{L}/u.test(letter) ? 0.25 : 0;
}

function words(ops: Op[], clip: Clip, at: number): void {
  if (clip.kind === "establish") {
    const said =
      clip.place !== "" && clip.time !== "" ? `${clip.place} — ${clip.time}` : clip.place || clip.text;
    wrapped(said, 48)
      .slice(0, 2)
      .forEach((line, number) => {
        ops.push(["text", 64, 640 + number * 40, 30, "left", 700, "#ffffff", line]);
      });
  }
  if (clip.kind === "action") {
    wrapped(clip.text, 72)
      .slice(0, 2)
      .forEach((line, number) => {
        ops.push(["text", 64, 60 + number * 32, 24, "left", 400, "#ffffffcc", line]);
      });
  }
  const number = clip.start + at;
  for (const caption of captions(clip)) {
    if (caption.start > number || number >= caption.end) continue;
    const top = 664 - 44 * (caption.lines.length - 1);
    ops.push(["rect", 0, top - 46, WIDTH, HEIGHT - top + 46, "#00000080"]);
    if (caption.who !== "")
      ops.push(["text", WIDTH / 2, top - 52, 24, "center", 700, "#ffe9a8", caption.who]);
    caption.lines.forEach((line, place) => {
      ops.push(["text", WIDTH / 2, top + place * 44, 34, "center", 400, "#ffffff", line]);
    });
  }
}

/** FNV-1a of the code points, 32 bits. */
function hash(text: string): number {
  let found = 2166136261;
  for (const letter of text) found = Math.imul(found ^ (letter.codePointAt(0) ?? 0), 16777619);
  return mix(found);
}

/** A number of 31 bits that looks like chance, the same in Python. */
function mix(value: number): number {
  let mixed = value >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b) >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b) >>> 0;
  return (mixed ^ (mixed >>> 16)) & 0x7fffffff;
}

/** From 0 to 1 and back in each period. */
function triangle(at: number, period: number): number {
  const place = at % (2 * period);
  return (place < period ? place : 2 * period - place) / period;
}

function shade(colour: string, factor: number): string {
  const part = (first: number) => {
    const value = Math.floor(Number.parseInt(colour.slice(first, first + 2), 16) * factor + 0.5);
    return Math.min(255, value).toString(16).padStart(2, "0");
  };
  return `#${part(1)}${part(3)}${part(5)}`;
}

const round = (value: number): number => Math.floor(value * 100 + 0.5) / 100;
