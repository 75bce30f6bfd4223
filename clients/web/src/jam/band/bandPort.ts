// The messages between the page and the band's worklet.

import type { JitterStats } from "./jitterBuffer";

export type ToBand =
  | { kind: "pcm"; pts: number; left: Float32Array; right: Float32Array }
  /** Stream sample `pts` is to sound at `time` of the AudioContext; null stops. */
  | { kind: "anchor"; anchor: { time: number; pts: number } | null }
  | { kind: "flush"; pts: number }
  /** Another stream: drops all held samples. */
  | { kind: "reset" }
  | { kind: "end" };

export interface BandStats extends JitterStats {
  /** When they were counted, in milliseconds of the AudioContext. */
  atMs: number;
  /** Milliseconds held ahead. */
  aheadMs: number;
  /** Largest absolute sample since the last report. */
  peak: number;
}
