// Short messages to the person, each shown for some seconds.

import { signal } from "@preact/signals";
import type { Clock } from "../connection/clock";

/** `kind` chooses the words, `detail` is the server's own, `code` that of an error. */
export interface Notice {
  id: number;
  kind:
    | "request_failed"
    | "not_connected"
    | "too_large"
    | "draining"
    | "run_failed"
    | "file_changed"
    | "empty_take"
    | "text_kept"
    | "frame_gone"
    | "told"
    | "undo_offline"
    | "redo_offline"
    | "restored";
  detail: string;
  code: string;
}

const SHOWN_MS = 7000;
const MAX_SHOWN = 4;

export class Notices {
  readonly shown = signal<readonly Notice[]>([]);
  private nextId = 1;

  constructor(private readonly clock: Clock) {}

  add(kind: Notice["kind"], detail = "", code = ""): void {
    const notice = { id: this.nextId, kind, detail, code };
    this.nextId += 1;
    this.shown.value = [...this.shown.value, notice].slice(-MAX_SHOWN);
    this.clock.after(SHOWN_MS, () => this.dismiss(notice.id));
  }

  dismiss(id: number): void {
    this.shown.value = this.shown.value.filter((notice) => notice.id !== id);
  }
}
