import assert from "node:assert/strict";
import { test } from "node:test";
import { signal } from "@preact/signals";
import { applyUpdate, Doc, encodeStateAsUpdate } from "yjs";
import { Board } from "../../src/canvas/board";
import type { BoardObject, Frame } from "../../src/canvas/objects";
import { LiveFrames } from "../../src/generate/liveFrames";
import { FakeClock } from "../support";

const STROKE = { type: "stroke", x: 10, y: 10, points: [0, 0, 0.5, 20, 20, 0.5], color: "#000000", size: 4 };

class Page {
  readonly board: Board;
  readonly asked: Frame[] = [];
  readonly draft = signal<BoardObject | null>(null);
  readonly ready = signal(true);
  fine = true;
  private readonly answers: (() => void)[] = [];
  readonly live: LiveFrames;

  constructor(
    readonly doc: Doc,
    readonly clock: FakeClock,
    me: string,
    present: (id: string) => boolean,
  ) {
    this.board = new Board(doc);
    this.live = new LiveFrames({
      board: this.board,
      clock,
      me: () => me,
      present,
      ready: () => this.ready.value,
      drawn: () => [...this.board.ordered.value, ...(this.draft.value ? [this.draft.value] : [])],
      ask: (frame) => {
        this.asked.push(frame);
        return new Promise((resolve) => this.answers.push(() => resolve(this.fine)));
      },
    });
  }

  async answer(): Promise<void> {
    this.answers.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function pages(present: (id: string) => boolean = () => true) {
  const clock = new FakeClock();
  const ada = new Page(new Doc(), clock, "ada", present);
  const eve = new Page(new Doc(), clock, "eve", present);
  const sync = () => {
    applyUpdate(ada.doc, encodeStateAsUpdate(eve.doc), "remote");
    applyUpdate(eve.doc, encodeStateAsUpdate(ada.doc), "remote");
  };
  const frame = ada.board.place({
    type: "frame",
    x: 0,
    y: 0,
    w: 100,
    h: 100,
    prompt: "sun",
    live: true,
    holder: "ada",
  });
  sync();
  return { clock, ada, eve, sync, frame };
}

test("anybody's strokes are painted; only the holder's page asks", async () => {
  const { clock, ada, eve, sync } = pages();
  clock.advance(0);
  assert.equal(ada.asked.length, 1, "when it begins");
  await ada.answer();
  eve.board.place(STROKE);
  sync();
  clock.advance(1000);
  assert.deepEqual([ada.asked.length, eve.asked.length], [2, 0]);
  await ada.answer();
  eve.board.place({ ...STROKE, x: 500 });
  sync();
  clock.advance(1000);
  assert.equal(ada.asked.length, 2, "outside the frame nothing is asked");
});

test("a hand that goes on is followed at a pace, and never more than one request is prepared", async () => {
  const { clock, ada } = pages();
  clock.advance(0);
  for (let step = 0; step < 20; step += 1) {
    ada.draft.value = {
      ...(ada.board.ordered.value[0] as BoardObject),
      id: "draft",
      type: "stroke",
      points: [step, 0, 1, 9, 9, 1],
      color: "#000000",
      size: 2,
      tool: "pen",
    } as BoardObject;
    clock.advance(100);
  }
  assert.equal(ada.asked.length, 1, "the first has not been answered");
  await ada.answer();
  clock.advance(800);
  assert.equal(ada.asked.length, 1);
  clock.advance(200);
  assert.equal(ada.asked.length, 2);
  await ada.answer();
  clock.advance(5000);
  assert.equal(ada.asked.length, 2, "nothing has changed since");
});

test("a request that failed is made again later, and none without a model or words", async () => {
  const { clock, ada, frame } = pages();
  ada.fine = false;
  clock.advance(0);
  await ada.answer();
  clock.advance(4000);
  assert.equal(ada.asked.length, 1);
  clock.advance(2000);
  assert.equal(ada.asked.length, 2);
  ada.fine = true;
  await ada.answer();
  ada.ready.value = false;
  ada.board.change(new Map([[frame, { prompt: "moon" }]]));
  clock.advance(9000);
  assert.equal(ada.asked.length, 2);
  ada.ready.value = true;
  clock.advance(9000);
  assert.equal(ada.asked.at(-1)?.prompt, "moon");
  await ada.answer();
  ada.board.change(new Map([[frame, { prompt: " " }]]));
  clock.advance(9000);
  assert.equal(ada.asked.length, 3);
});

test("when the holder has left, who draws in the frame takes it over", async () => {
  let here = true;
  const { clock, ada, eve, sync, frame } = pages((id) => id !== "ada" || here);
  const holder = () => (eve.board.get(frame) as Frame).holder;
  eve.board.place(STROKE);
  await Promise.resolve();
  assert.equal(holder(), "ada", "while she is there it stays hers");
  here = false;
  eve.board.place({ ...STROKE, x: 900 });
  await Promise.resolve();
  assert.equal(holder(), "ada", "drawn elsewhere");
  eve.board.place(STROKE);
  await Promise.resolve();
  assert.equal(holder(), "eve");
  clock.advance(1000);
  assert.equal(eve.asked.length, 1);
  sync();
  ada.live.close();
  eve.live.close();
  clock.advance(9000);
  assert.equal(clock.waiting, 0);
});

test("a frame that is gone or no longer live is not asked for", async () => {
  const { clock, ada, frame } = pages();
  clock.advance(0);
  ada.board.place(STROKE);
  ada.board.change(new Map([[frame, { live: null }]]));
  await ada.answer();
  clock.advance(9000);
  ada.board.change(new Map([[frame, { live: true }]]));
  ada.board.remove([frame]);
  clock.advance(9000);
  assert.equal(ada.asked.length, 1);
});
