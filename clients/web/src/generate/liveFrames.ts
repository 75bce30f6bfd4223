// Live frames: while people draw inside one, it is repainted. Everybody's strokes count, but only the page of its
// holder sends requests, so that a room of ten does not ask ten times. When the holder has left, the next person who
// draws in it takes over. The server drops outdated requests (PROTOCOL.md, "Painting").

import { effect } from "@preact/signals";
import type { Board } from "../canvas/board";
import type { BoardObject, Changed, Frame } from "../canvas/objects";
import type { Clock, Timer } from "../connection/clock";
import { drawnIn } from "./source";

/** Between two requests for one frame, at least; after one that failed, longer. */
const EVERY_MS = 900;
const AGAIN_MS = 5000;

export interface LiveOptions {
  board: Board;
  clock: Clock;
  /** Our id; null while we are not in the room or may not edit. */
  me(): string | null;
  present(participant: string): boolean;
  /** Whether the model can be asked now. */
  ready(): boolean;
  /** What is on the board, with what people are drawing at this moment. */
  drawn(): readonly BoardObject[];
  /** Draws, sends and asks; false when that failed. */
  ask(frame: Frame): Promise<boolean>;
}

interface Watch {
  /** The inputs of the last request. */
  asked: readonly unknown[] | null;
  busy: boolean;
  notBefore: number;
  timer: Timer | null;
}

export class LiveFrames {
  private readonly watches = new Map<string, Watch>();
  private readonly stop: (() => void)[];

  constructor(private readonly options: LiveOptions) {
    this.stop = [effect(() => this.look()), options.board.onOwn((ids) => this.tookPart(ids))];
  }

  close(): void {
    for (const stop of this.stop) stop();
    for (const watch of this.watches.values()) watch.timer?.cancel();
    this.watches.clear();
  }

  /** Frames that this page asks for. */
  private mine(): Frame[] {
    const me = this.options.me();
    const frames = [...this.options.board.objects.value.values()];
    return frames.filter(
      (object): object is Frame =>
        object.type === "frame" && object.live && !object.hidden && me !== null && object.holder === me,
    );
  }

  /** Runs whenever the board, the people or the model change. */
  private look(): void {
    const mine = this.mine();
    const drawn = this.options.drawn();
    const ready = this.options.ready();
    const ids = new Set(mine.map((frame) => frame.id));
    for (const [id, watch] of this.watches) {
      if (ids.has(id)) continue;
      watch.timer?.cancel();
      this.watches.delete(id);
    }
    if (!ready) return;
    for (const frame of mine) {
      const watch = this.watches.get(frame.id) ?? { asked: null, busy: false, notBefore: 0, timer: null };
      this.watches.set(frame.id, watch);
      if (frame.prompt.trim() && !same(watch.asked, contents(frame, drawn))) this.schedule(frame.id, watch);
    }
  }

  private schedule(id: string, watch: Watch): void {
    if (watch.busy || watch.timer) return;
    const wait = Math.max(0, watch.notBefore - this.options.clock.now());
    watch.timer = this.options.clock.after(wait, () => {
      watch.timer = null;
      void this.ask(id, watch);
    });
  }

  private async ask(id: string, watch: Watch): Promise<void> {
    const frame = this.options.board.get(id);
    if (frame?.type !== "frame" || this.watches.get(id) !== watch) return;
    watch.busy = true;
    watch.asked = contents(frame, this.options.drawn());
    const fine = await this.options.ask(frame).catch(() => false);
    watch.busy = false;
    watch.notBefore = this.options.clock.now() + (fine ? EVERY_MS : AGAIN_MS);
    if (!fine) watch.asked = null;
    if (this.watches.get(id) === watch) this.look();
  }

  /** We changed objects ourselves: a live frame around them whose holder has left is ours from now on. */
  private tookPart(ids: ReadonlySet<string>): void {
    const { board } = this.options;
    const me = this.options.me();
    const touched = [...ids].map((id) => board.get(id)).filter((object) => object !== undefined);
    if (me === null || touched.length === 0) return;
    const changes = new Map<string, Changed>();
    for (const frame of board.objects.peek().values()) {
      if (frame.type !== "frame" || !frame.live || frame.holder === me) continue;
      if (!this.options.present(frame.holder) && drawnIn(frame, touched).length > 0)
        changes.set(frame.id, { holder: me });
    }
    // Not inside the transaction that is being observed.
    if (changes.size > 0) queueMicrotask(() => board.change(changes, "same"));
  }
}

/** Everything that a live frame's picture depends on. Objects are replaced when they change: they are compared as such. */
function contents(frame: Frame, drawn: readonly BoardObject[]): readonly unknown[] {
  const { x, y, w, h, rotation, prompt, negative_prompt, style, strength, steps, guidance, seed, sampler } =
    frame;
  const words = [prompt, negative_prompt, style, frame.adapter, frame.adapter_scale];
  const settings = [...words, strength, steps, guidance, seed, sampler];
  return [x, y, w, h, rotation, ...settings, ...drawnIn(frame, drawn)];
}

const same = (a: readonly unknown[] | null, b: readonly unknown[]): boolean =>
  a !== null && a.length === b.length && a.every((value, index) => value === b[index]);
