import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunInfo } from "../../src/protocol/messages";
import { storyOf } from "../../src/room/document/document";
import { mayTryAgain } from "../../src/room/runs";
import { ada, run } from "../support";
import { inside, settle } from "./entered";

test("what is tried again comes after what was typed, and once", async () => {
  const { room, socket } = inside("One.");
  storyOf(room.doc.value).insert(4, " Two.");
  const answers = [room.requests.retry("run_1"), room.requests.retry("run_1")];
  const sent = socket().sent.map(({ tag }) => tag);
  assert.deepEqual(sent.slice(-2), ["edit", "retry"]);
  const [retry] = socket().of("retry");
  const again = run({ id: "run_2", origin: "run_1" });
  socket().say({ tag: "run", offset: 5, run: again, ask: retry?.ask ?? 0 });
  assert.deepEqual(await Promise.all(answers), [again, again]);
  await settle();
  void room.requests.retry("run_1");
  assert.equal(socket().of("retry").length, 2);
});

test("a run is tried again once: then its successor is", () => {
  const all = (...runs: RunInfo[]) => new Map(runs.map((each) => [each.id, each]));
  const old = run({ id: "old", state: "running" });
  assert.ok(mayTryAgain(old, all(old)));
  assert.ok(!mayTryAgain({ ...old, task: "fix" }, all(old)));
  const undone = { ...old, state: "stopped" as const, undone: true };
  assert.ok(mayTryAgain(undone, all(undone)));
  const next = run({ id: "next", origin: "old" });
  assert.ok(!mayTryAgain(undone, all(undone, next)));
  assert.ok(mayTryAgain(undone, all(undone, { ...next, undone: true })));
});

test("an older word about a run changes nothing", () => {
  const { room, socket } = inside();
  socket().say({ tag: "run", offset: 1, run: run({ epoch: 3, state: "stopped" }), ask: 0 });
  socket().say({ tag: "run", offset: 1, run: run({ epoch: 2, state: "running" }), ask: 0 });
  assert.equal(room.runs.all.value.get("run_1")?.state, "stopped");
});

test("tokens tell how far a run is, between two words about its state", () => {
  const { room, socket } = inside();
  const token = (index: number) => ({ index, text: "a", token_id: 1, logprob: 0, alternatives: [] });
  socket().say({ tag: "run", offset: 1, run: run({ epoch: 2 }), ask: 0 });
  socket().say({ tag: "tokens", run: "run_1", epoch: 2, tokens: [token(0), token(1)] });
  socket().say({ tag: "tokens", run: "run_1", epoch: 1, tokens: [token(9)] });
  socket().say({ tag: "tokens", run: "gone", epoch: 2, tokens: [token(9)] });
  assert.equal(room.runs.all.value.get("run_1")?.progress, 2);
});

test("many ended runs are forgotten, open ones never", () => {
  const { room, socket } = inside();
  socket().say({
    tag: "run",
    offset: 1,
    run: run({ id: "open", state: "done", suggestion: "open" }),
    ask: 0,
  });
  for (let index = 0; index < 540; index += 1) {
    const old = run({ id: `run_${index}`, state: "done", created_ms: index + 1 });
    socket().say({ tag: "run", offset: 1, run: old, ask: 0 });
  }
  assert.equal(room.runs.all.value.size, 500);
  assert.ok(room.runs.all.value.has("open"));
  assert.ok(room.runs.all.value.has("run_99"));
});

test("undo goes after the words that it may take back", () => {
  const { room, socket } = inside();
  storyOf(room.doc.value).insert(0, "oops");
  room.undoSteps.back("story");
  assert.deepEqual(
    socket()
      .sent.slice(-2)
      .map((message) => message.tag),
    ["edit", "undo"],
  );
});

test("an editor conducts their own runs, an owner everybody's", () => {
  const { room, socket } = inside();
  assert.ok(room.members.mayConduct(run({ participant: "p_eve" })));
  socket().say({ tag: "joined", participant: { ...ada, role: "editor" } });
  assert.ok(!room.members.mayConduct(run({ participant: "p_eve" })));
  assert.ok(room.members.mayConduct(run({ participant: "p_ada" })));
  socket().say({ tag: "joined", participant: { ...ada, role: "viewer" } });
  assert.ok(!room.members.canEdit);
});

test("whoever steers is told from which token on, until the run ends", async () => {
  const { room, socket } = inside();
  socket().say({ tag: "run", offset: 4, run: run({ id: "r9", state: "running" }), ask: 0 });
  const steered = room.requests.steer("r9", { temperature: 0.2 });
  socket().say({ tag: "steered", run: "r9", epoch: 2, made: 12 });
  assert.equal(await steered, true);
  const late = room.requests.steer("r9", { instruction: "rain" });
  assert.equal(room.runs.steered.value.get("r9"), 12);
  socket().say({ tag: "run", offset: 4, run: run({ id: "r9", state: "done", epoch: 3 }), ask: 0 });
  assert.equal(await late, false);
  assert.equal(room.runs.steered.value.size, 0);
  socket().say({ tag: "steered", run: "r9", epoch: 2, made: 12 });
  socket().say({ tag: "steered", run: "nobody", epoch: 2, made: 12 });
  assert.equal(room.runs.steered.value.size, 0);
});
