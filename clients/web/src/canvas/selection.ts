// What one person has selected, and the actions on it.

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import type { StepKind } from "../protocol/messages";
import type { Board } from "./board";
import { around, type Box, bounds, moved, turned } from "./geometry";
import type { BoardObject, Changed } from "./objects";

export class Selection {
  readonly ids = signal<ReadonlySet<string>>(new Set());
  /** As they are shown now: where they are being moved to. */
  readonly objects: ReadonlySignal<BoardObject[]>;
  /** Around all of them; of one that is turned its own box, before it is turned. */
  readonly box: ReadonlySignal<Box | null>;
  /** Degrees that the box is turned by. */
  readonly turned: ReadonlySignal<number>;

  constructor(
    private readonly board: Board,
    private readonly canEdit: () => boolean,
    shown: () => readonly BoardObject[],
  ) {
    this.objects = computed(() => shown().filter((object) => this.ids.value.has(object.id)));
    const alone = computed(() => {
      const [only, ...others] = this.objects.value;
      const line = only?.type === "shape" && only.h === 0;
      return only && others.length === 0 && only.rotation !== 0 && !line ? only : null;
    });
    this.turned = computed(() => alone.value?.rotation ?? 0);
    this.box = computed(() =>
      alone.value ? bounds({ ...alone.value, rotation: 0 }) : around(this.objects.value.map(bounds)),
    );
  }

  has(id: string): boolean {
    return this.ids.value.has(id);
  }

  select(ids: Iterable<string>): void {
    this.ids.value = new Set(ids);
  }

  toggle(id: string): void {
    const ids = new Set(this.ids.value);
    if (!ids.delete(id)) ids.add(id);
    this.ids.value = ids;
  }

  all(): void {
    this.select(this.board.ordered.value.filter((each) => !each.locked).map((each) => each.id));
  }

  /** Goes through the objects, for hands on the keyboard. */
  next(step: 1 | -1): void {
    const objects = this.board.ordered.value;
    const at = objects.findIndex((object) => this.has(object.id));
    const next = objects.at((at < 0 ? (step > 0 ? 0 : -1) : at + step) % Math.max(1, objects.length));
    if (next) this.select([next.id]);
  }

  movable(): BoardObject[] {
    return this.board.ordered.value.filter((object) => this.has(object.id) && !object.locked);
  }

  nudge(dx: number, dy: number): void {
    this.change((object) => moved(object, dx, dy), "");
  }

  turn(degrees: number): void {
    const box = around(this.movable().map(bounds));
    if (!box) return;
    const about = { x: box.x + box.w / 2, y: box.y + box.h / 2 };
    this.change((object) => turned(object, about, degrees), "");
  }

  recolor(color: string): void {
    this.change((object) => ("color" in object ? { color } : null));
  }

  resize(size: number): void {
    this.change((object) => ("size" in object ? { size } : null));
  }

  reorder(where: "front" | "back"): void {
    if (this.canEdit()) this.board.reorder(this.ids.value, where);
  }

  remove(): void {
    if (!this.canEdit()) return;
    this.board.remove(this.movable().map((object) => object.id));
    this.select([]);
  }

  /** `step` empty: keys that repeat are one step of undo until they pause. */
  private change(fields: (object: BoardObject) => Changed | null, step: StepKind = "new"): void {
    if (!this.canEdit()) return;
    const changes = new Map<string, Changed>();
    for (const object of this.movable()) {
      const changed = fields(object);
      if (changed) changes.set(object.id, changed);
    }
    if (changes.size > 0) this.board.change(changes, step);
  }
}
