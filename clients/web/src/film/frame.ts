// What a film shows at a frame, as a list of things to draw. Pure; the same as server/antiphon_server/film/frame.py, which
// says what the list holds.

import { hashOf, mix, rounded } from "./chance";
import { HEIGHT, type Op, WIDTH, weather } from "./effects";
import { eyesOf, mouthOf, person, poseOf, SCALE } from "./figures";
import { type Angle, type Clip, captions, wrapped } from "./reel";
import { far, indoors, outdoors } from "./scenery";

const TILT: Record<Angle, number> = { eye: 0, low: 70, high: -80, over_shoulder: 0, top: -140 };
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
    ops.push(["layer", rounded(dark)], BLACK);
  } else {
    picture(ops, before, before.frames + at);
    ops.push(
      clip.transition === "dissolve"
        ? ["layer", rounded(share)]
        : ["clip", 0, 0, rounded(WIDTH * share), HEIGHT],
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
    ops.push(BLACK, ["camera", rounded(zoom), rounded(x), rounded(y)]);
    ops.push(["picture", clip.picture, -160, -90, WIDTH + 320, HEIGHT + 180], ["end"]);
    weather(ops, clip.effects, hashOf(clip.place), clip.start + at);
    return;
  }
  const number = clip.start + at;
  if (clip.inside) indoors(ops, clip, number, zoom, x, y);
  else outdoors(ops, clip, number, zoom, x, y);
  people(ops, clip, at, zoom, x, y);
  if (!clip.inside) weather(ops, clip.effects, hashOf(clip.place), number);
}

function title(ops: Op[], clip: Clip): void {
  ops.push(BLACK);
  const parts = clip.text.split("\n").slice(0, 6);
  const lines = parts.flatMap((part) => wrapped(part, 32)).slice(0, 8);
  const top = HEIGHT / 2 - (lines.length - 1) * 36;
  lines.forEach((line, number) => {
    const large = number === 0;
    const y = rounded(top + number * 72 + 18);
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

function people(ops: Op[], clip: Clip, at: number, zoom: number, x: number, y: number): void {
  const { cast } = clip;
  if (cast.length === 0) return;
  const scale = SCALE[clip.size] / (1 + 0.18 * (cast.length - 1));
  far(ops, 1, zoom, x, y);
  const step = WIDTH / (cast.length + 1);
  cast.forEach((name, number) => {
    const look = clip.looks[number];
    if (!look) return;
    const middle = cast.length === 1 && clip.angle === "over_shoulder" ? 760 : step * (number + 1);
    // People look at each other.
    const side = middle > WIDTH / 2 ? -1 : 1;
    const speaks = clip.kind === "speech" && name === clip.who && !clip.off;
    const mouth = speaks ? mouthOf(clip, at) : "rest";
    person(ops, look, middle, scale, poseOf(clip, at, number, side), eyesOf(look, name, at), mouth);
  });
  ops.push(["end"]);
  if (clip.angle !== "over_shoulder") return;
  far(ops, 1, zoom, x * 1.6, y);
  ops.push(["ellipse", 170, 820, 330, 330, "#0c0d12"], ["ellipse", 200, 420, 150, 180, "#0c0d12"], ["end"]);
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
    const bar = top - (caption.who !== "" ? 84 : 46);
    ops.push(["rect", 0, bar, WIDTH, HEIGHT - bar, "#00000080"]);
    if (caption.who !== "")
      ops.push(["text", WIDTH / 2, top - 52, 24, "center", 700, "#ffe9a8", caption.who]);
    caption.lines.forEach((line, place) => {
      ops.push(["text", WIDTH / 2, top + place * 44, 34, "center", 400, "#ffffff", line]);
    });
  }
}
