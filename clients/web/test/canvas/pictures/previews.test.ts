import assert from "node:assert/strict";
import { test } from "node:test";
import { type Developer, Previews } from "../../../src/canvas/pictures/previews";
import { run } from "../../support";

class Darkroom implements Developer {
  private readonly waiting = new Map<string, () => void>();
  discarded: string[] = [];

  develop(jpeg: Uint8Array): Promise<string> {
    return new Promise((resolve) => this.waiting.set(String(jpeg[0]), () => resolve(`url${jpeg[0]}`)));
  }
  discard(url: string): void {
    this.discarded.push(url);
  }
  async finish(step: number): Promise<void> {
    this.waiting.get(String(step))?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function darkroom() {
  const room = new Darkroom();
  const previews = new Previews(room);
  const take = (step: number, epoch: number, info = run({ task: "text_to_image", epoch: 1 })) =>
    void previews.onPreview(
      {
        tag: "preview",
        run: "run_1",
        epoch,
        step,
        of: 8,
        width: 64,
        height: 64,
        jpeg: new Uint8Array([step]),
      },
      info,
    );
  return { room, previews, take, shown: () => previews.shown.value.get("run_1") };
}

test("only the newest preview of the run's epoch is shown", async () => {
  const { room, take, shown } = darkroom();
  take(1, 1);
  await room.finish(1);
  assert.equal(shown()?.url, "url1");
  take(7, 0);
  take(7, 2);
  await room.finish(7);
  assert.equal(shown()?.step, 1, "of another epoch");
  take(3, 1);
  take(2, 1);
  take(4, 1);
  await room.finish(4);
  await room.finish(3);
  assert.equal(shown()?.step, 4, "an older one that was decoded later is not shown");
  assert.deepEqual(room.discarded, ["url1", "url3"]);
});

test("where previews come faster than they are decoded each is shown in its turn", async () => {
  const { room, take, shown } = darkroom();
  for (const step of [1, 2, 3]) take(step, 1);
  for (const step of [1, 2, 3]) {
    await room.finish(step);
    assert.equal(shown()?.step, step);
  }
  assert.deepEqual(room.discarded, ["url1", "url2"]);
});

test("previews of runs that are unknown or over are dropped", async () => {
  const { room, previews, take, shown } = darkroom();
  take(1, 1, run({ state: "stopped" }));
  void previews.onPreview(
    { tag: "preview", run: "gone", epoch: 1, step: 1, of: 8, width: 8, height: 8, jpeg: new Uint8Array([1]) },
    undefined,
  );
  await room.finish(1);
  assert.equal(shown(), undefined);
  assert.equal(previews.shown.value.size, 0);
});

test("a run that is stopped, undone or goes another way takes its preview with it; a finished one keeps it", async () => {
  for (const [change, stays] of [
    [{ state: "stopped" }, false],
    [{ state: "failed" }, false],
    [{ undone: true, state: "done" }, false],
    [{ epoch: 2 }, false],
    [{ state: "done", epoch: 2 }, true],
  ] as const) {
    const { room, previews, take, shown } = darkroom();
    take(1, 1);
    await room.finish(1);
    previews.follow(run(change));
    assert.equal(shown() !== undefined, stays, JSON.stringify(change));
    previews.clear();
    assert.deepEqual(room.discarded, ["url1"]);
  }
});

test("a preview that is decoded after its run was stopped is not shown", async () => {
  const { room, previews, take, shown } = darkroom();
  take(1, 1);
  previews.follow(run({ state: "stopped" }));
  await room.finish(1);
  assert.equal(shown(), undefined);
  assert.deepEqual(room.discarded, ["url1"]);
});
