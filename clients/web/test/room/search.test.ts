import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../src/room/http/httpApi";
import type { Found, Hit } from "../../src/room/http/searchApi";
import { placeOf, Search } from "../../src/room/search";

const hit = (text: string, start: number, marks: [number, number][] = []): Hit => ({
  kind: "text",
  text,
  by: marks.length > 0 ? "words" : "meaning",
  marks,
  id: "",
  start,
  author: "",
  ms: 0,
});

test("a passage is found where it stands now, and its words where it has changed", () => {
  const story = "One sea. Two seas.\nOne sea. The end.";
  assert.deepEqual(placeOf(story, hit("One sea.", 0, [[4, 7]])), { index: 4, length: 3 });
  assert.deepEqual(placeOf(story, hit("One sea.", 18, [[4, 7]])), { index: 23, length: 3 });
  assert.deepEqual(placeOf(story, hit("One sea.", 40)), { index: 19, length: 8 });
  assert.deepEqual(placeOf(story, hit("Three seas.", 12, [[6, 10]])), { index: 13, length: 4 });
  assert.equal(placeOf(story, hit("Three boats.", 12, [[6, 11]])), null);
  assert.equal(placeOf(story, hit("Gone.", 0)), null);
});

class World {
  asked: string[] = [];
  answers: ((found: Found | ApiError) => void)[] = [];
  timers = new Map<number, { work: () => void; ms: number }>();
  private next = 1;
  search = new Search(
    (query, signal) => {
      this.asked.push(query);
      return new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("aborted")));
        this.answers.push((found) => (found instanceof ApiError ? reject(found) : resolve(found)));
      });
    },
    {
      set: (work, ms) => {
        this.timers.set(this.next, { work, ms });
        return this.next++;
      },
      clear: (timer) => {
        this.timers.delete(timer as number);
      },
    },
  );

  /** Runs what waits; returns how long it was to wait. */
  rest(): number[] {
    const due = [...this.timers.values()];
    this.timers.clear();
    for (const { work } of due) work();
    return due.map(({ ms }) => ms);
  }

  async answer(found: Found | ApiError): Promise<void> {
    this.answers.at(-1)?.(found);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const found = (pending: number, ...hits: Hit[]): Found => ({ hits, meaning: "ready", pending, left_out: 0 });

test("one search is sent when the keys rest, and the newest answer counts", async () => {
  const world = new World();
  world.search.look(true);
  world.search.type("s");
  world.search.type("sea");
  assert.deepEqual(world.rest(), [250]);
  world.search.type("seas");
  world.rest();
  await world.answer(found(0, hit("Two seas.", 9)));
  assert.deepEqual(world.asked, ["sea", "seas"]);
  assert.equal(world.search.found.value?.hits.length, 1);
  assert.equal(world.search.busy.value, false);
  world.search.type(" ");
  world.rest();
  assert.equal(world.search.found.value, null);
  assert.equal(world.asked.length, 2);
});

test("it asks again while passages are read, and only while it is visible", async () => {
  const world = new World();
  world.search.look(true);
  world.search.type("sea");
  world.rest();
  await world.answer(found(3));
  assert.deepEqual(world.rest(), [2000]);
  await world.answer(found(2));
  world.search.look(false);
  assert.deepEqual(world.rest(), []);
  world.search.look(true);
  assert.deepEqual(world.rest(), [0]);
  await world.answer(found(0));
  assert.deepEqual(world.rest(), []);
});

test("a refusal is told, and the next answer clears it", async () => {
  const world = new World();
  world.search.type("sea");
  world.rest();
  await world.answer(new ApiError("too many searches; wait a little", "rate_limited"));
  assert.equal(world.search.problem.value?.code, "rate_limited");
  void world.search.ask();
  await world.answer(found(0));
  assert.equal(world.search.problem.value, null);
});
