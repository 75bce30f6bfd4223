// How loud and where a strip of the mixer is heard; the rule is antiphon_proto.document.jam.level's.

export interface Strip {
  /** 0 to 1. */
  volume: number;
  /** 0 is left, 1 right. */
  pan: number;
  muted: boolean;
  solo: boolean;
}

/** Of somebody, or something, that nobody has moved. */
export const CENTRE = 0.5;

/** A muted strip silences nobody by being solo. */
export const isSolo = ({ muted, solo }: Strip): boolean => solo && !muted;

/** The volume at which a strip is heard; `soloed`: whether any strip of the room is solo. */
export function level({ volume, muted, solo }: Strip, soloed: boolean): number {
  return muted || (soloed && !solo) ? 0 : volume;
}
