import assert from "node:assert/strict";
import { test } from "node:test";
import { applyUpdate, Doc, encodeStateAsUpdate } from "yjs";
import { storyOf } from "../../../src/room/document/document";
import { OfflineEdits, type UnsavedEdits, type UnsavedStore } from "../../../src/room/document/offlineEdits";
import { World } from "./world";

/** The browser's store of one tab, which outlives its pages. */
function memoryStore(): UnsavedStore & { row: UnsavedEdits | null } {
  return {
    row: null,
    async put(unsaved) {
      this.row = unsaved;
    },
    async take() {
      return this.row ? [this.row] : [];
    },
    async settle() {},
  };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

function unsavedText(text: string): Uint8Array {
  const doc = new Doc();
  storyOf(doc).insert(0, text);
  return encodeStateAsUpdate(doc);
}

/** A page of that tab. */
async function page(kept: UnsavedStore, world = new World()) {
  const restored: string[] = [];
  const keeping = new OfflineEdits(world.sync, kept, world.clock, () => restored.push("restored"));
  await settle();
  return { world, keeping, restored };
}

test("a store that cannot be read is not written over, and the page knows that nothing is kept", async () => {
  const kept = memoryStore();
  let puts = 0;
  const { world, keeping } = await page({
    ...kept,
    take: () => Promise.reject(new Error("corrupt")),
    put: async () => {
      puts += 1;
    },
  });
  assert.ok(keeping.broken.value);
  world.join();
  world.type("a");
  world.open = false;
  keeping.changed();
  keeping.now();
  world.clock.advance(60_000);
  await settle();
  assert.equal(keeping.kept.value, false);
  assert.equal(puts, 0);
});

test("a full disk is said, and tried again", async () => {
  const kept = memoryStore();
  let full = true;
  let settled = 0;
  const put = (unsaved: UnsavedEdits | null) =>
    full ? Promise.reject(new Error("quota")) : kept.put(unsaved);
  const settling = async () => {
    settled += 1;
  };
  kept.row = { lineage: "lin", update: unsavedText("from another tab ") };
  const { world, keeping } = await page({ put, take: () => kept.take(), settle: settling });
  world.join();
  keeping.synced();
  await settle();
  assert.equal(settled, 0, "what could not be kept here stays where it lay");
  world.type("b");
  world.open = false;
  keeping.changed();
  world.clock.advance(400);
  await settle();
  assert.ok(keeping.broken.value);
  assert.equal(keeping.kept.value, false);
  full = false;
  world.clock.advance(20_000);
  await settle();
  assert.equal(keeping.broken.value, false);
  assert.equal(keeping.kept.value, true);
});

test("what was written offline comes in with the next page of the tab, once", async () => {
  const kept = memoryStore();
  const first = await page(kept);
  first.world.join();
  first.world.type("Жил-был кот 🌙");
  first.world.open = false;
  first.keeping.changed();
  assert.equal(first.keeping.kept.value, false);
  first.world.clock.advance(400);
  await settle();
  assert.equal(first.keeping.kept.value, true);
  first.keeping.close();

  const next = await page(kept);
  next.world.join();
  next.keeping.synced();
  await settle();
  assert.equal(storyOf(next.world.sync.doc).toString(), "Жил-был кот 🌙");
  assert.deepEqual(next.restored, ["restored"]);
  next.world.clock.advance(100);
  assert.equal(next.world.edits().length, 1);

  // It had arrived after all: it is not written twice, and there is nothing to keep any more.
  const last = await page(kept);
  if (kept.row) applyUpdate(last.world.server, kept.row.update);
  last.world.join();
  last.keeping.synced();
  await settle();
  assert.equal(storyOf(last.world.sync.doc).toString(), "Жил-был кот 🌙");
  assert.deepEqual(last.restored, []);
  assert.equal(last.world.edits().length, 0);
  assert.equal(kept.row, null);
});

test("what was written into another lineage is offered as text", async () => {
  const kept = memoryStore();
  const first = await page(kept);
  first.world.join();
  first.world.type("lost");
  first.keeping.changed();
  first.world.clock.advance(400);
  await settle();
  const next = await page(kept);
  next.world.join({ lineage: "other" });
  next.keeping.synced();
  await settle();
  assert.deepEqual(
    next.world.refusals.map(({ reason, text }) => [reason, text]),
    [["lineage", "lost"]],
  );
  assert.equal(storyOf(next.world.sync.doc).toString(), "");
  assert.equal(kept.row, null);
});
