// Previews of pictures in the making. Only the newest step of a run's current epoch counts; older ones are dropped.

import { signal } from "@preact/signals";
import type { MessageOf, RunInfo } from "../../protocol/messages";

export interface Preview {
  epoch: number;
  step: number;
  of: number;
  url: string;
}

/** How a JPEG becomes something to show: resolves when it is decoded, so that the picture never flickers. */
export interface Developer {
  develop(jpeg: Uint8Array): Promise<string>;
  discard(url: string): void;
}

export const inBrowser: Developer = {
  async develop(jpeg) {
    const url = URL.createObjectURL(new Blob([jpeg.slice()], { type: "image/jpeg" }));
    const image = new Image();
    image.src = url;
    await image.decode().catch(() => undefined);
    return url;
  },
  discard: (url) => URL.revokeObjectURL(url),
};

export class Previews {
  readonly shown = signal<ReadonlyMap<string, Preview>>(new Map());
  /** The newest that came of each run, shown or still being decoded. */
  private readonly newest = new Map<string, { epoch: number; step: number }>();

  constructor(private readonly developer: Developer = inBrowser) {}

  /** Shows a preview of `run`, if it is the newest of the run's epoch. */
  async onPreview(preview: MessageOf<"preview">, run: RunInfo | undefined): Promise<void> {
    if (!run || run.epoch !== preview.epoch || !(run.state === "queued" || run.state === "running")) return;
    const known = this.newest.get(preview.run);
    if (known && known.epoch === preview.epoch && known.step >= preview.step) return;
    const mine = { epoch: preview.epoch, step: preview.step };
    this.newest.set(preview.run, mine);
    const url = await this.developer.develop(preview.jpeg);
    // A preview that is no longer the newest is shown until the newest is decoded: else a busy page would show none.
    const shown = this.shown.peek().get(preview.run);
    const older = shown?.epoch === mine.epoch && shown.step >= mine.step;
    if (this.newest.get(preview.run)?.epoch !== mine.epoch || older) {
      this.developer.discard(url);
      return;
    }
    this.put(preview.run, { ...mine, of: preview.of, url });
  }

  /** A run's state changed: drops previews of other epochs, and all when the run ended without a picture. */
  follow(run: RunInfo): void {
    const known = this.newest.get(run.id);
    if (!known) return;
    const gone = run.state === "stopped" || run.state === "failed" || run.undone;
    // The last preview of a finished run stays until the picture itself is in the document.
    if (gone || (known.epoch !== run.epoch && run.state !== "done")) this.forget(run.id);
  }

  /** Drops a run's preview: the picture is there, or the run is gone. */
  forget(run: string): void {
    this.newest.delete(run);
    this.put(run, null);
  }

  clear(): void {
    for (const run of [...this.newest.keys()]) this.forget(run);
  }

  private put(run: string, preview: Preview | null): void {
    const old = this.shown.value.get(run);
    if (!old && !preview) return;
    const next = new Map(this.shown.value);
    if (preview) next.set(run, preview);
    else next.delete(run);
    this.shown.value = next;
    if (old) this.developer.discard(old.url);
  }
}
