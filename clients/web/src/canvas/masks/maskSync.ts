// Brings masks from a person's brush to the room and back: a finished stroke becomes the frame's mask for everybody,
// and changes by others (or an undo) come back under the brush.

import { effect } from "@preact/signals";
import type { Clock, Timer } from "../../connection/clock";
import type { Board } from "../board";
import type { CanvasEditor } from "../canvasEditor";
import type { Frame } from "../objects";
import type { Size } from "../pictures/extend";
import { Mask } from "./mask";
import { MaskBrush } from "./maskBrush";

/** After a stroke: the next one may follow at once. */
const SETTLED_MS = 500;

export interface MaskFiles {
  size(frame: Frame): Promise<Size>;
  load(asset: string): Promise<Mask>;
  save(mask: Mask): Promise<string>;
}

export class MaskSync {
  private timer: Timer | null = null;
  /** The asset of the mask under the brush; "" for an empty one. */
  private held = "";
  private saving: Promise<void> = Promise.resolve();
  private dirty = false;
  private readonly stopWatching: () => void;

  constructor(
    private readonly canvasEditor: CanvasEditor,
    private readonly board: Board,
    private readonly files: MaskFiles,
    private readonly clock: Clock,
    private readonly onProblem: (error: unknown) => void,
  ) {
    this.stopWatching = effect(() => {
      const maskBrush = this.canvasEditor.maskBrush.value;
      const frame = maskBrush && this.board.objects.value.get(maskBrush.frame);
      if (!maskBrush) return;
      if (frame?.type !== "frame") this.canvasEditor.choose("select");
      else if (frame.mask !== this.held && !this.dirty) void this.reload(maskBrush, frame);
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
      this.canvasEditor.maskBrush.value = new MaskBrush(frame.id, mask, () => this.stroked());
      this.canvasEditor.selection.select([frame.id]);
      this.canvasEditor.choose("mask");
    } catch (error) {
      this.onProblem(error);
    }
  }

  /** The mask as an asset, once everything that was painted is in it; "" when nothing was. */
  async current(frame: string): Promise<string> {
    if (this.canvasEditor.maskBrush.peek()?.frame === frame && this.dirty) await this.save();
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
    const maskBrush = this.canvasEditor.maskBrush.peek();
    // One after the other: the newest is the last to arrive.
    this.saving = this.saving.catch(() => undefined).then(() => this.write(maskBrush));
    return this.saving;
  }

  private async write(maskBrush: MaskBrush | null): Promise<void> {
    if (!maskBrush || !this.dirty) return;
    this.dirty = false;
    try {
      this.held = maskBrush.mask.empty ? "" : await this.files.save(maskBrush.mask);
    } catch (error) {
      this.dirty = true;
      throw error;
    }
    this.board.change(new Map([[maskBrush.frame, { mask: this.held || null }]]));
  }

  private async reload(maskBrush: MaskBrush, frame: Frame): Promise<void> {
    this.held = frame.mask;
    try {
      const { width, height } = maskBrush.mask;
      const mask = frame.mask
        ? (await this.files.load(frame.mask)).resized(width, height)
        : new Mask(width, height);
      // Another one came meanwhile, or the brush went on.
      if (this.held === frame.mask && !this.dirty) maskBrush.replace(mask.bits);
    } catch (error) {
      this.onProblem(error);
    }
  }
}
