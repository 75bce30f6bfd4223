// Paints a shot: an AI frame on the canvas with the shot's words and cast, an ordinary run, and its picture in the shot.

import { signal } from "@preact/signals";
import { Map as YMap } from "yjs";
import { Board } from "../canvas/board";
import type { Room } from "../room/room";
import type { Clip, Size } from "./reel";

const SIDE = 512;
const GAP = 32;
/** Frames of shots stand in rows above the board. */
const ROW = 8;
const MAX_PROMPT = 600;
const SIZES: Record<Size, string> = {
  extreme_wide: "very wide shot",
  wide: "wide shot",
  full: "full figure",
  medium: "medium shot",
  close: "close-up",
  extreme_close: "extreme close-up",
};

/** What the model is asked for. */
export function promptOf(clip: Clip): string {
  const seen = clip.kind === "speech" ? clip.cast.join(" and ") : clip.text;
  const parts = [
    SIZES[clip.size],
    seen,
    clip.kind === "action" && clip.cast.length > 0 ? `with ${clip.cast.join(" and ")}` : "",
    clip.place.toLowerCase(),
    clip.time.toLowerCase(),
    clip.effects.filter((one) => one !== "beam").join(", "),
  ];
  return parts.filter(Boolean).join(", ").slice(0, MAX_PROMPT);
}

export class ShotPainter {
  /** Ids of shots that are being painted. */
  readonly busy = signal<ReadonlySet<string>>(new Set());

  /** `show` puts the asset into the shot. */
  constructor(
    private readonly room: Room,
    private readonly show: (shot: string, asset: string) => void,
  ) {}

  /** The picture comes into the shot when it is painted; it stands on the canvas as well. */
  async paint(clip: Clip, place: number): Promise<void> {
    const { room } = this;
    if (this.busy.peek().has(clip.id)) return;
    this.mark(clip.id, true);
    const board = new Board(room.doc.peek(), (step, edit) => room.undoSteps.as(step, edit));
    try {
      const [column, row] = [place % ROW, Math.floor(place / ROW)];
      const prompt = promptOf(clip);
      const frame = board.place({
        type: "frame",
        x: column * (SIDE + GAP),
        y: -(row + 1) * (SIDE + GAP) - GAP,
        w: SIDE,
        h: SIDE,
        prompt,
        task: "text_to_image",
      });
      const asked = { frame, task: "text_to_image" as const, prompt, params: {}, source: null };
      const run = await room.requests.paint(asked);
      const asset = run && (await this.painted(run.id));
      if (asset) this.show(clip.id, asset);
    } finally {
      board.destroy();
      this.mark(clip.id, false);
    }
  }

  /** The asset of a run's picture, once it stands on the canvas; null when the run ended without one. */
  private painted(run: string): Promise<string | null> {
    const { room } = this;
    const root = room.doc.peek().getMap("canvas") as YMap<unknown>;
    return new Promise((resolve) => {
      const look = () => {
        for (const one of root.values()) {
          if (!(one instanceof YMap) || one.get("run") !== run || one.get("type") !== "image") continue;
          const asset = one.get("asset");
          if (typeof asset === "string") return finish(asset);
        }
        const state = room.runs.all.peek().get(run)?.state;
        if (state !== undefined && ENDED.has(state)) finish(null);
      };
      const unfollow = room.runs.all.subscribe(() => setTimeout(look));
      const finish = (asset: string | null) => {
        root.unobserveDeep(look);
        unfollow();
        resolve(asset);
      };
      root.observeDeep(look);
      look();
    });
  }

  private mark(id: string, busy: boolean): void {
    const now = new Set(this.busy.peek());
    if (busy) now.add(id);
    else now.delete(id);
    this.busy.value = now;
  }
}

const ENDED: ReadonlySet<string> = new Set(["failed", "stopped"]);
