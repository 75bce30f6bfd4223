import assert from "node:assert/strict";
import { test } from "node:test";
import { Doc, encodeStateAsUpdate, Map as YMap } from "yjs";
import { storyOf } from "../../src/room/document/document";
import { previewSide } from "../../src/room/previewSize";
import { FieldDrafts, type Keeper, type Words, without } from "../../src/room/storage/fieldDrafts";
import { en } from "../../src/strings/en";
import { ru } from "../../src/strings/ru";
import { betterNews, errorText, noteOf } from "../../src/ui/parts/serverText";
import { run } from "../support";
import { inside, settle } from "./entered";

test("it greets with its session, and shows who is here", () => {
  const { room, socket } = inside("text");
  assert.equal(socket().of("hello")[0]?.session, "secret");
  assert.equal(room.members.all.value.size, 2);
  assert.ok(room.members.canEdit);
  assert.ok(room.synced.value);
});

test("positions are UTF-8 bytes, stated after our own words have arrived", async () => {
  const { clock, room, socket } = inside("Ночь 🌙.");
  const story = storyOf(room.doc.value);
  story.insert(story.length, " Да");
  const answer = room.requests.ask({
    task: "continue",
    mode: "write",
    range: () => ({ start: story.length, end: story.length }),
  });
  await settle();
  assert.equal(socket().of("ask").length, 0);
  assert.equal(socket().of("edit").length, 1);
  socket().say({ tag: "ack", batch: 1, status: "applied", offset: 5, message: "" });
  await settle();
  const [ask] = socket().of("ask");
  assert.deepEqual([ask?.offset, ask?.start, ask?.end], [5, 19, 19]);
  socket().say({ tag: "run", offset: 5, run: run({ state: "queued" }), ask: ask?.ask ?? 0 });
  assert.equal((await answer)?.id, "run_1");
  clock.advance(1);
});

test("what the server says of models and of errors is said in Russian too, the unknown as it stands", () => {
  const note = { note: "served by h", note_key: "remote", note_values: ["h"] };
  assert.equal(noteOf(note, ru), "Отвечает h");
  assert.equal(noteOf({ ...note, note_key: "toString" }, ru), "served by h");
  assert.equal(noteOf(note, en), "served by h");
  const better = { name: "big", megabytes: 1120, stage: "fetches" as const, fraction: 0.296 };
  const why = { reason: "2.1 GB free", reason_key: "disk", reason_values: ["2.1", "3"] };
  assert.match(betterNews({ ...better, ...why }, "small", en), /big.* 29 % of 1,120 MB/);
  assert.match(
    betterNews({ ...better, ...why, stage: "stays" }, "small", ru),
    /на диске свободно 2.1 ГБ.*отвечает small/,
  );
  assert.match(
    betterNews({ ...better, ...why, stage: "stays", reason_key: "toString" }, "small", ru),
    /2.1 GB free/,
  );
  assert.equal(errorText("denied", "no right", ru), "На это у вас нет права.");
  assert.match(errorText("conflict", "it is over", ru), /it is over/);
  assert.equal(errorText("denied", "no right", en), "no right");
  assert.equal(errorText("constructor", "", ru), "constructor");
});

test("what an earlier page left is known while there is no way in, and comes into the text when there is", async () => {
  const other = new Doc();
  storyOf(other).insert(0, "Жил-был кот 🌙.");
  const found = [{ lineage: "lin", update: encodeStateAsUpdate(other) }];
  const unsavedStore = { put: async () => {}, take: async () => found, settle: async () => {} };
  const { room, join } = inside("", { unsavedStore, joined: false });
  await settle();
  assert.equal(room.unsentText, "Жил-был кот 🌙.");
  join();
  assert.equal(storyOf(room.doc.value).toString(), "Жил-был кот 🌙.");
  assert.equal(room.unsentText, "Жил-был кот 🌙.", "once: it is on its way");
});

test("a refused request says why, and is over", async () => {
  const { room, socket } = inside();
  const answer = room.requests.ask({ task: "continue", mode: "write", range: () => ({ start: 0, end: 0 }) });
  await settle();
  const ref = String(socket().of("ask")[0]?.ask);
  socket().say({ tag: "error", code: "queue_full", message: "wait a little", re: "ask", ref });
  assert.equal(await answer, null);
  assert.equal(room.notices.shown.value[0]?.detail, "wait a little");
});

test("a request that the connection takes with it is over too", async () => {
  const { room, socket } = inside();
  const answer = room.requests.ask({ task: "continue", mode: "write", range: () => ({ start: 0, end: 0 }) });
  await settle();
  socket().end(1006);
  assert.equal(await answer, null);
});

test("a request without a connection is refused after a bounded wait", async () => {
  const { clock, room, socket } = inside();
  socket().end(1006);
  const answer = room.requests.ask({ task: "continue", mode: "write", range: () => ({ start: 0, end: 0 }) });
  clock.advance(3000);
  assert.equal(await answer, null);
  assert.equal(room.notices.shown.value.at(-1)?.kind, "not_connected");
});

test("who left keeps a name, and no cursor", () => {
  const { room, socket } = inside();
  const state = JSON.stringify({ user: { name: "Eve" }, cursor: null });
  socket().say({ tag: "presence", participant: "p_eve", client_id: 7, state });
  assert.ok(room.members.presences.value.has("p_eve"));
  socket().say({ tag: "left", participant: "p_eve" });
  assert.ok(!room.members.presences.value.has("p_eve"));
  assert.equal(room.members.all.value.get("p_eve")?.name, "Eve");
  assert.equal(room.members.all.value.get("p_eve")?.online, false);
});

test("presence that makes no sense is nobody's", () => {
  const { room, socket } = inside();
  for (const state of ["", "7", "[", '"x"', '{"user":7,"cursor":{"anchor":1,"head":{}}}']) {
    socket().say({ tag: "presence", participant: "p_eve", client_id: 7, state });
  }
  assert.equal(room.members.presences.value.get("p_eve")?.cursor?.anchor.item ?? null, null);
});

test("the cursor is sent at most every 80 ms, the last one wins, and again after a reconnect", () => {
  const { clock, room, socket, join } = inside();
  clock.advance(1000);
  const before = socket().of("set_presence").length;
  for (let index = 0; index < 10; index += 1) room.presenceSender.setCursor(null);
  clock.advance(80);
  assert.equal(socket().of("set_presence").length, before + 1);
  socket().end(1006);
  clock.advance(1000);
  join();
  assert.deepEqual(JSON.parse(socket().of("set_presence").at(-1)?.state ?? ""), {
    user: { name: "Ada" },
    cursor: null,
  });
});

test("how large pictures are shown is told when it changes, and on every connection", () => {
  const { clock, room, socket, join } = inside();
  assert.deepEqual(
    socket()
      .of("viewing")
      .map((each) => each.side),
    [0],
  );
  const frames = [
    { w: 100, h: 80 },
    { w: 10, h: 150 },
  ];
  room.presenceSender.setViewing(previewSide(frames, 1, 2));
  room.presenceSender.setViewing(previewSide(frames, 1.1, 2));
  assert.equal(socket().of("viewing").at(-1)?.side, 384);
  assert.equal(socket().of("viewing").length, 2);
  socket().end(1006);
  room.presenceSender.setViewing(previewSide(frames, 100, 2));
  clock.advance(1000);
  join();
  assert.deepEqual(
    socket()
      .of("viewing")
      .map((each) => each.side),
    [512],
  );
  assert.equal(previewSide([], 1, 2), 0);
});

test("a comment is stated in the server's bytes, after what we wrote, and is made when the room has it", async () => {
  const { room, socket, deliver } = inside("Ночь 🌙.");
  const made = room.comments.add(() => ({ start: 5, end: 7 }), "why?");
  await settle();
  const [comment] = socket().of("comment");
  assert.deepEqual([comment?.offset, comment?.start, comment?.end, comment?.text], [4, 9, 13, "why?"]);
  assert.match(comment?.id ?? "", /^[a-z0-9]{14}$/);
  deliver((server) => {
    const fields = Object.entries({ author: "p_ada", ms: 1, text: "why?", quote: "🌙", resolved: false });
    server.getMap("comments").set(comment?.id ?? "", new YMap<unknown>(fields));
  });
  assert.equal(await made, comment?.id);
});

test("what is said has arrived when it stands in the chat, and not when it was refused", async () => {
  const { room, socket, deliver } = inside();
  const at = () => 0;
  const refused = room.chat.say("too much", false, at);
  await settle();
  socket().say({ tag: "error", code: "too_large", message: "full", re: "say", ref: "1" });
  assert.equal(await refused, false);
  const said = room.chat.say("hello", false, at);
  await settle();
  deliver((server) =>
    server
      .getArray("chat")
      .push([new YMap(Object.entries({ id: "m1", participant: "p_ada", text: "hello", ms: 1 }))]),
  );
  assert.equal(await said, true);
});

test("what the connection took with it did not arrive", async () => {
  const { room, socket, clock, join } = inside();
  const said = room.chat.say("hello", false, () => 0);
  await settle();
  socket().end(1006);
  clock.advance(1000);
  join();
  clock.advance(2000);
  assert.equal(await said, false);
});

test("the words of a field outlive a reload, until they have arrived", () => {
  let kept: Words = {};
  const keeper: Keeper = { load: () => kept, save: (words) => (kept = words) };
  const field = new FieldDrafts(keeper).field("chat");
  field.value = "half a sent";
  assert.equal(new FieldDrafts(keeper).field("chat").value, "half a sent");
  field.value = without("half a sent", "half a sent, and more typed meanwhile");
  assert.deepEqual(kept, { chat: ", and more typed meanwhile" });
  assert.equal(without("old", "something else"), "something else");
  field.value = "";
  assert.deepEqual(kept, {});
});

test("what others say while the chat is not in sight is unread, what stood there before is not", () => {
  const { room } = inside();
  const doc = room.doc.value;
  const say = (id: string, participant: string, ms: number) =>
    doc.getArray("chat").push([new YMap(Object.entries({ id, participant, text: id, ms }))]);
  say("old", "p_eve", -5);
  say("mine", "p_ada", 10);
  say("news", "p_eve", 11);
  assert.equal(room.chat.unread.value, 1);
  room.chat.look(true);
  assert.equal(room.chat.unread.value, 0);
  room.chat.look(false);
  say("more", "p_eve", 12);
  assert.equal(room.chat.unread.value, 1);
  assert.deepEqual(
    room.chat.entries.value.map((entry) => entry.id),
    ["old", "mine", "news", "more"],
  );
});

test("a private answer streams beside the text, and ends with what the run says it wrote", () => {
  const { room, socket } = inside();
  const draft = run({ mode: "private" });
  socket().say({ tag: "run", offset: 4, run: draft, ask: 0 });
  const token = (index: number, text: string) => ({
    index,
    text,
    token_id: 1,
    logprob: -1,
    alternatives: [],
  });
  socket().say({ tag: "tokens", run: "run_1", epoch: 1, tokens: [token(0, "Once"), token(1, " upon")] });
  assert.equal(room.drafts.textOf(draft), "Once upon");
  const ended = { ...draft, state: "done" as const, text: "Once upon a time" };
  socket().say({ tag: "run", offset: 4, run: ended, ask: 0 });
  assert.equal(room.drafts.textOf(ended), "Once upon a time");
});

test("a style card that was learned goes into the room only when it is taken", async () => {
  const { room, socket } = inside("I saw it. I ran.");
  void room.style.learn(() => ({ start: 0, end: 16 }));
  await settle();
  const learn = socket().of("learn_style")[0]?.learn ?? 0;
  const measures = { words: 5, sentences: 2, sentence_words: 2.5, dialogue: 0, typical: [], names: [] };
  socket().say({ tag: "learned", learn, card: { person: "first person" }, measures });
  assert.deepEqual(room.style.card.value, {});
  room.style.accept();
  assert.deepEqual(room.style.card.value, { person: "first person" });
  assert.equal(room.style.learned.value, null);
});
