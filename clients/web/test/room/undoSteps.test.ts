// Undo while there is no connection: step by step, here; and what the server is told of it afterwards.

import assert from "node:assert/strict";
import { test } from "node:test";
import { applyUpdate, Doc, encodeStateAsUpdate } from "yjs";
import type { StepKind } from "../../src/protocol/messages";
import { storyOf } from "../../src/room/document/document";
import { Room } from "../../src/room/room";
import { unitIndex } from "../../src/room/undoSteps";
import { ada, FakeClock, FakeSocket, welcome } from "../support";

function inside(text = "") {
  const clock = new FakeClock();
  const sockets: FakeSocket[] = [];
  const room = new Room({
    token: "t",
    name: "Ada",
    session: "secret",
    clock,
    random: () => 0,
    connect: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
  });
  const server = new Doc();
  storyOf(server).insert(0, text);
  const socket = () => sockets.at(-1) as FakeSocket;
  const join = () => {
    socket().open();
    socket().say(welcome({ participants: [ada] }));
    const update = encodeStateAsUpdate(server);
    socket().say({ tag: "rebuild", lineage: "lin", epoch: "ep", offset: 4, reason: "new", update });
  };
  room.enter();
  join();
  const story = () => storyOf(room.doc.value);
  const type = (at: number, words: string, step: StepKind = "new") =>
    room.undoSteps.as(step, () => story().insert(at, words));
  return { clock, room, socket, join, story, type, server };
}

test("without a network what the server does not have is undone and done again here, step by step", () => {
  const { room, socket, clock, join, story, type, server } = inside("saved. ");
  assert.ok(!room.undoSteps.can("story", false));
  socket().end(1006);
  type(7, "one ");
  type(11, "two");
  type(14, "!", "same");
  assert.ok(room.undoSteps.can("story", false));
  assert.ok(!room.undoSteps.can("canvas", false));
  room.undoSteps.back("story");
  assert.equal(story().toString(), "saved. one ");
  assert.deepEqual(room.undoSteps.acted.value?.range, { start: 11, end: 11 });
  room.undoSteps.back("story");
  assert.equal(story().toString(), "saved. ");
  room.undoSteps.again("story");
  assert.equal(story().toString(), "saved. one ");
  // What is saved cannot be undone now, and the person is told.
  room.undoSteps.back("story");
  room.undoSteps.back("story");
  assert.equal(story().toString(), "saved. ");
  assert.equal(room.notices.shown.value.at(-1)?.kind, "undo_offline");
  room.undoSteps.again("story");
  // The server is told the steps as they were made.
  clock.advance(60_000);
  join();
  const edits = socket().of("edit");
  assert.deepEqual(
    edits.map((edit) => edit.step),
    ["new", "new", "undo", "undo", "redo", "undo", "redo"],
  );
  for (const { update } of edits) applyUpdate(server, update);
  assert.equal(storyOf(server).toString(), "saved. one ");
  // From now on it is the server that undoes.
  socket().say({ tag: "steps", steps: { story: [1, 1] } });
  assert.ok(room.undoSteps.can("story", false));
  room.undoSteps.back("story");
  assert.deepEqual(socket().sent.at(-1), { tag: "undo", run: null, surface: "story", step: 1 });
});

test("what others write is never undone here", () => {
  const { room, socket, story, type, server } = inside("");
  type(0, "mine");
  applyUpdate(server, encodeStateAsUpdate(room.doc.value));
  storyOf(server).insert(2, "THEIRS");
  socket().say({ tag: "update", offset: 5, update: encodeStateAsUpdate(server) });
  assert.equal(story().toString(), "miTHEIRSne");
  socket().end(1006);
  room.undoSteps.back("story");
  assert.equal(story().toString(), "THEIRS");
  assert.ok(!room.undoSteps.can("story", false));
});

const soon = () => new Promise((resolve) => setImmediate(resolve));

test("a server that is silent is not waited for: what it has not confirmed is undone here", async () => {
  const { room, socket, clock, story, type, server } = inside("saved. ");
  type(7, "one ");
  type(11, "two");
  clock.advance(100);
  assert.equal(socket().of("edit").length, 2);
  clock.advance(400);
  room.undoSteps.back("story"); // late: it waits for a moment
  await soon();
  assert.equal(story().toString(), "saved. one two");
  clock.advance(600);
  await soon();
  assert.equal(story().toString(), "saved. one ");
  room.undoSteps.back("story"); // at once
  await soon();
  assert.equal(story().toString(), "saved. ");
  room.undoSteps.again("story");
  await soon();
  assert.equal(story().toString(), "saved. one ");
  assert.equal(socket().of("undo").length + socket().of("redo").length, 0);
  clock.advance(100);
  const edits = socket().of("edit");
  assert.deepEqual(
    edits.map((edit) => edit.step),
    ["new", "new", "undo", "undo", "redo"],
  );
  for (const { update } of edits) applyUpdate(server, update);
  assert.equal(storyOf(server).toString(), "saved. one ");
  // It answers after all; from now on it is asked again.
  for (const { batch } of edits)
    for (const status of ["applied", "durable"] as const)
      socket().say({ tag: "ack", batch, status, offset: 4 + batch, message: "" });
  room.undoSteps.back("story");
  await soon();
  assert.equal(socket().of("undo").length, 1);
  assert.equal(story().toString(), "saved. one ");
});

test("an answer that comes late leaves the step to the server, and steps keep their order", async () => {
  const { room, socket, clock, story, type } = inside("saved. ");
  type(7, "one");
  clock.advance(300);
  room.undoSteps.back("story");
  room.undoSteps.back("canvas");
  room.undoSteps.again("story");
  await soon();
  assert.equal(socket().of("undo").length, 0);
  socket().say({ tag: "ack", batch: 1, status: "applied", offset: 5, message: "" });
  await soon();
  assert.deepEqual(
    socket()
      .sent.slice(-3)
      .map((each) => [each.tag, "surface" in each && each.surface]),
    [
      ["undo", "story"],
      ["undo", "canvas"],
      ["redo", "story"],
    ],
  );
  assert.equal(story().toString(), "saved. one");
});

test("a step that the server was asked for is not taken here as well", async () => {
  const { room, socket, clock, story, type } = inside("saved. ");
  type(7, "one");
  clock.advance(50);
  room.undoSteps.back("story"); // sent at once
  assert.equal(socket().of("undo").length, 1);
  clock.advance(2000);
  room.undoSteps.back("story");
  await soon();
  assert.equal(socket().of("undo").length, 2);
  assert.equal(story().toString(), "saved. one");
});

test("however answers come, the server's copy is ours in the end", async () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    let state = seed;
    const next = (below: number) => {
      state = (state * 1103515245 + 12345) % 2147483648;
      return Math.floor((state / 2147483648) * below);
    };
    const { room, socket, clock, story, type, server } = inside("saved. ");
    let applied = 0;
    const answer = (count: number) => {
      const edits = socket()
        .of("edit")
        .slice(applied, applied + count);
      for (const { batch, update } of edits) {
        applyUpdate(server, update);
        socket().say({ tag: "ack", batch, status: "durable", offset: 4 + batch, message: "" });
      }
      applied += edits.length;
    };
    for (let step = 0; step < 40; step += 1) {
      const what = next(6);
      if (what < 3) type(next(story().length + 1), "word ".slice(next(4)), next(2) ? "new" : "same");
      else if (what === 3) room.undoSteps.back("story");
      else if (what === 4) room.undoSteps.again("story");
      else answer(next(4));
      clock.advance([10, 150, 700, 1500][next(4)] as number);
      await soon();
    }
    answer(Number.POSITIVE_INFINITY);
    clock.advance(100);
    answer(Number.POSITIVE_INFINITY);
    assert.equal(storyOf(server).toString(), story().toString(), `seed ${seed}`);
    assert.ok(room.settled.value, `seed ${seed}`);
  }
});

test("where a step acted is told in units of our text", () => {
  const { room, socket } = inside("яя😀 end");
  socket().say({
    ...{ tag: "stepped", step: 1, redo: false, surface: "story", kind: "edit", offset: 4, start: 8, end: 9 },
    ...{ objects: [], run: "" },
  });
  assert.deepEqual(room.undoSteps.acted.value?.range, { start: 4, end: 5 });
  assert.equal(unitIndex("яя😀 end", 4), 2);
  assert.equal(unitIndex("abc", 99), 3);
});
