// The objects of one document, as signals; and how they are placed, changed and taken away.

import { computed, signal } from "@preact/signals";
import { type Doc, Array as YArray, type YEvent, Map as YMap } from "yjs";
import { type BoardObject, type Fields, readMap } from "./objects";
import { byOrder, keyBetween } from "./order";

export const CANVAS = "canvas";
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** 96 random bits. `randomUUID` is missing on plain http. */
export function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => ALPHABET[byte & 63]).join("");
}

export class Board {
  readonly objects = signal<ReadonlyMap<string, BoardObject>>(new Map());
  /** From back to front. */
  readonly ordered = computed(() =>
    [...this.objects.value.values()].filter((each) => !each.hidden).sort(byOrder),
  );
  private readonly root: YMap<unknown>;

  constructor(private readonly doc: Doc) {
    this.root = doc.getMap(CANVAS);
    this.read([...this.root.keys()]);
    this.root.observeDeep(this.onEvents);
  }

  destroy(): void {
    this.root.unobserveDeep(this.onEvents);
  }

  get(id: string): BoardObject | undefined {
    return this.objects.value.get(id);
  }

  /** Puts a new object on top and returns its id. */
  place(fields: Fields): string {
    const id = newId();
    const z = keyBetween(this.ordered.value.at(-1)?.z ?? "");
    this.doc.transact(() => {
      const map = new YMap<unknown>();
      for (const [name, value] of Object.entries({ ...fields, z })) map.set(name, stored(value));
      this.root.set(id, map);
    });
    return id;
  }

  /** Changes fields of several objects in one step; who has gone meanwhile stays away. */
  change(changes: ReadonlyMap<string, Fields>): void {
    this.doc.transact(() => {
      for (const [id, fields] of changes) {
        const map = this.root.get(id);
        if (!(map instanceof YMap)) continue;
        for (const [name, value] of Object.entries(fields)) {
          const next = stored(value);
          if (map.get(name) !== next) map.set(name, next);
        }
      }
    });
  }

  remove(ids: Iterable<string>): void {
    this.doc.transact(() => {
      for (const id of ids) this.root.delete(id);
    });
  }

  /** Brings objects before or behind all the others, their own order kept. */
  reorder(ids: ReadonlySet<string>, where: "front" | "back"): void {
    const chosen = this.ordered.value.filter((object) => ids.has(object.id));
    const others = this.ordered.value.filter((object) => !ids.has(object.id));
    const changes = new Map<string, Fields>();
    let low = where === "front" ? (others.at(-1)?.z ?? "") : "";
    const high = where === "back" ? (others[0]?.z ?? "") : "";
    // Below a key of zeros alone there is none.
    if (/^0+$/.test(high)) return;
    for (const object of chosen) {
      low = keyBetween(low, high);
      changes.set(object.id, { z: low });
    }
    this.change(changes);
  }

  private readonly onEvents = (events: YEvent<YMap<unknown>>[]): void => {
    const touched = new Set<string>();
    for (const event of events) {
      if (event.path.length > 0) touched.add(String(event.path[0]));
      else for (const key of event.keys.keys()) touched.add(key);
    }
    this.read(touched);
  };

  private read(ids: Iterable<string>): void {
    const next = new Map(this.objects.peek());
    for (const id of ids) {
      const map = this.root.get(id);
      const object = map instanceof YMap ? readMap(id, map) : null;
      if (object) next.set(id, object);
      else next.delete(id);
    }
    this.objects.value = next;
  }
}

/** Numbers as they are stored: in 64ths, which a 32-bit float holds exactly, so that they cost five bytes, not nine. */
function stored(value: Fields[string]): unknown {
  if (typeof value === "number") return round(value);
  return typeof value === "object" ? YArray.from(value.map(round)) : value;
}

export const round = (value: number): number => Math.round(value * 64) / 64;
