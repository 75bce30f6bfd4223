// The people of a frame: a body of limbs that moves, and the figure of the look on its shoulders. The same as
// server/antiphon_server/film/figures.py.

import { hashOf, rounded, shade } from "./chance";
import type { Op } from "./effects";
import type { Eyes, Look, Mouth } from "./looks";
import { type Clip, FPS, type Size } from "./reel";

export const SCALE: Record<Size, number> = {
  extreme_wide: 0.3,
  wide: 0.45,
  full: 0.8,
  medium: 1.35,
  close: 2.1,
  extreme_close: 3.2,
};
/** Height of the figure, where it ends below, and its shoulders. The arms of those with a chest hang behind it. */
const HEADS = {
  lorelei: [250, -176, 46, -184],
  open_peeps: [230, -116, 70, -140],
  notionists: [310, -106, 62, -150],
} as const;
const LETTERS: readonly (readonly [Mouth, string])[] = [
  ["open", "aàáаоoяё"],
  ["wide", "eiyéèеиэыі"],
  ["round", "uwуюv"],
  ["closed", "bmpбмп"],
  ["teeth", "fszжзсфцчшщ"],
];
type Two = readonly [number, number];

/** `x` along the ground and `lift` above it, `lean` in degrees, `turn` from 1 (to the right) to -1; angles from straight
 * down in radians; `nod` of the head in degrees. */
export interface Pose {
  x: number;
  lift: number;
  lean: number;
  turn: number;
  legs: Two;
  knees: Two;
  arms: Two;
  elbows: Two;
  nod: number;
}
const STANDING: Pose = {
  x: 0,
  lift: 0,
  lean: 0,
  turn: 1,
  legs: [0.06, -0.06],
  knees: [0, 0],
  arms: [0.14, -0.14],
  elbows: [0.1, -0.1],
  nod: 0,
};

/** Of the person with this number at a frame of the clip, who looks to a side (1: right, -1: left). */
export function poseOf(clip: Clip, at: number, number: number, side: number): Pose {
  const second = at / FPS;
  const share = Math.min(1, at / Math.max(1, clip.frames - 1));
  const beat = Math.sin(2 * Math.PI * (second / 4 + number * 0.37));
  const turn = side;
  switch (clip.act) {
    case "walk":
    case "run": {
      const fast = clip.act === "run";
      const way = clip.move === "pan_left" ? -1 : 1;
      const phase = 2 * Math.PI * second * (fast ? 1.5 : 0.9) + number;
      const swing = Math.sin(phase) * (fast ? 0.8 : 0.45);
      const elbow = way * (fast ? 1.3 : 0.4);
      const cosine = Math.cos(phase);
      return {
        x: way * (share - 0.5) * (fast ? 620 : 380),
        lift: Math.abs(cosine) * (fast ? 12 : 5),
        lean: way * (fast ? 9 : 2),
        turn: way,
        legs: [way * swing, -way * swing],
        knees: [-way * Math.max(0, cosine) * 0.7, -way * Math.max(0, -cosine) * 0.7],
        arms: [-way * swing, way * swing],
        elbows: [elbow, elbow],
        nod: 0,
      };
    }
    case "turn": {
      const middle = Math.min(1, Math.max(0, (share - 0.3) / 0.4));
      const angle = Math.PI * middle * middle * (3 - 2 * middle);
      return { ...STANDING, turn: turn * Math.cos(angle), lift: beat };
    }
    case "gesture": {
      const up = Math.min(1, second * 2) * Math.min(1, Math.max(0, ((clip.frames - at) / FPS) * 2));
      const wave = Math.sin(2 * Math.PI * second * 1.1) * 0.22;
      return {
        ...STANDING,
        turn,
        lift: beat,
        arms: [0.14 * turn, turn * (0.14 + up * (0.95 + wave))],
        elbows: [0.1 * turn, turn * (0.1 + up * (1.1 + wave))],
        nod: 3 * beat,
      };
    }
    case "nod":
      return {
        ...STANDING,
        turn,
        lift: beat,
        nod: turn * 7 * Math.max(0, Math.sin(2 * Math.PI * second * 1.2)),
      };
    default:
      return { ...STANDING, turn, lift: 1.5 + 1.5 * beat, nod: 1.2 * beat };
  }
}

/** Somebody who stands at x. */
export function person(
  ops: Op[],
  look: Look,
  x: number,
  scale: number,
  pose: Pose,
  eyes: Eyes,
  mouth: Mouth,
): void {
  // Near people are seen by their faces.
  const ground = scale < 1 ? 640 : 330 + 300 * scale;
  const middle = x + pose.x * scale;
  const lean = (pose.lean * Math.PI) / 180;
  const place = ([dx, dy]: Two): Two => {
    const left = dx * Math.cos(lean) - dy * Math.sin(lean);
    const down = dx * Math.sin(lean) + dy * Math.cos(lean);
    return [rounded(middle + left * scale), rounded(ground + (down - pose.lift) * scale)];
  };
  const limb = (start: Two, end: Two, wide: number, colour: string) => {
    ops.push(["line", ...place(start), ...place(end), rounded(wide * scale), colour]);
  };
  const bent = (root: Two, angle: number, bend: number, long: number, wide: number, colour: string): Two => {
    const joint: Two = [root[0] + long * Math.sin(angle), root[1] + long * Math.cos(angle)];
    const end: Two = [joint[0] + long * Math.sin(angle + bend), joint[1] + long * Math.cos(angle + bend)];
    limb(root, joint, wide, colour);
    limb(joint, end, wide * 0.92, colour);
    return end;
  };
  if (look.style === "drawing") {
    // A drawing has no limbs: it sways as it goes, and stretches a little as it speaks.
    const stretch = 1 + (mouth === "rest" || mouth === "closed" ? 0 : 0.03);
    const size = [rounded(320 * scale), rounded(430 * scale * stretch)];
    const tilt = rounded(pose.lean + ((pose.legs[0] * 180) / Math.PI) * 0.15 + pose.nod);
    ops.push(["sprite", look.picture, ...place([0, 0]), ...size, tilt, rounded(pose.turn)]);
    return;
  }
  const [trousers, sleeve] = [shade(look.coat, 0.38), shade(look.coat, 0.8)];
  const side = pose.turn >= 0 ? 1 : -1;
  const [behind, near] = side > 0 ? ([0, 1] as const) : ([1, 0] as const);
  const palm = rounded(12 * scale);
  const [size, below, shoulder, high] = HEADS[look.style];
  const arm = (which: 0 | 1, dx: number) => {
    const hand = bent([dx, high], pose.arms[which], pose.elbows[which], 48, 25, sleeve);
    ops.push(["ellipse", ...place(hand), palm, palm, look.skin]);
  };
  arm(behind, -side * shoulder);
  if (look.style !== "lorelei") arm(near, side * shoulder);
  for (const [which, dx] of [
    [behind, -side * 22],
    [near, side * 22],
  ] as const) {
    const foot = bent([dx, -112], pose.legs[which], pose.knees[which], 52, 32, trousers);
    limb(foot, [foot[0] + side * 20, foot[1] + 2], 20, shade(trousers, 0.5));
  }
  limb([0, -160], [0, -118], 104, look.coat);
  const figure = [look.style, look.seed, look.skin, look.hair, look.coat, eyes, mouth];
  const turned = [rounded(size * scale), rounded(pose.lean + pose.nod), rounded(pose.turn)];
  ops.push(["figure", ...figure, ...place([0, below]), ...turned]);
  if (look.style === "lorelei") arm(near, side * shoulder);
}

/** Everybody blinks for four frames, each in a time of their own. */
export function eyesOf(look: Look, name: string, at: number): Eyes {
  const period = 70 + (hashOf(name + look.seed) % 50);
  return (at + hashOf(name)) % period < 4 ? "shut" : "open";
}

/** The shape of the mouth of who speaks: from the voice where there is one, else from the letters, which are spread over
 * the clip. */
export function mouthOf(clip: Clip, at: number): Mouth {
  if (clip.mouth.length > 0) {
    const now = (at * 1000) / FPS;
    let found: Mouth = "rest";
    for (const [begins, shape] of clip.mouth) {
      if (begins > now) break;
      found = shape;
    }
    return found;
  }
  const letters = [...clip.text.toLowerCase()];
  if (letters.length === 0) return "rest";
  // A mouth that changed with each frame would tremble.
  const steady = at - (at % 3);
  const letter = letters[Math.min(letters.length - 1, Math.floor((steady * letters.length) / clip.frames))];
  if (letter === undefined) return "rest";
  return LETTERS.find(([, some]) => some.includes(letter))?.[0] ?? (/\p{L}/u.test(letter) ? "wide" : "rest");
}
