// The objects of one document as signals; placing, changing and removing them.

import { computed, signal } from "@preact/signals";
import { type Doc, type Transaction, Array as YArray, type YEvent, Map as YMap, Text as YText } from "yjs";
import type { StepKind } from "../protocol/messages";
import { reword, sharedText } from "./boardText";
import { type BoardObject, type Changed, type Fields, type Label, readMap } from "./objects";
import { byOrder, keyBetween, keysBetween } from "./order";

export const CANVAS = "canvas";
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** 96 random bits. `randomUUID` is missing on plain http. */
export function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => ALPHABET[byte & 63]).join("");
}

export class Board {
  readonly objects = signal<ReadonlyMap<string, BoardObject>>(new Map());
  /** From back to front, hidden objects included. */
  readonly layers = computed(() => [...this.objects.value.values()].sort(byOrder));
  /** From back to front. */
  readonly ordered = computed(() => this.layers.value.filter((each) => !each.hidden));
  private readonly root: YMap<unknown>;
  private readonly listeners = new Set<(ids: ReadonlySet<string>) => void>();
  private readonly losses = new Set<(label: Label) => void>();
  /** Texts that this page wrote in since the room had all, as they were last. */
  private readonly worded = new Map<string, Label>();

  /** `as` makes an edit as a step of undo. */
  constructor(
    private readonly doc: Doc,
    private readonly as: (step: StepKind, edit: () => void) => void = (_step, edit) => edit(),
  ) {
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
    this.write("new", () => {
      const map = new YMap<unknown>();
      for (const [name, value] of Object.entries({ ...fields, z })) {
        map.set(name, isText(fields.type, name) ? new YText(String(value)) : stored(name, value));
      }
      this.root.set(id, map);
    });
    return id;
  }

  /**
   * Changes fields of several objects at once; null removes a field; objects that are gone stay gone. A step of undo by
   * itself, unless `step` says that it belongs to the last one, or that pauses decide.
   */
  change(changes: ReadonlyMap<string, Changed>, step: StepKind = "new"): void {
    this.write(step, () => {
      for (const [id, fields] of changes) {
        const map = this.root.get(id);
        if (!(map instanceof YMap)) continue;
        for (const [name, value] of Object.entries(fields)) {
          const text = sharedText(map, name);
          if (text && typeof value === "string") {
            reword(text, value);
            continue;
          }
          const next = value === null ? undefined : stored(name, value);
          if (map.get(name) === next) continue;
          if (next === undefined) map.delete(name);
          else map.set(name, next);
        }
      }
    });
  }

  /** The text of a text object, to be written in together with others. */
  textOf(id: string): YText | null {
    const map = this.root.get(id);
    const found = sharedText(map, "text");
    if (found || !(map instanceof YMap) || map.get("type") !== "text") return found;
    // A plain value, which this server does not change.
    const made = new YText(String(map.get("text") ?? ""));
    map.set("text", made);
    return made;
  }

  remove(ids: Iterable<string>): void {
    this.write("new", () => {
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

  /** Calls back for texts that somebody deleted before they saw this page's edits in them; returns how to stop. */
  onLost(listener: (label: Label) => void): () => void {
    this.losses.add(listener);
    return () => this.losses.delete(listener);
  }

  /** The room has all that this page wrote until now. */
  settled(): void {
    this.worded.clear();
  }

  /** Hears which objects this page changes itself; returns how to stop listening. */
  onOwn(listener: (ids: ReadonlySet<string>) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private write(step: StepKind, edit: () => void): void {
    this.as(step, () => this.doc.transact(edit));
  }

  /** Between `others[at - 1]` and `others[at]`, their own order kept. */
  private putAt(ids: ReadonlySet<string>, others: readonly BoardObject[], at: number): void {
    const chosen = this.layers.value.filter((object) => ids.has(object.id));
    const low = others[at - 1]?.z ?? "";
    let high = others[at]?.z ?? "";
    // Two objects placed at the same moment have the same key: nothing fits between them, so it goes before both.
    if (high && low >= high) high = others.slice(at).find((object) => object.z > low)?.z ?? "";
    let keys: string[];
    try {
      keys = keysBetween(low, high, chosen.length);
    } catch (error) {
      if (error instanceof RangeError) return; // a key from another client leaves no room
      throw error;
    }
    this.change(new Map(chosen.map((object, index) => [object.id, { z: keys[index] as string }])));
  }

  private readonly onEvents = (events: YEvent<YMap<unknown>>[], transaction: Transaction): void => {
    const touched = new Set<string>();
    for (const event of events) {
      if (event.path.length > 0) touched.add(String(event.path[0]));
      else for (const key of event.keys.keys()) touched.add(key);
    }
    const texts = events
      .filter((event) => event.target instanceof YText)
      .map((event) => String(event.path[0]));
    this.read(touched);
    if (transaction.local) for (const listener of this.listeners) listener(touched);
    this.follow(touched, transaction.local ? new Set(texts) : null);
  };

  /** `mine`: the texts that this page edited; null: the change is somebody else's. */
  private follow(touched: ReadonlySet<string>, mine: ReadonlySet<string> | null): void {
    for (const id of touched) {
      const now = this.get(id);
      const was = this.worded.get(id);
      if (now?.type === "text" && (was || mine?.has(id))) this.worded.set(id, now);
      if (now || !was) continue;
      this.worded.delete(id);
      // Edits of a listener are a transaction of their own.
      if (!mine) for (const listener of this.losses) queueMicrotask(() => listener(was));
    }
  }

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

const isText = (type: unknown, name: string) => type === "text" && name === "text";

/** Numbers that people choose, and see again. */
const EXACT: readonly string[] = ["strength", "guidance", "seed", "opacity"];

/** Numbers as they are stored: in 64ths, which a 32-bit float holds exactly, so that they cost five bytes, not nine. */
function stored(name: string, value: Fields[string]): unknown {
  if (typeof value === "number") return EXACT.includes(name) ? value : round(value);
  return typeof value === "object" ? YArray.from(value.map(round)) : value;
}

export const round = (value: number): number => Math.round(value * 64) / 64;
