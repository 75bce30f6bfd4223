// What a gesture needs from the canvas editor. The editor makes the gestures, so they know this interface and not the
// editor.

import type { ReadonlySignal, Signal } from "@preact/signals";
import type { Board } from "./board";
import type { Camera } from "./geometry";
import type { Fields } from "./objects";
import type { Selection } from "./selection";

export interface CanvasSurface {
  readonly board: Board;
  readonly camera: ReadonlySignal<Camera>;
  readonly selection: Selection;
  readonly color: ReadonlySignal<string>;
  readonly size: ReadonlySignal<number>;
  /** Set to the id of a frame that was just made: its prompt gets the focus. */
  readonly fresh: Signal<string | null>;
  /** Width over height of what the model paints. */
  readonly frameRatio: number;
  readonly options: SurfaceOptions;
  /** Moves the view by pixels. */
  pan(dx: number, dy: number): void;
  /** Selects an object that was just placed, with the selection tool in hand. */
  settle(id: string): void;
}

export interface SurfaceOptions {
  canEdit(): boolean;
  /** How many points a stroke may have. */
  maxPoints(): number;
  /** The fields of a new frame, besides its place. */
  frameFields(): Fields;
}
