// Keys that order the objects: one fits between any two, so nobody's order is disturbed by somebody else's
// (antiphon_proto/canvas.py, key_between, is the same arithmetic).

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** A key above `low` and below `high`; "" stands for no bound. Throws RangeError when there is none between. */
export function keyBetween(low = "", high = ""): string {
  if (high && low >= high) throw new RangeError(`no order key between ${low} and ${high}`);
  let bound = high;
  let made = "";
  for (;;) {
    const place = made.length;
    const first = place < low.length ? DIGITS.indexOf(low.charAt(place)) : 0;
    const last = bound && place < bound.length ? DIGITS.indexOf(bound.charAt(place)) : DIGITS.length;
    if (last - first > 1) {
      // At an open end a small step: keys of objects that are added on top stay short.
      const step = !bound && low ? 1 : Math.floor((last - first) / 2);
      return made + DIGITS.charAt(first + Math.max(1, step));
    }
    made += DIGITS.charAt(first);
    if (bound && last > first) bound = ""; // already below it
    if (bound && made.length >= bound.length) throw new RangeError(`no order key below ${high}`);
  }
}

/** Compares as the server does: ASCII, ties by id. */
export function byOrder(a: { z: string; id: string }, b: { z: string; id: string }): number {
  if (a.z !== b.z) return a.z < b.z ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
