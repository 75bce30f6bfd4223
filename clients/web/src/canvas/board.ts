// The objects of one document, as signals; and how they are placed, changed and taken away.

import { computed, signal } from "@preact/signals";
import { type Doc, type Transaction, Array as YArray, type YEvent, Map as YMap } from "yjs";
import { type BoardObject, type Changed, type Fields, readMap } from "./objects";
import { byOrder, keyBetween } from "./order";

export const CANVAS = "canvas";
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** 96 random bits. `randomUUID` is missing on plain http. */
export function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => ALPHABET[byte & 63]).join("");
}

export class Board {
  readonly objects = signal<ReadonlyMap<string, BoardObject>>(new Map());
  /** From back to front, what is hidden included. */
  readonly layers = computed(() => [...this.objects.value.values()].sort(byOrder));
  /** From back to front. */
  readonly ordered = computed(() => this.layers.value.filter((each) => !each.hidden));
  private readonly root: YMap<unknown>;
  private readonly listeners = new Set<(ids: ReadonlySet<string>) => void>();

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
    const z = keyBetween(this.layers.value.at(-1)?.z ?? "");
    this.doc.transact(() => {
      const map = new YMap<unknown>();
      for (const [name, value] of Object.entries({ ...fields, z })) map.set(name, stored(name, value));
      this.root.set(id, map);
    });
    return id;
  }

  /** Changes fields of several objects in one step, null takes one away; who has gone meanwhile stays away. */
  change(changes: ReadonlyMap<string, Changed>): void {
    this.doc.transact(() => {
      for (const [id, fields] of changes) {
        const map = this.root.get(id);
        if (!(map instanceof YMap)) continue;
        for (const [name, value] of Object.entries(fields)) {
          const next = value === null ? undefined : stored(name, value);
          if (map.get(name) === next) continue;
          if (next === undefined) map.delete(name);
          else map.set(name, next);
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
    const others = this.layers.value.filter((object) => !ids.has(object.id));
    this.putAt(ids, others, where === "front" ? others.length : 0);
  }

  /** Brings an object one place up (1) or down (-1) among all. */
  shift(id: string, step: 1 | -1): void {
    const others = this.layers.value.filter((object) => object.id !== id);
    const at = this.layers.value.findIndex((object) => object.id === id);
    if (at >= 0) this.putAt(new Set([id]), others, Math.min(others.length, Math.max(0, at + step)));
  }

  /** Brings an object right behind another one, or before all when there is none. */
  putBehind(id: string, above: string | null): void {
    const others = this.layers.value.filter((object) => object.id !== id);
    const at = others.findIndex((object) => object.id === above);
    this.putAt(new Set([id]), others, at < 0 ? others.length : at);
  }

  /** Hears which objects this page changes itself; returns how to stop listening. */
  onOwn(listener: (ids: ReadonlySet<string>) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Between `others[at - 1]` and `others[at]`, their own order kept. */
  private putAt(ids: ReadonlySet<string>, others: readonly BoardObject[], at: number): void {
    const chosen = this.layers.value.filter((object) => ids.has(object.id));
    let low = others[at - 1]?.z ?? "";
    let high = others[at]?.z ?? "";
    // Two that were placed at the same moment share a key: nothing fits between, so it goes before both.
    if (high && low >= high) high = others.slice(at).find((object) => object.z > low)?.z ?? "";
    // Below a key of zeros alone there is none.
    if (/^0+$/.test(high)) return;
    const changes = new Map<string, Fields>();
    for (const object of chosen) {
      low = keyBetween(low, high);
      changes.set(object.id, { z: low });
    }
    this.change(changes);
  }

  private readonly onEvents = (events: YEvent<YMap<unknown>>[], transaction: Transaction): void => {
    const touched = new Set<string>();
    for (const event of events) {
      if (event.path.length > 0) touched.add(String(event.path[0]));
      else for (const key of event.keys.keys()) touched.add(key);
    }
    this.read(touched);
    if (transaction.local) for (const listener of this.listeners) listener(touched);
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

/** Numbers that people choose, and see again. */
const EXACT: readonly string[] = ["strength", "guidance", "seed", "opacity"];

/** Numbers as they are stored: in 64ths, which a 32-bit float holds exactly, so that they cost five bytes, not nine. */
function stored(name: string, value: Fields[string]): unknown {
  if (typeof value === "number") return EXACT.includes(name) ? value : round(value);
  return typeof value === "object" ? YArray.from(value.map(round)) : value;
}

export const round = (value: number): number => Math.round(value * 64) / 64;
