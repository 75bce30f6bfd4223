import assert from "node:assert/strict";
import { test } from "node:test";
import { applyUpdate, ContentString, Doc, encodeStateAsUpdate } from "yjs";
import { digestOf, storyOf } from "../../../src/room/document/document";
import { World } from "./world";

test("keystrokes of a moment are one batch, and what comes in is not sent back", () => {
  const world = new World().join();
  world.type("a");
  world.type("b");
  world.type("c");
  world.other("x");
  assert.equal(world.edits().length, 1);
  world.take();
  assert.equal(world.text, world.serverText);
  assert.equal([...world.text].sort().join(""), "abcx");
  assert.ok(world.sync.saved);
});

test("saved means durable, settled means applied", () => {
  const world = new World().join();
  world.type("a");
  assert.ok(!world.sync.settled);
  world.take(false);
  assert.ok(world.sync.settled);
  assert.ok(!world.sync.saved);
  world.ack(1, "durable");
  assert.ok(world.sync.saved);
});

test("a batch that the server did not apply is sent again with its number; one that it did is not", () => {
  const world = new World().join();
  world.type("one");
  world.take(false);
  world.type("two");
  world.edits();
  world.drop(); // "two" is lost on the way
  world.type("three");
  world.sent = [];
  world.join({ resumed: true });
  assert.deepEqual(
    world.edits().map((edit) => edit.batch),
    [2, 3],
  );
  world.take();
  assert.equal(world.serverText, "onetwothree");
  assert.ok(world.sync.saved);
});

test("a server that lost its memory of us gets everything that is not durable, counted anew", () => {
  const world = new World().join();
  world.type("kept");
  world.take();
  world.type(" lost");
  world.edits();
  world.ack(2, "applied");
  world.drop(); // the power goes before it is on disk
  world.sent = [];
  world.lastBatch = 0;
  world.join({ session: "another", epoch: "ep2" });
  assert.deepEqual(
    world.edits().map((edit) => edit.batch),
    [1],
  );
  world.take();
  assert.equal(world.serverText, "kept lost");
  assert.equal(world.documents.length, 0);
});

test("many offline edits return as one batch", () => {
  const world = new World().join();
  world.drop();
  for (let index = 0; index < 500; index += 1) world.type("é🌙");
  world.join({ resumed: true });
  assert.equal(world.edits().length, 1);
  world.take();
  assert.equal(world.serverText, "é🌙".repeat(500));
});

test("refused for now: what builds on it waits too, and all goes again in order", () => {
  const world = new World().join();
  world.type("a");
  world.edits();
  world.type("b");
  world.edits();
  world.ack(1, "unavailable", "the disk is full");
  world.ack(2, "unavailable", "the disk is full");
  world.type("c");
  world.sent = [];
  world.clock.advance(400);
  assert.equal(world.edits().length, 0);
  world.clock.advance(200);
  assert.deepEqual(
    world.edits().map((edit) => edit.batch),
    [1, 2, 3],
  );
  world.take();
  assert.equal(world.serverText, "abc");
  assert.equal(world.refusals.length, 0);
});

for (const status of ["denied", "too_large", "invalid"] as const) {
  test(`${status}: the text is handed back, and the copy starts over from the server's`, () => {
    const world = new World().join();
    world.type("kept ");
    world.take();
    const id = world.sync.doc.clientID;
    world.type("refused");
    world.edits();
    world.type(" and later");
    world.ack(2, status, "no");
    assert.deepEqual(world.refusals, [{ reason: status, message: "no", text: "refused and later" }]);
    assert.equal(world.restarts, 1);
    assert.ok(world.sync.frozen);
    assert.equal(world.sync.resume, null);
    assert.notEqual(world.sync.doc.clientID, id);
    world.drop();
    world.sent = [];
    world.join();
    assert.ok(!world.sync.frozen);
    assert.equal(world.text, "kept ");
    world.type("again");
    world.take();
    assert.equal(world.serverText, "kept again");
  });
}

test("another lineage: the copy is dropped, unsent words are handed back, nothing is doubled", () => {
  const world = new World().join();
  world.type("old text");
  world.take();
  world.drop();
  world.type(" unsent");
  world.server = new Doc();
  storyOf(world.server).insert(0, "new text");
  world.sent = [];
  world.lastBatch = 0;
  world.join({ lineage: "lin2", session: "another", epoch: "ep2" });
  assert.equal(world.text, "new text");
  assert.deepEqual(world.refusals, [{ reason: "lineage", message: "", text: " unsent" }]);
  assert.equal(world.edits().length, 0);
  assert.equal(world.documents.length, 1);
  world.type("!");
  world.take();
  assert.equal(world.serverText, "new text!");
});

test("a copy that differs from the digest is rebuilt, and edits made meanwhile survive", () => {
  const world = new World().join();
  world.type("shared");
  world.take();
  world.digest();
  assert.equal(world.sent.filter((message) => message.tag === "resync").length, 0);
  world.digest("something else");
  assert.equal(world.sent.filter((message) => message.tag === "resync").length, 1);
  world.type(" more");
  world.rebuild();
  assert.equal(world.documents.length, 1);
  assert.equal(world.text, "shared more");
  world.take();
  assert.equal(world.serverText, "shared more");
  world.type(" yet");
  world.take();
  assert.equal(world.serverText, "shared more yet");
});

test("a digest means nothing while our words are on their way, or for another offset", () => {
  const world = new World().join();
  world.type("a");
  world.digest("b");
  world.take();
  world.sync.receive({ tag: "digest", offset: world.offset + 5, sha256: digestOf("b") });
  assert.equal(world.sent.filter((message) => message.tag === "resync").length, 0);
});

test("a rebuild that was refused is asked for again", () => {
  const world = new World().join();
  world.digest("b");
  world.sync.receive({ tag: "error", code: "rate_limited", message: "wait", re: "resync", ref: "" });
  world.digest("b");
  assert.equal(world.sent.filter((message) => message.tag === "resync").length, 2);
});

test("a request waits until our words have arrived, but not forever", async () => {
  const world = new World().join();
  world.type("a");
  const settled = world.sync.whenSettled(1000);
  world.take();
  assert.equal(await settled, true);
  world.type("b");
  const late = world.sync.whenSettled(1000);
  world.clock.advance(1000);
  assert.equal(await late, false);
});

test("it resumes from where it is", () => {
  const world = new World();
  assert.equal(world.sync.resume, null);
  world.join();
  world.other("x");
  assert.deepEqual(world.sync.resume, { lineage: "lin", epoch: "ep", offset: 1 });
});

test("the id that the room gives is the one that is written under", () => {
  const world = new World().join({ client_id: 4242 });
  world.type("a");
  world.take();
  assert.equal(world.sync.doc.clientID, 4242);
  assert.deepEqual([...world.server.store.clients.keys()], [4242]);
  assert.equal(world.sync.clientId, 4242);
});

test("words written under an id that the room does not give are written again, and none are lost", () => {
  const world = new World().join({ client_id: 7 });
  world.type("one ");
  world.take();
  world.drop();
  world.type("two ");
  world.other("x");
  world.sent = [];
  world.lastBatch = 0;
  world.join({ client_id: 8, session: "another" });
  world.type("three");
  world.take();
  assert.equal(world.text, world.serverText);
  assert.equal(world.serverText, "xone two three");
  assert.equal(world.sync.doc.clientID, 8);
  assert.ok(world.sync.saved);
  assert.deepEqual(world.refusals, []);
});

test("a batch that is to be written again is: its copy goes, its words arrive under the id that is ours", () => {
  const world = new World().join({ client_id: 7 });
  world.type("one ");
  world.take();
  world.type("two ");
  const [, refused] = world.edits();
  world.type("three ");
  world.ack(refused?.batch ?? 0, "remake", "somebody else's");
  assert.equal(world.restarts, 1);
  assert.equal(world.sync.resume, null);
  world.drop();
  // Somebody had taken the clocks of our id.
  const thief = new Doc();
  thief.clientID = 7;
  applyUpdate(thief, encodeStateAsUpdate(world.server));
  thief.clientID = 7;
  storyOf(thief).insert(0, "thief ");
  applyUpdate(world.server, encodeStateAsUpdate(thief));
  world.sent = [];
  world.join({ client_id: 9 });
  world.take();
  assert.equal(world.serverText, "thief one two three ");
  assert.equal(world.text, world.serverText);
  assert.ok(world.sync.saved);
  assert.deepEqual(world.refusals, []);
});

test("what is refused again and again is given back to the person", () => {
  const world = new World().join({ client_id: 7 });
  world.type("words");
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const last = world.edits().at(-1);
    world.ack(last?.batch ?? 0, "remake");
    world.drop();
    world.sent = [];
    world.join({ client_id: 7 });
  }
  assert.deepEqual(
    world.refusals.map(({ reason, text }) => [reason, text]),
    [["invalid", "words"]],
  );
});

test("what others do makes no page write: Yjs' clean-up of formatting is nobody's edit", () => {
  const world = new World();
  const { server } = world;
  const story = storyOf(server);
  story.insert(0, "Hello lamp. ", {});
  story.insert(12, "Of the AI.", { ai: "r1", bold: true });
  world.join();
  const stock = new Doc();
  storyOf(stock);
  applyUpdate(stock, encodeStateAsUpdate(server));
  let tidied = 0;
  stock.on("update", (_update: Uint8Array, origin: unknown) => {
    tidied += origin === "server" ? 0 : 1;
  });
  server.on("update", (update: Uint8Array) => {
    world.offset += 1;
    world.sync.receive({ tag: "update", offset: world.offset, update });
    applyUpdate(stock, update, "server");
  });
  // As Yrs deletes: the characters, and no marks.
  server.transact((transaction) => {
    for (let item = story._start; item; item = item.right) {
      if (item.content instanceof ContentString && item.content.str.includes("AI")) item.delete(transaction);
    }
  });
  world.clock.advance(100);
  assert.ok(tidied > 0, "a stock document does it");
  assert.deepEqual(
    world.sent.filter(({ tag }) => tag === "edit"),
    [],
  );
  assert.ok(world.sync.saved);
  assert.equal(world.text, "Hello lamp. ");
  // Nor does it tidy behind the back of the room: a person's next words stand among the same marks everywhere.
  assert.deepEqual(encodeStateAsUpdate(world.sync.doc), encodeStateAsUpdate(server));
});
