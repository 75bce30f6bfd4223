// Weather and light of a frame, by a seed. The same as server/antiphon_server/film/effects.py.

import { mix, modulo, rounded, veil } from "./chance";
import { type Effect, FPS } from "./reel";

export const WIDTH = 1280;
export const HEIGHT = 720;
export type Op = readonly (string | number)[];
const HORIZON = 470;
/** Seconds of a turn of the lighthouse. */
const TURN = 5;
const FLASH = [0.75, 0.2, 0.6, 0.4, 0.25, 0.12];

/** A lighthouse at the horizon whose light goes round. */
export function beam(ops: Op[], seed: number, number: number): void {
  const x = 300 + (seed % 680);
  const top = HORIZON - 150;
  const angle = (2 * Math.PI * number) / FPS / TURN;
  const [across, towards] = [Math.cos(angle), Math.sin(angle)];
  ops.push(["poly", "#2b2f3a", x - 15, HORIZON + 80, x - 9, top, x + 9, top, x + 15, HORIZON + 80]);
  ops.push(["rect", x - 12, top - 22, 24, 22, "#fff3c4"], ["rect", x - 14, top - 28, 28, 7, "#20242e"]);
  const wide = 60 + 130 * Math.abs(across);
  const reach = 1500 * across;
  for (const [part, opacity] of [
    [1, 0.1],
    [0.55, 0.14],
    [0.25, 0.18],
  ] as const) {
    const half = rounded(wide * part);
    const end = rounded(x + reach);
    const colour = veil("#fff3c4", opacity * (0.45 + 0.55 * Math.abs(towards)));
    ops.push(["poly", colour, x, top - 11, end, rounded(top - 11 - half), end, rounded(top - 11 + half)]);
  }
  if (towards <= 0) return;
  const glare = towards ** 6;
  ops.push(["glow", x, top - 11, rounded(70 + 420 * glare), veil("#fff3c4", 0.25 + 0.65 * glare)]);
}

/** Flames low in the picture, with their glow. */
export function fire(ops: Op[], seed: number, number: number): void {
  const x = 180 + (mix(seed + 40) % 260);
  const flicker = 0.8 + 0.2 * Math.sin(number * 0.9) * Math.sin(number * 0.37 + 1);
  ops.push(["glow", x, 590, rounded(420 * flicker), veil("#ff8a2a", 0.42 * flicker)]);
  for (let part = 0; part < 9; part += 1) {
    const speed = 34 + (mix(seed + 60 + part) % 20);
    const age = modulo(number + (mix(seed + 80 + part) % speed), speed) / speed;
    const sway = Math.sin(number * 0.21 + part) * 10;
    const size = (1 - age) * 34;
    const colour = age < 0.35 ? "#ffd36a" : age < 0.7 ? "#ff8a2a" : "#c8402a";
    const left = x + ((mix(seed + 90 + part) % 70) - 35) * (1 - age * 0.6) + sway * age;
    const place = [rounded(left), rounded(610 - age * 150), rounded(size * 0.7 + 2), rounded(size + 3)];
    ops.push(["ellipse", ...place, veil(colour, 0.85 - 0.6 * age)]);
  }
  ops.push(["line", x - 50, 622, x + 46, 632, 16, "#3a2216"]);
  ops.push(["line", x - 44, 634, x + 52, 620, 16, "#4a2c1c"]);
}

/** Slanting lines, near ones longer and faster. */
function rain(ops: Op[], seed: number, number: number): void {
  for (let part = 0; part < 110; part += 1) {
    const [first, second] = [mix(seed + 2 * part), mix(seed + 2 * part + 1)];
    const near = 0.5 + (second % 100) / 100;
    const y = modulo((first % 900) + number * 46 * near, 900) - 90;
    const x = modulo((second % 1500) - number * 9 * near, 1500) - 90;
    const long = 34 * near;
    const line = [rounded(x), rounded(y), rounded(x - long * 0.2), rounded(y + long), rounded(1.6 * near)];
    ops.push(["line", ...line, veil("#cfe0f5", 0.2 + 0.22 * near)]);
  }
}

/** Flakes that sway as they fall. */
function snow(ops: Op[], seed: number, number: number): void {
  for (let part = 0; part < 120; part += 1) {
    const [first, second] = [mix(seed + 2 * part), mix(seed + 2 * part + 1)];
    const near = 0.4 + (second % 100) / 100;
    const y = modulo((first % 800) + number * 3.2 * near, 800) - 40;
    const x = modulo((second % 1400) + Math.sin(number * 0.05 + part) * 24 * near, 1400) - 60;
    const radius = rounded(1.2 + 3.4 * near);
    ops.push(["ellipse", rounded(x), rounded(y), radius, radius, veil("#ffffff", 0.45 + 0.3 * near)]);
  }
}

/** Banks that drift. */
function fog(ops: Op[], seed: number, number: number): void {
  ops.push(["rect", 0, 0, WIDTH, HEIGHT, "#c8d0d83c"]);
  for (let part = 0; part < 7; part += 1) {
    const first = mix(seed + 20 + part);
    const speed = 0.5 + (first % 100) / 90;
    const x = modulo((first % 2200) + number * speed, 2200) - 450;
    ops.push(["glow", rounded(x), 360 + (mix(seed + 30 + part) % 300), 420, veil("#dde3ea", 0.34)]);
  }
}

/** A flash now and then, with its fork. */
function lightning(ops: Op[], seed: number, number: number): void {
  const period = 110;
  const gone = number + (seed % period);
  const turn = Math.floor(gone / period);
  const strength = FLASH[gone - turn * period] ?? 0;
  if (strength === 0) return;
  ops.push(["rect", 0, 0, WIDTH, HEIGHT, veil("#eef2ff", strength)]);
  let [x, y] = [200 + (mix(seed + turn) % 880), 0];
  for (let part = 0; part < 6; part += 1) {
    const step = mix(seed + turn * 7 + part);
    const [left, down] = [x + (step % 130) - 65, y + 50 + (step % 40)];
    ops.push(["line", x, y, left, down, 7 - part, veil("#ffffff", strength + 0.2)]);
    [x, y] = [left, down];
  }
}

/** Before the people, in this order. */
const BEFORE = { lightning, fog, snow, rain } as const;

export function weather(ops: Op[], effects: readonly Effect[], seed: number, number: number): void {
  for (const [name, draw] of Object.entries(BEFORE))
    if (effects.includes(name as Effect)) draw(ops, seed, number);
}
