// Where a scene plays: sky, ground and trees outside, a wall, a window and a table inside. The same as
// server/antiphon_server/film/scenery.py.

import { hashOf, mix, modulo, rounded, shade } from "./chance";
import { beam, fire, type Op, WIDTH, weather } from "./effects";
import type { Clip, Size } from "./reel";

const LIGHTS: readonly (readonly [Light, RegExp])[] = [
  ["night", /NIGHT|НОЧ|MIDNIGHT|ПОЛНОЧ/iu],
  ["dusk", /DUSK|EVENING|SUNSET|ВЕЧЕР|ЗАКАТ|СУМЕР/iu],
  ["dawn", /DAWN|MORNING|SUNRISE|УТРО|РАССВЕТ/iu],
];
const WATER =
  /SEA|OCEAN|HARBOU?R|PIER|BEACH|SHORE|LAKE|RIVER|BOAT|SHIP|FERRY|LIGHTHOUSE|МОР[ЕЯ]|ОКЕАН|ПРИСТАН|ПРИЧАЛ|БЕРЕГ|ПЛЯЖ|ОЗЕР|РЕК[АИ]|ЛОДК|КОРАБЛ|ПАРОМ|МАЯК|НАБЕРЕЖН/iu;
const TOWN = /STREET|CITY|TOWN|SQUARE|ROOF|AVENUE|COURTYARD|УЛИЦ|ГОРОД|ПЛОЩАД|КРЫШ|ПРОСПЕКТ|ДВОР|ПЕРЕУЛ/iu;
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
const ZOOM: Record<Size, number> = {
  extreme_wide: 1,
  wide: 1,
  full: 1.05,
  medium: 1.15,
  close: 1.3,
  extreme_close: 1.5,
};

const lightOf = (time: string): Light => LIGHTS.find(([, form]) => form.test(time))?.[0] ?? "day";

/** A layer that moves less the farther it is: depth 0 is far, 1 is near. */
export function far(ops: Op[], depth: number, zoom: number, x: number, y: number): void {
  ops.push(["camera", rounded(1 + (zoom - 1) * depth), rounded(x * depth), rounded(y * depth)]);
}

/** Under the sky; `number` is the frame of the film. */
export function outdoors(ops: Op[], clip: Clip, number: number, zoom: number, x: number, y: number): void {
  const [top, bottom, ground, lamp] = SKIES[lightOf(clip.time)];
  const seed = hashOf(clip.place);
  const near = ZOOM[clip.size];
  const left = 220 + (seed % 840);
  ops.push(["gradient", top, bottom]);
  far(ops, 0.1, zoom, x, y);
  ops.push(["glow", left, 150, 150, `${lamp}66`], ["ellipse", left, 150, 46, 46, lamp], ["end"]);
  far(ops, 0.3, zoom * near, x, y);
  const town = TOWN.test(clip.place);
  if (town) houses(ops, seed, shade(bottom, 0.5), lamp);
  else
    for (let part = 0; part < 3; part += 1) {
      const one = mix(seed + part);
      ops.push(["ellipse", part * 560 + (one % 200), 560, 420, 110 + (one % 90), shade(ground, 0.72)]);
    }
  if (clip.effects.includes("beam")) beam(ops, seed, number);
  ops.push(["end"]);
  far(ops, 0.6, zoom * near, x, y);
  if (WATER.test(clip.place)) water(ops, seed, number, top, ground);
  else {
    ops.push(["rect", -400, 545, WIDTH + 800, 800, ground]);
    if (!town) trees(ops, seed, ground);
  }
  if (clip.effects.includes("fire")) fire(ops, seed, number);
  ops.push(["end"]);
}

/** In a room; the weather is seen through its window. */
export function indoors(ops: Op[], clip: Clip, number: number, zoom: number, x: number, y: number): void {
  const [top, bottom, floor, pane] = ROOMS[lightOf(clip.time)];
  const seed = hashOf(clip.place);
  const near = ZOOM[clip.size];
  ops.push(["gradient", top, bottom]);
  far(ops, 0.35, zoom * near, x, y);
  const left = 130 + (seed % 420);
  ops.push(["rect", left - 14, 96, 308, 268, shade(floor, 0.8)]);
  ops.push(["rect", left, 110, 280, 240, pane], ["clip", left, 110, 280, 240]);
  if (clip.effects.includes("beam")) beam(ops, seed, number);
  weather(ops, clip.effects, seed, number);
  ops.push(["end"]);
  ops.push(["rect", left + 134, 110, 12, 240, shade(floor, 0.8)]);
  ops.push(["rect", left, 224, 280, 12, shade(floor, 0.8)]);
  const hung = 150 + (seed % 60);
  ops.push(["rect", left + 480, hung, 150, 190, shade(bottom, 0.85)]);
  ops.push(["rect", left + 494, hung + 14, 122, 162, shade(bottom, 0.7)], ["end"]);
  far(ops, 0.6, zoom * near, x, y);
  ops.push(["rect", -400, 560, WIDTH + 800, 800, floor]);
  const table = 760 + (seed % 240);
  ops.push(["rect", table, 500, 300, 18, shade(floor, 1.35)]);
  ops.push(["rect", table + 20, 518, 16, 110, shade(floor, 1.2)]);
  ops.push(["rect", table + 264, 518, 16, 110, shade(floor, 1.2)]);
  if (clip.effects.includes("fire")) fire(ops, seed, number);
  ops.push(["end"]);
}

function trees(ops: Op[], seed: number, ground: string): void {
  for (let part = 0; part < 5; part += 1) {
    const one = mix(seed + 10 + part);
    const left = part * 290 + (one % 150) - 60;
    ops.push(["rect", left + 22, 470, 14, 90, shade(ground, 0.45)]);
    ops.push(["ellipse", left + 29, 440, 46, 62, shade(ground, 0.6)]);
  }
}

function houses(ops: Op[], seed: number, wall: string, lamp: string): void {
  for (let part = 0; part < 8; part += 1) {
    const one = mix(seed + 50 + part);
    const [left, high] = [part * 190 - 130, 170 + (one % 170)];
    ops.push(["rect", left, 560 - high, 176, high + 40, shade(wall, 0.8 + ((one >> 9) % 40) / 100)]);
    for (let pane = 0; pane < 6; pane += 1) {
      if ((one >> pane) % 3 !== 0) continue;
      const [across, down] = [(pane % 2) * 74, Math.floor(pane / 2) * 52];
      ops.push(["rect", left + 36 + across, 586 - high + down, 30, 32, `${lamp}b0`]);
    }
  }
}

function water(ops: Op[], seed: number, number: number, sky: string, ground: string): void {
  ops.push(["rect", -400, 500, WIDTH + 800, 800, shade(sky, 0.8)]);
  for (let part = 0; part < 14; part += 1) {
    const one = mix(seed + 70 + part);
    const left = modulo((one % 1700) + number * (1 + (part % 3)) * 0.6, 1700) - 200;
    const down = 510 + part * 11;
    ops.push(["line", rounded(left), down, rounded(left + 60 + (one % 90)), down, 2.5, shade(sky, 1.25)]);
  }
  ops.push(["rect", -400, 655, WIDTH + 800, 800, shade(ground, 0.8)]);
}
