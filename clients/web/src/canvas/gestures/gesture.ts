// What a pointer does between down and up. A gesture is a value: each movement returns the next one.

import type { Box, Point } from "../geometry";
import type { Fields } from "../objects";

/** A pointer on the board; `at` is in pixels of the view. */
export interface Touch {
  id: number;
  kind: "mouse" | "pen" | "touch";
  at: Point;
  pressure: number;
  /** Adds to the selection, keeps a shape square, turns in steps. */
  shift: boolean;
  /** Space or the middle button: moves the view whatever the tool. */
  pan: boolean;
}

export interface Gesture {
  readonly name: string;
  /** The hand moved to `at`, in canvas units. */
  drag(touch: Touch, at: Point): Gesture;
  /** The hand went up. */
  finish(): void;
  /** Cancels the gesture (a second finger came down) and reverts what it did. */
  abandon?(): void;
  /** The fields of what is being drawn, as it would be placed now. */
  draft?(): Fields | null;
  /** The fields that it would change, by object. */
  changes?(): ReadonlyMap<string, Fields>;
  /** Objects that it would remove. */
  readonly fading?: ReadonlySet<string>;
  /** The area that it spans, to be drawn. */
  area?(): { kind: "marquee" | "frame"; box: Box } | null;
}

/** Pixels: a finger is broader than a mouse. */
export const SLACK = { mouse: 6, pen: 6, touch: 14 };
/** Pixels: shorter drags are clicks. */
export const SMALLEST = 4;
