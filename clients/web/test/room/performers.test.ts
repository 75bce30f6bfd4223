// The performers as a page knows them.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientMessage, Performer } from "../../src/protocol/messages";
import { inside, settle } from "./entered";

const lastWish = (sent: readonly ClientMessage[]) =>
  sent.filter((message) => message.tag === "put_performer").at(-1);

const critic: Performer = {
  id: "c1",
  name: "Critic",
  color: "#112233",
  role: "critic",
  brief: "You read.",
  model: "",
  rights: ["comment"],
  hourly: 20,
  unasked: 0,
  spent: 0,
};

test("a performer is there when the server says so, and a new connection asks anew", async () => {
  const { room, socket } = inside();
  const added = room.performers.add("critic", "ru");
  await settle();
  const wish = lastWish(socket().sent);
  assert.equal(wish?.language, "ru");
  assert.equal(wish?.name, "");
  socket().say({ tag: "performers", performers: [{ ...critic, id: wish?.id ?? "" }] });
  assert.equal(await added, true);
  assert.equal(room.performers.all.value[0]?.name, "Critic");
  room.performers.onWelcome();
  assert.deepEqual(room.performers.all.value, []);
});

test("a change keeps what it does not name", async () => {
  const { room, socket } = inside();
  socket().say({ tag: "performers", performers: [critic] });
  const done = room.performers.put({ ...room.performers.wish(critic), hourly: 3 });
  await settle();
  const wish = lastWish(socket().sent);
  assert.deepEqual(wish?.rights, ["comment"]);
  assert.equal(wish?.hourly, 3);
  socket().say({ tag: "error", code: "conflict", message: "taken", re: "put_performer", ref: "c1" });
  assert.equal(await done, false);
});
