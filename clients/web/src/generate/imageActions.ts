// What a person lets the image model do: paint a frame, four variants, inpaint under a mask; and the actions on a
// picture: paint over, extend, vary, enlarge, trace. Every problem becomes a notice, and nothing is lost.

import { effect, signal } from "@preact/signals";
import type { CanvasEditor } from "../canvas/canvasEditor";
import { save } from "../canvas/export";
import { type Box, liveBox } from "../canvas/geometry";
import { Mask } from "../canvas/masks/mask";
import { MaskSync } from "../canvas/masks/maskSync";
import type { BoardObject, Changed, Fields, Frame, Picture } from "../canvas/objects";
import { extension, type Sides } from "../canvas/pictures/extend";
import { maskPng, placedPng, readMask } from "../canvas/pictures/pixels";
import { ownWords } from "../canvas/pictures/provenance";
import { systemClock } from "../connection/clock";
import type { ImageModel, ImageParams, ModelInfo, RunInfo } from "../protocol/messages";
import { ApiError } from "../room/http/httpApi";
import type { Room } from "../room/room";
import { isActive, isPainting } from "../room/runs";
import { LiveFrames } from "./liveFrames";
import { frameFields, keptFields, newSeed, requestOf } from "./request";
import { maxPixels, sourceOf, sourceSize } from "./source";

const GAP = 16;
/** Runs that one person may have under way by the server's default; the fourth of four waits for one to end. */
const AT_ONCE = 3;
/** Close enough to be recognised, far enough to differ. */
const VARY = 0.55;
const POLISH = 0.2;
const MAX_SIDE = 2048;

export class ImageActions {
  /** Prompts that this person typed and did not send, by frame: prompts of others do not replace them. `base` is
   * the frame's prompt at that time: while it is unchanged, the frame takes what was typed. */
  readonly wording = signal<ReadonlyMap<string, { words: string; base: string }>>(new Map());
  readonly masks: MaskSync;
  readonly live: LiveFrames;
  /** Ids of objects whose request is being prepared or waits. */
  readonly busy = signal<ReadonlySet<string>>(new Set());
  /** Whether the card of a frame shows its settings. */
  readonly settingsOpen = signal(false);
  private closed = false;

  constructor(
    private readonly room: Room,
    private readonly canvasEditor: CanvasEditor,
    private readonly said: { unreachable: string; failed: string },
  ) {
    const { pictures } = room;
    const { board } = canvasEditor;
    this.masks = new MaskSync(
      canvasEditor,
      board,
      {
        size: (frame) => sourceSize(pictures, frame, this.image),
        load: async (asset) => readMask(await pictures.blob(asset)),
        save: async (mask) => (await pictures.upload(await maskPng(mask))).sha256,
      },
      systemClock,
      (error) => this.problem(error),
    );
    this.live = new LiveFrames({
      board,
      clock: systemClock,
      me: () => (room.members.canEdit ? (room.members.me.value?.id ?? null) : null),
      present: (id) => room.members.all.value.get(id)?.online === true,
      ready: () => this.ready && room.synced.value,
      drawn: () => this.drawn(),
      ask: (frame) => this.repaint(frame),
    });
  }

  /** Keeps the prompt typed for a frame; null: it was sent or discarded. */
  word(
    frame: Frame,
    words: string | null,
    base = this.wording.peek().get(frame.id)?.base ?? frame.prompt,
  ): void {
    const next = new Map([...this.wording.peek()].filter(([id]) => this.canvasEditor.board.get(id)));
    if (words === null) next.delete(frame.id);
    else next.set(frame.id, { words, base });
    this.wording.value = next;
  }

  /** Releases our live frames, so that others can take them over. */
  close(): void {
    this.closed = true;
    this.masks.close();
    this.live.close();
    const me = this.room.members.me.peek()?.id;
    const changes = new Map<string, Changed>();
    for (const object of this.canvasEditor.board.objects.peek().values()) {
      if (object.type === "frame" && object.live && object.holder === me)
        changes.set(object.id, { holder: null });
    }
    if (changes.size > 0 && this.room.members.canEdit) this.canvasEditor.board.change(changes);
  }

  get model(): ModelInfo | undefined {
    return this.room.models.value.find((each) => each.modality === "image");
  }

  get image(): ImageModel | null {
    return this.model?.image ?? null;
  }

  get ready(): boolean {
    return this.model?.ready === true && this.image !== null && this.room.phase.value.name === "open";
  }

  // A frame -------------------------------------------------------------------------------------------

  /** Paints a frame; one with a mask once all brush strokes are in it. */
  paint(frame: Frame): Promise<void> {
    return this.work(frame.id, async () => {
      const mask = frame.task === "inpaint" ? await this.masks.current(frame.id) : "";
      if (frame.task === "inpaint" && !mask) return;
      if (this.canvasEditor.tool.peek() === "mask") this.canvasEditor.settle(frame.id);
      const now = this.canvasEditor.board.get(frame.id);
      if (now?.type === "frame") await this.ask(now);
    });
  }

  /** The frame and three more beside and below it, each with a seed of its own. */
  four(frame: Frame): Promise<void> {
    return this.work(frame.id, async () => {
      if (frame.task === "inpaint" && !(await this.masks.current(frame.id))) return;
      const source = await this.source(frame);
      const seeds = [newSeed(), newSeed(), newSeed(), newSeed()];
      const { board } = this.canvasEditor;
      const places: Box[] = [0, 1, 2, 3].map((index) => ({
        x: frame.x + (index % 2) * (frame.w + GAP),
        y: frame.y + Math.floor(index / 2) * (frame.h + GAP),
        w: frame.w,
        h: frame.h,
      }));
      const pinned: Changed = { live: null, holder: null, ...(source ? { source } : {}) };
      board.change(new Map([[frame.id, { ...pinned, seed: seeds[0] as number }]]));
      const ids = [frame.id];
      for (const index of [1, 2, 3]) {
        const now = board.get(frame.id);
        if (now?.type !== "frame") return;
        const fields = { ...frameFields(now), ...(source ? { source } : {}), seed: seeds[index] as number };
        ids.push(board.place({ ...fields, ...(places[index] as Box), rotation: frame.rotation }));
      }
      this.canvasEditor.selection.select([]);
      for (const id of ids) {
        await this.whenFree();
        const one = board.get(id);
        if (one?.type === "frame" && !(await this.ask(one))) return;
      }
    });
  }

  /** From now on the frame is repainted whenever something is drawn in it, and this page asks. */
  goLive(frame: Frame, on: boolean): void {
    const me = this.room.members.me.peek()?.id;
    if (!me) return;
    // The same seed each time: only the drawing changes the picture.
    const seed = frame.seed ?? newSeed();
    const begin: Changed = { live: true, holder: me, task: "image_to_image", seed, source: null, mask: null };
    this.canvasEditor.board.change(
      new Map([[frame.id, on ? begin : { live: null, holder: null, asset: null }]]),
    );
  }

  /** Places the present live picture as an object of its own. */
  keep(frame: Frame): void {
    const run = this.room.runs.all.peek().get(frame.run);
    if (!frame.asset) return;
    const known = keptFields(frame, run, this.image);
    const box = liveBox(frame);
    const place = { ...box, x: box.x + frame.w + GAP, rotation: frame.rotation };
    this.canvasEditor.board.place({ type: "image", asset: frame.asset, ...place, ...known });
  }

  // A picture -----------------------------------------------------------------------------------------

  /** A frame over a picture, whose mask is painted next. */
  async paintOver(picture: Picture): Promise<void> {
    const frame = this.frameOver(picture, picture, { task: "inpaint", source: picture.asset });
    if (frame) await this.masks.open(frame);
  }

  /** Places a frame over a picture, to start from it. */
  goOn(picture: Picture): void {
    this.frameOver(picture, picture, { task: "image_to_image" });
  }

  /** A frame around a picture that has been made larger; the new ground is the mask. */
  extend(picture: Picture, sides: Sides): Promise<void> {
    return this.work(picture.id, async () => {
      const { pictures } = this.room;
      const natural = await pictures.size(picture.asset);
      const { box, size, inner } = extension(picture, natural, sides, maxPixels(this.image));
      const mask = new Mask(size.width, size.height);
      mask.invert();
      mask.fill(inner, false);
      if (mask.empty) return;
      const file = await placedPng(await pictures.blob(picture.asset), size, inner);
      const source = (await pictures.upload(file)).sha256;
      const masked = (await pictures.upload(await maskPng(mask))).sha256;
      this.frameOver(picture, box, { task: "inpaint", source, mask: masked });
    });
  }

  /** A new picture beside this one that starts from it, with another seed. */
  vary(picture: Picture): Promise<void> {
    return this.work(picture.id, async () => {
      const beside = { ...picture, x: picture.x + picture.w + GAP };
      const frame = this.frameOver(picture, beside, {
        task: "image_to_image",
        source: picture.asset,
        strength: VARY,
        seed: newSeed(),
      });
      if (frame) await this.ask(frame);
    });
  }

  /** What `enlarge` would do: twice the sides, repainted by the model where they are not more than it paints. */
  async enlarged(picture: Picture): Promise<{ width: number; height: number; repainted: boolean }> {
    const { width, height } = await this.room.pictures.size(picture.asset);
    const [w, h] = [width * 2, height * 2];
    const fits = w * h <= maxPixels(this.image) && Math.max(w, h) <= MAX_SIDE;
    return { width: w, height: h, repainted: fits && this.ready && picture.run !== "" };
  }

  /** Twice the sides in the same place: interpolated, and then repainted a little where the model can. */
  enlarge(picture: Picture): Promise<void> {
    return this.work(picture.id, async () => {
      const { width, height, repainted } = await this.enlarged(picture);
      if (repainted) {
        const changes = { task: "image_to_image", source: picture.asset, strength: POLISH };
        const frame = this.frameOver(picture, picture, changes);
        if (frame) await this.ask(frame, { width, height });
        return;
      }
      const asset = await this.room.pictures.enlarge(picture.asset);
      const { x, y, w, h, rotation } = picture;
      const known: Fields = { type: "image", asset: asset.sha256, x, y, w, h, rotation };
      const words: Fields = picture.prompt ? { prompt: picture.prompt, model: picture.model } : {};
      this.canvasEditor.settle(this.canvasEditor.board.place({ ...known, ...words, source: picture.asset }));
    });
  }

  /** The picture's outlines as a file. */
  trace(picture: Picture, name: string): Promise<void> {
    return this.work(picture.id, async () => save(await this.room.pictures.trace(picture.asset), name));
  }

  // Small parts ---------------------------------------------------------------------------------------

  private async ask(frame: Frame, more: ImageParams = {}): Promise<RunInfo | null> {
    const { prompt, params } = requestOf(frame, this.image);
    const source = await this.source(frame);
    return this.room.requests.paint({
      frame: frame.id,
      task: frame.task,
      prompt,
      params: { ...params, ...more },
      source,
      mask: frame.task === "inpaint" ? frame.mask : null,
    });
  }

  private source(frame: Frame): Promise<string | null> {
    if (frame.task === "text_to_image") return Promise.resolve(null);
    return sourceOf(this.room.pictures, frame, this.canvasEditor.board.ordered.peek(), this.image);
  }

  private async repaint(frame: Frame): Promise<boolean> {
    try {
      const { pictures } = this.room;
      const source = await sourceOf(pictures, { ...frame, source: "" }, this.drawn(), this.image);
      if (this.closed) return false;
      const { prompt, params } = requestOf({ ...frame, task: "image_to_image" }, this.image);
      const asked = { frame: frame.id, task: "image_to_image" as const, prompt, params, source, live: true };
      return (await this.room.requests.paint(asked)) !== null;
    } catch (error) {
      this.problem(error);
      return false;
    }
  }

  /** What is on the board, and what everybody is drawing at this moment. */
  private drawn(): readonly BoardObject[] {
    const drafts = [...this.room.members.presences.value.values()].map(
      (presence) => presence.hand?.draft ?? null,
    );
    const drawing = [...drafts, this.canvasEditor.draftObject.value];
    return [
      ...this.canvasEditor.board.ordered.value,
      ...drawing.filter((object): object is BoardObject => object !== null && object.type !== "frame"),
    ];
  }

  private frameOver(picture: Picture, box: Box, changes: Fields): Frame | null {
    const { x, y, w, h } = box;
    const own = ownWords(picture);
    const words: Fields = { prompt: own.prompt };
    if (own.negative_prompt) words.negative_prompt = own.negative_prompt;
    if (picture.style) words.style = picture.style;
    const fields = { ...this.canvasEditor.options.frameFields(), ...words, type: "frame", x, y, w, h };
    const id = this.canvasEditor.board.place({ ...fields, rotation: picture.rotation, ...changes });
    this.canvasEditor.settle(id);
    const frame = this.canvasEditor.board.get(id);
    return frame?.type === "frame" ? frame : null;
  }

  /** Resolves when one more run of ours may begin, or the connection is lost. */
  private whenFree(): Promise<void> {
    const free = () => {
      const me = this.room.members.me.value?.id;
      const mine = [...this.room.runs.all.value.values()].filter(
        (run) => run.participant === me && isPainting(run) && isActive(run),
      );
      return mine.length < AT_ONCE || this.room.phase.value.name !== "open";
    };
    return new Promise((resolve) => {
      let stop: (() => void) | null = null;
      let done = false;
      stop = effect(() => {
        if (done || !(free() || this.closed)) return;
        done = true;
        resolve();
        queueMicrotask(() => stop?.());
      });
    });
  }

  private async work(id: string, act: () => Promise<void>): Promise<void> {
    if (this.busy.value.has(id)) return;
    this.busy.value = new Set([...this.busy.value, id]);
    try {
      await act();
    } catch (error) {
      this.problem(error);
    } finally {
      this.busy.value = new Set([...this.busy.value].filter((each) => each !== id));
    }
  }

  /** The server's own words where it said some. */
  private problem(error: unknown): void {
    const words = error instanceof ApiError ? error.message || this.said.unreachable : this.said.failed;
    const code = error instanceof ApiError ? error.code : "";
    if (!this.closed) this.room.notices.add("request_failed", words, code);
  }
}
