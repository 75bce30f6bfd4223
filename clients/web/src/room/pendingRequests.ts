// Requests without an answer of their own: each is done when its effect has arrived, and refused by an `error`.

import type { Clock } from "../connection/clock";

/** So long after a reconnect, what has not arrived was lost with the old connection. */
const LOST_MS = 2000;

interface Request {
  tag: string;
  ref: string;
  arrived: () => boolean;
  resolve: (done: boolean) => void;
}

export class PendingRequests {
  /** Oldest first. */
  private requests: Request[] = [];

  constructor(private readonly clock: Clock) {}

  /** Resolves true when `arrived`, false when it was refused or lost. `tag` and `ref` are those of the `error`. */
  wait(tag: string, ref: string, arrived: () => boolean): Promise<boolean> {
    return new Promise((resolve) => this.requests.push({ tag, ref, arrived, resolve }));
  }

  /** A message of the server arrived. */
  check(): void {
    for (const request of [...this.requests]) if (request.arrived()) this.settle(request, true);
  }

  /** Those of one kind are answered in their order. */
  refused(tag: string, ref: string): void {
    const refused = this.requests.find((request) => request.tag === tag && request.ref === ref);
    if (refused) this.settle(refused, false);
  }

  /** The connection is back. */
  reconnected(): void {
    const lost = [...this.requests];
    if (lost.length === 0) return;
    this.clock.after(LOST_MS, () => {
      for (const request of lost) this.settle(request, false);
    });
  }

  private settle(request: Request, done: boolean): void {
    if (!this.requests.includes(request)) return;
    this.requests = this.requests.filter((each) => each !== request);
    request.resolve(done);
  }
}
