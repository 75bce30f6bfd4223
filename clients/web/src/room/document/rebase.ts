// Writes waiting changes again under another client id, on top of another copy of the document. This is needed when
// the room refuses them because their id belongs to somebody else, or because they depend on changes that the server
// lost in a crash.

import {
  ContentDeleted,
  ContentString,
  createID,
  type Doc,
  decodeUpdate,
  findRootTypeKey,
  GC,
  getItem,
  getState,
  ID as IdType,
  Item,
  Skip,
  UpdateEncoderV1,
} from "yjs";

type ID = IdType;
type Struct = Item | GC;
/** Client -> ranges of its clocks. */
type Ranges = Map<number, { clock: number; length: number }[]>;

/** Structs, and units of Yjs, in one update at most. */
const STRUCTS = 1000;
const UNITS = 40_000;

export interface Rebased {
  /** Yjs updates in the order in which to apply them; empty when nothing is left to write. */
  updates: Uint8Array[];
  /** Items whose parent no longer exists: they cannot be placed. */
  homeless: Item[];
}

/**
 * The items that `updates` put into `old`, as items of `client` for the document `room`. Items that the room has are left
 * out: those of an id that is `ours` are found by their number, others by their content.
 */
export function rebased(
  updates: readonly Uint8Array[],
  old: Doc,
  room: Doc,
  client: number,
  ours: (id: number) => boolean,
): Rebased {
  const remaking = new Remaking(old, room, client, ours);
  for (const update of updates) remaking.read(update);
  return remaking.write();
}

/** The characters that an item puts into a text. */
export const wordsIn = ({ content }: Item): string => (content instanceof ContentString ? content.str : "");

class Remaking {
  /** The structs to write again, by old client, in the order of their clocks. */
  private readonly waiting = new Map<number, Struct[]>();
  /** Old client -> ranges that have new ids. */
  private readonly moved = new Map<number, { clock: number; length: number; to: number }[]>();
  private readonly deleted: { client: number; clock: number; length: number }[] = [];
  private readonly written: Struct[] = [];
  private readonly homeless: Item[] = [];
  private next: number;

  constructor(
    private readonly old: Doc,
    private readonly room: Doc,
    private readonly client: number,
    private readonly ours: (id: number) => boolean,
  ) {
    this.next = getState(room.store, client);
  }

  read(update: Uint8Array): void {
    const { structs, ds } = decodeUpdate(update);
    for (const struct of structs) {
      if (struct instanceof Skip) continue;
      const known = this.known(struct);
      if (known >= struct.length) continue;
      const queue = this.waiting.get(struct.id.client) ?? [];
      this.waiting.set(struct.id.client, queue);
      queue.push(known > 0 ? rest(struct, known) : struct);
    }
    for (const [from, ranges] of ds.clients) {
      for (const { clock, len } of ranges) this.deleted.push({ client: from, clock, length: len });
    }
  }

  write(): Rebased {
    for (let progress = true; progress; ) {
      progress = false;
      for (const queue of this.waiting.values()) {
        for (let head = queue[0]; head && this.ready(head); head = queue[0]) {
          queue.shift();
          this.add(head);
          progress = true;
        }
      }
    }
    const pieces = this.pieces();
    const deleted = this.deletions();
    const updates = pieces.map((structs) => encode(this.client, structs, new Map()));
    if (deleted.size > 0) updates.push(encode(this.client, [], deleted));
    return { updates, homeless: this.homeless };
  }

  /** How many units of a struct, from its beginning, the room has. */
  private known(struct: Struct): number {
    const { client, clock } = struct.id;
    const count = Math.max(0, Math.min(struct.length, getState(this.room.store, client) - clock));
    if (count === 0 || this.ours(client)) return count;
    for (let at = 0; at < count; at += 1) {
      const there = getItem(this.room.store, createID(client, clock + at));
      if (unitOf(struct, at) !== unitOf(there, clock + at - there.id.clock)) return 0;
    }
    return count;
  }

  /** Whether no struct that this one depends on is still waiting. */
  private ready(struct: Struct): boolean {
    if (struct instanceof GC) return true;
    const needs = [struct.origin, struct.rightOrigin, struct.parent];
    return needs.every((need) => !isId(need) || !this.waits(need));
  }

  private waits({ client, clock }: ID): boolean {
    const queue = this.waiting.get(client) ?? [];
    return queue.some(({ id, length }) => id.clock <= clock && clock < id.clock + length);
  }

  private add(struct: Struct): void {
    const id = createID(this.client, this.next);
    if (struct instanceof GC) {
      this.enter(struct, new GC(id, struct.length));
      return;
    }
    const origin = this.neighbour(struct.origin, "left");
    const right = this.neighbour(struct.rightOrigin, "right");
    const [parent, key] = this.place(struct);
    if (parent === null && origin === null && right === null) {
      this.homeless.push(struct);
      return;
    }
    // A struct that names a neighbour takes its place from it; its parent is not written.
    this.enter(struct, new Item(id, null, origin, null, right, parent as never, key, struct.content));
  }

  private enter(struct: Struct, again: Struct): void {
    const ranges = this.moved.get(struct.id.client) ?? [];
    this.moved.set(struct.id.client, ranges);
    ranges.push({ clock: struct.id.clock, length: struct.length, to: this.next });
    this.written.push(again);
    this.next += struct.length;
  }

  /** The present id of an item, if it has one. */
  private now({ client, clock }: ID): ID | null {
    const range = this.moved.get(client)?.find((one) => one.clock <= clock && clock < one.clock + one.length);
    if (range) return createID(this.client, range.to + clock - range.clock);
    return getState(this.room.store, client) > clock ? createID(client, clock) : null;
  }

  /** The present id, or that of the nearest remaining item on that side. */
  private neighbour(id: ID | null, side: "left" | "right"): ID | null {
    if (id === null) return null;
    const there = this.now(id);
    if (there || getState(this.old.store, id.client) <= id.clock) return there;
    let item: Item | null = asItem(getItem(this.old.store, id))?.[side] ?? null;
    for (; item; item = item[side]) {
      const found = this.now(side === "left" ? item.lastId : item.id);
      if (found) return found;
    }
    return null;
  }

  /** The parent of a struct, and the key in it; null when the parent is gone. */
  private place(struct: Item): [string | ID | null, string | null] {
    const { parent } = struct;
    if (typeof parent === "string") return [parent, struct.parentSub];
    if (isId(parent)) return [this.now(parent), struct.parentSub];
    const known = getState(this.old.store, struct.id.client) > struct.id.clock;
    const item = known ? asItem(getItem(this.old.store, struct.id)) : null;
    if (!item?.parent || isId(item.parent) || typeof item.parent === "string") return [null, null];
    const holder = item.parent._item;
    return [holder ? this.now(holder.id) : findRootTypeKey(item.parent), item.parentSub];
  }

  private deletions(): Ranges {
    const found: Ranges = new Map();
    for (const { client, clock, length } of this.deleted) {
      for (let at = clock; at < clock + length; at += 1) {
        const id = this.now(createID(client, at));
        if (!id) continue;
        const ranges = found.get(id.client) ?? [];
        found.set(id.client, ranges);
        const last = ranges.at(-1);
        if (last && last.clock + last.length === id.clock) last.length += 1;
        else ranges.push({ clock: id.clock, length: 1 });
      }
    }
    return found;
  }

  /** The written changes, in updates small enough for the server. */
  private pieces(): Struct[][] {
    const pieces: Struct[][] = [];
    let units = UNITS;
    for (const struct of this.written) {
      units += struct.length;
      if (units > UNITS || (pieces.at(-1)?.length ?? 0) >= STRUCTS) {
        pieces.push([]);
        units = struct.length;
      }
      pieces.at(-1)?.push(struct);
    }
    return pieces;
  }
}

function encode(client: number, structs: Struct[], deleted: Ranges): Uint8Array {
  const encoder = new UpdateEncoderV1();
  const uint = (value: number) => encoder.writeDsClock(value);
  const [first] = structs;
  uint(first ? 1 : 0);
  if (first) {
    uint(structs.length);
    uint(client);
    uint(first.id.clock);
    for (const struct of structs) struct.write(encoder, 0);
  }
  uint(deleted.size);
  for (const [deletedClient, ranges] of deleted) {
    uint(deletedClient);
    uint(ranges.length);
    for (const { clock, length } of ranges) {
      uint(clock);
      uint(length);
    }
  }
  return encoder.toUint8Array();
}

const isId = (value: unknown): value is ID => value instanceof IdType;
const asItem = (struct: Struct): Item | null => (struct instanceof Item ? struct : null);

/** The content of a struct's unit `at` and its place, for comparison; text by its characters, all else by its kind. */
function unitOf(struct: Struct, at: number): string {
  if (struct instanceof GC) return "gone";
  const { content, id, origin } = struct;
  if (content instanceof ContentDeleted) return "gone";
  const left = at > 0 ? createID(id.client, id.clock + at - 1) : origin;
  const said = content instanceof ContentString ? content.str.charCodeAt(at) : content.constructor.name;
  return `${said} behind ${left?.client} ${left?.clock}`;
}

/** A struct without its first `count` units. */
function rest(struct: Struct, count: number): Struct {
  const { client, clock } = struct.id;
  const id = createID(client, clock + count);
  if (struct instanceof GC) return new GC(id, struct.length - count);
  const before = createID(client, clock + count - 1);
  const { rightOrigin, parent, parentSub, content } = struct;
  return new Item(id, null, before, null, rightOrigin, parent, parentSub, content.splice(count));
}
