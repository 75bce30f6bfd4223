// Brings masks from a person's brush to the room and back: a finished stroke becomes the frame's mask for everybody,
// and what the others (or an undo) make of it comes back under the brush.

import { effect } from "@preact/signals";
import type { Clock, Timer } from "../../connection/clock";
import type { Board } from "../board";
import type { Easel } from "../canvasEditor";
import type { Frame } from "../objects";
import type { Size } from "../pictures/extend";
import { Mask } from "./mask";
import { Masking } from "./maskBrush";

/** After a stroke: the next one may follow at once. */
const SETTLED_MS = 500;

export interface MaskFiles {
  size(frame: Frame): Promise<Size>;
  load(asset: string): Promise<Mask>;
  save(mask: Mask): Promise<string>;
}

export class MaskDesk {
  private timer: Timer | null = null;
  /** The asset that holds what is under the brush; "" for nothing painted. */
  private held = "";
  private saving: Promise<void> = Promise.resolve();
  private dirty = false;
  private readonly stopWatching: () => void;

  constructor(
    private readonly easel: Easel,
    private readonly board: Board,
    private readonly files: MaskFiles,
    private readonly clock: Clock,
    private readonly onProblem: (error: unknown) => void,
  ) {
    this.stopWatching = effect(() => {
      const masking = this.easel.masking.value;
      const frame = masking && this.board.objects.value.get(masking.frame);
      if (!masking) return;
      if (frame?.type !== "frame") this.easel.choose("select");
      else if (frame.mask !== this.held && !this.dirty) void this.reload(masking, frame);
    });
  }

  close(): void {
    this.stopWatching();
    this.timer?.cancel();
  }

  /** Takes the brush to a frame. */
  async open(frame: Frame): Promise<void> {
    try {
      const { width, height } = await this.files.size(frame);
      const mask = frame.mask
        ? (await this.files.load(frame.mask)).resized(width, height)
        : new Mask(width, height);
      if (this.board.get(frame.id)?.type !== "frame") return;
      this.held = frame.mask;
      this.dirty = false;
      this.easel.masking.value = new Masking(frame.id, mask, () => this.stroked());
      this.easel.selection.select([frame.id]);
      this.easel.choose("mask");
    } catch (error) {
      this.onProblem(error);
    }
  }

  /** The mask as an asset, once everything that was painted is in it; "" when nothing was. */
  async current(frame: string): Promise<string> {
    if (this.easel.masking.peek()?.frame === frame && this.dirty) await this.save();
    const object = this.board.get(frame);
    return object?.type === "frame" ? object.mask : "";
  }

  private stroked(): void {
    this.dirty = true;
    this.timer?.cancel();
    this.timer = this.clock.after(SETTLED_MS, () => void this.save().catch(this.onProblem));
  }

  private save(): Promise<void> {
    this.timer?.cancel();
    this.timer = null;
    const masking = this.easel.masking.peek();
    // One after the other: the newest is the last to arrive.
    this.saving = this.saving.catch(() => undefined).then(() => this.write(masking));
    return this.saving;
  }

  private async write(masking: Masking | null): Promise<void> {
    if (!masking || !this.dirty) return;
    this.dirty = false;
    try {
      this.held = masking.mask.empty ? "" : await this.files.save(masking.mask);
    } catch (error) {
      this.dirty = true;
      throw error;
    }
    this.board.change(new Map([[masking.frame, { mask: this.held || null }]]));
  }

  private async reload(masking: Masking, frame: Frame): Promise<void> {
    this.held = frame.mask;
    try {
      const { width, height } = masking.mask;
      const mask = frame.mask
        ? (await this.files.load(frame.mask)).resized(width, height)
        : new Mask(width, height);
      // Another one came meanwhile, or the brush went on.
      if (this.held === frame.mask && !this.dirty) masking.take(mask.bits);
    } catch (error) {
      this.onProblem(error);
    }
  }
}
