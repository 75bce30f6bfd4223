// How a film is played for everybody: a plain object in the shared document, read against the server's clock.

import { FPS } from "./reel";

/** At server time `at` (ms) the film is at second `from`, and goes on `speed` times as fast while it is playing. */
export interface Transport {
  playing: boolean;
  at: number;
  from: number;
  speed: number;
}
export const STOPPED: Transport = { playing: false, at: 0, from: 0, speed: 1 };
/** A start is announced so long before it counts, so that everybody hears of it in time. */
export const NOTICE_MS = 150;
const MAX_SPEED = 8;

export function readTransport(value: unknown): Transport {
  const found = value as Partial<Record<keyof Transport, unknown>> | null | undefined;
  const { playing, at, from, speed } = found ?? {};
  const finite = [at, from, speed].every((each) => typeof each === "number" && Number.isFinite(each));
  if (typeof playing !== "boolean" || !finite) return STOPPED;
  return { playing, at: Number(at), from: Number(from), speed: Number(speed) };
}

/** Seconds into a film of `frames` frames, at a server time. */
export function positionAt(transport: Transport, nowMs: number, frames: number): number {
  const { playing, at, from, speed } = transport;
  const gone = playing ? (Math.max(0, nowMs - at) / 1000) * speed : 0;
  return Math.min(Math.max(from + gone, 0), Math.max(0, (frames - 1) / FPS));
}

export const frameOf = (seconds: number): number => Math.floor(seconds * FPS + 1e-6);

/** The speed after one more press of L (forwards) or J (backwards): once, twice, four times, eight. */
export function faster(transport: Transport, direction: 1 | -1): number {
  const { playing, speed } = transport;
  if (!playing || Math.sign(speed) !== direction) return direction;
  return Math.min(MAX_SPEED, Math.abs(speed) * 2) * direction;
}
