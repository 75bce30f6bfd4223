// Sends our presence: the cursor in the text, the hand on the canvas, and the size at which we show previews.

import type { Point } from "../canvas/geometry";
import type { Fields } from "../canvas/objects";
import { writeHand } from "../canvas/presenceHand";
import type { Clock } from "../connection/clock";
import type { ClientMessage } from "../protocol/messages";
import { type Presence, writePresence } from "./presence";

const PRESENCE_MS = 80;

export class PresenceSender {
  private cursor: Presence["cursor"] = null;
  private hand: object | null = null;
  private side = 0;
  private waiting = false;
  private entered = false;

  constructor(
    private readonly name: string,
    private readonly clock: Clock,
    private readonly send: (message: ClientMessage) => void,
  ) {}

  /** Where our cursor is, as Yjs relative positions; sent at most every 80 ms, the last one wins. */
  setCursor(cursor: Presence["cursor"]): void {
    this.cursor = cursor;
    this.schedule();
  }

  /** Where our hand is on the canvas and what it draws; null when it has left. */
  setHand(at: Point | null, draft: Fields | null): void {
    this.hand = at && writeHand(at, draft);
    this.schedule();
  }

  /** How large pictures that are painted are shown here, in pixels of the longer side of the largest; 0: none. */
  setViewing(side: number): void {
    if (side === this.side) return;
    this.side = side;
    if (this.entered) this.send({ tag: "viewing", side });
  }

  /** Sends the whole state again: a new connection does not have it. */
  again(): void {
    this.entered = true;
    this.show();
    this.send({ tag: "viewing", side: this.side });
  }

  private schedule(): void {
    if (this.waiting) return;
    this.waiting = true;
    this.clock.after(PRESENCE_MS, () => {
      this.waiting = false;
      this.show();
    });
  }

  private show(): void {
    this.send({ tag: "set_presence", state: writePresence(this.name, this.cursor, this.hand) });
  }
}
