// Messages over 256 KB travel in fragments: in order, one message at a time.

import { encodeClient, Malformed } from "./codec";
import { type ClientMessage, FRAGMENT_BODY, type Fragment, MAX_FRAGMENTS, MAX_FRAME } from "./messages";

/** The frames that carry a message. Throws Malformed for one that no number of fragments may carry. */
export function frames(message: ClientMessage): Uint8Array[] {
  const payload = encodeClient(message);
  if (payload.length <= MAX_FRAME) return [payload];
  const count = Math.ceil(payload.length / FRAGMENT_BODY);
  if (count > MAX_FRAGMENTS) throw new Malformed(`message of ${payload.length} bytes`);
  return Array.from({ length: count }, (_, index) => {
    const body = payload.subarray(index * FRAGMENT_BODY, (index + 1) * FRAGMENT_BODY);
    return encodeClient({ tag: "fragment", index, count, body });
  });
}

/** Joins what arrives in fragments. */
export class Assembly {
  private parts: Uint8Array[] = [];
  private count = 0;

  /** The whole payload once its last fragment is there, else null. Throws Malformed when the order is broken. */
  add(fragment: Fragment): Uint8Array | null {
    if (fragment.index === 0 && this.parts.length === 0) this.count = fragment.count;
    if (fragment.index !== this.parts.length || fragment.count !== this.count) {
      throw new Malformed("fragments out of order");
    }
    this.parts.push(fragment.body);
    if (this.parts.length < this.count) return null;
    const size = this.parts.reduce((sum, part) => sum + part.length, 0);
    const whole = new Uint8Array(size);
    let at = 0;
    for (const part of this.parts) {
      whole.set(part, at);
      at += part.length;
    }
    this.reset();
    return whole;
  }

  reset(): void {
    this.parts = [];
    this.count = 0;
  }
}
