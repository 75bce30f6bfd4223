// Our words, written again under another id: none lost, none doubled, in their places.

import assert from "node:assert/strict";
import { test } from "node:test";
import { applyUpdate, Doc, encodeStateAsUpdate, encodeStateVector, type Map as YMap } from "yjs";
import { newDocument, REMOTE, storyOf } from "../../../src/room/document/document";
import { rebased } from "../../../src/room/document/rebase";

const NEW = 4242;

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A document, and every change that was made to it since. */
function written(doc: Doc): Uint8Array[] {
  const updates: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array, origin: unknown) => {
    if (origin !== REMOTE) updates.push(update);
  });
  return updates;
}

const copyOf = (doc: Doc, client: number): Doc => {
  const copy = newDocument();
  copy.clientID = client;
  applyUpdate(copy, encodeStateAsUpdate(doc), REMOTE);
  copy.clientID = client;
  return copy;
};

const applied = (room: Doc, updates: Uint8Array[]): Doc => {
  const doc = copyOf(room, 1);
  for (const update of updates) applyUpdate(doc, update);
  return doc;
};

test("an id that is somebody else's: all that was written arrives under another, beside what the room has", () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const chance = random(seed);
    const room = new Doc();
    storyOf(room).insert(0, "The room begins here. ");
    const mine = copyOf(room, 77);
    const updates = written(mine);
    const story = storyOf(mine);
    for (let step = 0; step < 30; step += 1) {
      const at = Math.floor(chance() * (story.length + 1));
      const kind = chance();
      if (kind < 0.55) story.insert(at, `<${step}🎭>`, chance() < 0.3 ? { bold: true } : {});
      else if (kind < 0.75 && story.length > 6) story.delete(Math.min(at, story.length - 3), 2);
      else if (kind < 0.9) story.format(Math.min(at, story.length - 1), 1, { italic: true });
      else {
        const object = mine.getMap<unknown>("canvas");
        object.set(`o${step}`, new (object.constructor as typeof YMap)([["text", `words ${step}`]]));
      }
    }
    // Somebody else wrote under our id meanwhile.
    const thief = copyOf(room, 77);
    storyOf(thief).insert(3, "thief ".repeat(20));
    applyUpdate(room, encodeStateAsUpdate(thief));
    const found = rebased(updates, mine, room, NEW, () => false);
    assert.deepEqual(found.homeless, []);
    const doc = applied(room, found.updates);
    const rest = (text: string) => text.replace("thief ".repeat(20), "");
    assert.equal(rest(storyOf(doc).toString()), story.toString(), `seed ${seed}`);
    assert.deepEqual(doc.getMap("canvas").toJSON(), mine.getMap("canvas").toJSON());
    assert.equal(storyOf(doc).toString().length, story.length + 120);
  }
});

test("what the room has of it already is not said again", () => {
  const room = new Doc();
  storyOf(room).insert(0, "room ");
  const mine = copyOf(room, 77);
  const updates = written(mine);
  storyOf(mine).insert(5, "first ");
  applyUpdate(room, updates[0] as Uint8Array);
  storyOf(mine).insert(11, "second");
  const again = rebased(updates, mine, room, NEW, () => false);
  assert.equal(storyOf(applied(room, again.updates)).toString(), "room first second");
  // One struct that the room has the first half of.
  const whole = encodeStateAsUpdate(mine, encodeStateVector(copyOf(new Doc(), 5)));
  const half = rebased([whole], mine, room, NEW, () => false);
  assert.equal(storyOf(applied(room, half.updates)).toString(), "room first second");
  assert.deepEqual(rebased([updates[0] as Uint8Array], mine, room, NEW, () => false).updates, []);
});

test("words beside what a crash took from the room keep their place among what is left", () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const chance = random(seed * 7);
    const room = new Doc();
    storyOf(room).insert(0, "abcdefghij");
    const before = copyOf(room, 3);
    const lost = copyOf(room, 99);
    storyOf(lost).insert(5, "LOST");
    const mine = copyOf(lost, 77);
    const updates = written(mine);
    const story = storyOf(mine);
    for (let step = 0; step < 12; step += 1)
      story.insert(3 + Math.floor(chance() * 8), String(step % 10), {});
    story.delete(2, 1);
    const { updates: again } = rebased(updates, mine, before, 77, (id) => id === 77);
    const doc = applied(before, again);
    const left = story.toString().replace(/[LOST]/g, "");
    assert.equal(storyOf(doc).toString(), left, `seed ${seed}`);
    // When what was lost comes back, both are there.
    applyUpdate(doc, encodeStateAsUpdate(lost));
    assert.equal(storyOf(doc).toString().length, left.length + 4);
  }
});

test("what stood in something that is gone is given back", () => {
  const room = new Doc();
  const lost = copyOf(room, 99);
  const canvas = lost.getMap<YMap<unknown>>("canvas");
  canvas.set("o1", new (canvas.constructor as typeof YMap)() as YMap<unknown>);
  const mine = copyOf(lost, 77);
  const updates = written(mine);
  mine.getMap<YMap<unknown>>("canvas").get("o1")?.set("text", "words");
  const { updates: again, homeless } = rebased(updates, mine, room, NEW, () => false);
  assert.deepEqual(again, []);
  assert.equal(homeless.length, 1);
});

test("hours of writing come in pieces that a server takes", () => {
  const room = new Doc();
  const mine = copyOf(room, 77);
  const updates = written(mine);
  for (let step = 0; step < 3000; step += 1) storyOf(mine).insert(0, `${step % 10}`, {});
  storyOf(mine).insert(0, "x".repeat(100_000));
  const { updates: again } = rebased(updates, mine, room, NEW, () => false);
  assert.ok(again.length > 3);
  assert.equal(storyOf(applied(room, again)).toString(), storyOf(mine).toString());
});
