import assert from "node:assert/strict";
import { test } from "node:test";
import { Doc } from "yjs";
import { Board } from "../../../src/canvas/board";
import { CanvasEditor } from "../../../src/canvas/canvasEditor";
import { Mask } from "../../../src/canvas/masks/mask";
import { toPixels } from "../../../src/canvas/masks/maskBrush";
import { MaskSync } from "../../../src/canvas/masks/maskSync";
import type { Frame } from "../../../src/canvas/objects";
import { FakeClock } from "../../support";

const count = (mask: Mask) => mask.bits.reduce((sum, bit) => sum + bit, 0);

test("a round brush paints what its path touches, and rubs it out again", () => {
  const mask = new Mask(40, 20);
  mask.stroke({ x: 10, y: 10 }, { x: 30, y: 10 }, 4, true);
  const at = (x: number, y: number) => mask.bits[y * 40 + x];
  assert.deepEqual([at(10, 10), at(20, 7), at(29, 12)], [1, 1, 1]);
  assert.deepEqual([at(20, 15), at(5, 10), at(35, 10), at(20, 5)], [0, 0, 0, 0]);
  // A capsule: the path times the width, and a circle.
  assert.ok(Math.abs(count(mask) - (20 * 8 + Math.PI * 16)) < 12);
  mask.stroke({ x: 20, y: 10 }, { x: 20, y: 10 }, 3, false);
  assert.equal(at(20, 10), 0);
  mask.stroke({ x: -50, y: -50 }, { x: 90, y: 90 }, 500, false);
  assert.ok(mask.empty);
});

test("a brush outside the picture paints nothing", () => {
  const mask = new Mask(10, 10);
  mask.stroke({ x: -30, y: 5 }, { x: -20, y: 5 }, 4, true);
  mask.stroke({ x: 40, y: 60 }, { x: 50, y: 60 }, 4, true);
  assert.ok(mask.empty);
});

test("inverting twice changes nothing, filling takes whole pixels", () => {
  const mask = new Mask(6, 4);
  mask.fill({ x: 1, y: 1, w: 2, h: 2 }, true);
  const before = [...mask.bits];
  assert.equal(count(mask), 4);
  mask.invert();
  assert.equal(count(mask), 20);
  mask.invert();
  assert.deepEqual([...mask.bits], before);
  mask.fill({ x: -5, y: -5, w: 100, h: 100 }, true);
  assert.equal(count(mask), 24);
});

test("a mask survives being written as pixels, and another size", () => {
  const mask = new Mask(5, 3, Uint8Array.from([1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1]));
  const rgba = mask.painted([255, 255, 255, 255], [0, 0, 0, 255]);
  assert.deepEqual(Mask.of(5, 3, rgba).bits, mask.bits);
  assert.deepEqual(mask.resized(10, 6).resized(5, 3).bits, mask.bits);
  // What is clear is black, as the server reads it.
  assert.ok(Mask.of(1, 1, [255, 255, 255, 0]).empty);
});

test("places of the board are pixels of the mask, also in a turned frame", () => {
  const frame = { x: 100, y: 100, w: 200, h: 100, rotation: 90 };
  const size = { width: 400, height: 200 };
  // The frame's upper left corner, turned about its middle, is at the upper right of what is seen.
  const corner = toPixels(frame, size, { x: 250, y: 50 });
  assert.ok(Math.hypot(corner.x, corner.y) < 1e-6);
  const middle = toPixels(frame, size, { x: 200, y: 150 });
  assert.ok(Math.hypot(middle.x - 200, middle.y - 100) < 1e-6);
});

function desk() {
  const board = new Board(new Doc());
  const canvasEditor = new CanvasEditor(board, {
    canEdit: () => true,
    maxPoints: () => 100,
    onHand: () => undefined,
    frameFields: () => ({}),
  });
  const clock = new FakeClock();
  const kept = new Map<string, Mask>();
  const problems: unknown[] = [];
  let broken = false;
  const masks = new MaskSync(
    canvasEditor,
    board,
    {
      size: async () => ({ width: 20, height: 20 }),
      load: async (asset) => kept.get(asset) as Mask,
      save: async (mask) => {
        if (broken) throw new Error("no room");
        const asset = (kept.size + 1).toString(16).padStart(64, "0");
        kept.set(asset, new Mask(mask.width, mask.height, mask.bits.slice()));
        return asset;
      },
    },
    clock,
    (error) => problems.push(error),
  );
  const id = board.place({ type: "frame", x: 0, y: 0, w: 100, h: 100, task: "inpaint" });
  const frame = () => board.get(id) as Frame;
  const brush = (x: number) => {
    const touch = { id: 1, kind: "pen" as const, at: { x, y: 50 }, pressure: 1, shift: false, pan: false };
    canvasEditor.down(touch);
    canvasEditor.up(touch);
  };
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return {
    board,
    canvasEditor,
    clock,
    kept,
    problems,
    masks,
    frame,
    brush,
    settled,
    breaks: (is: boolean) => (broken = is),
  };
}

test("a stroke of the brush becomes the frame's mask for everybody, once for several", async () => {
  const { canvasEditor, clock, kept, masks, frame, brush, settled } = desk();
  await masks.open(frame());
  assert.equal(canvasEditor.tool.value, "mask");
  brush(20);
  brush(80);
  assert.equal(frame().mask, "");
  clock.advance(1000);
  await settled();
  assert.equal(kept.size, 1);
  assert.ok(frame().mask);
  assert.equal(await masks.current(frame().id), frame().mask);
  assert.equal(kept.size, 1);
});

test("painting does not wait for the clock, and takes what was brushed last", async () => {
  const { kept, masks, frame, brush } = desk();
  await masks.open(frame());
  brush(50);
  const asset = await masks.current(frame().id);
  assert.equal(asset, frame().mask);
  assert.ok(!(kept.get(asset) as Mask).empty);
});

test("what others make of the mask, or an undo, comes under the brush", async () => {
  const { board, canvasEditor, kept, masks, frame, settled } = desk();
  await masks.open(frame());
  const full = new Mask(20, 20);
  full.invert();
  kept.set("f".repeat(64), full);
  board.change(new Map([[frame().id, { mask: "f".repeat(64) }]]));
  await settled();
  assert.equal(count(canvasEditor.maskBrush.value?.mask as Mask), 400);
  board.change(new Map([[frame().id, { mask: null }]]));
  await settled();
  assert.ok(canvasEditor.maskBrush.value?.mask.empty);
});

test("a mask that could not be sent is told of, kept, and sent with the next try", async () => {
  const { clock, kept, masks, problems, frame, brush, settled, breaks } = desk();
  await masks.open(frame());
  breaks(true);
  brush(50);
  clock.advance(1000);
  await settled();
  assert.equal(problems.length, 1);
  breaks(false);
  assert.ok(await masks.current(frame().id));
  assert.equal(kept.size, 1);
});

test("the brush is put down when its frame goes, and a second finger takes a stroke back", async () => {
  const { board, canvasEditor, masks, frame } = desk();
  await masks.open(frame());
  const touch = { kind: "touch" as const, pressure: 1, shift: false, pan: false };
  canvasEditor.down({ ...touch, id: 1, at: { x: 50, y: 50 } });
  assert.ok(!canvasEditor.maskBrush.value?.mask.empty);
  canvasEditor.down({ ...touch, id: 2, at: { x: 90, y: 50 } });
  assert.ok(canvasEditor.maskBrush.value?.mask.empty);
  board.remove([frame().id]);
  assert.equal(canvasEditor.tool.value, "select");
  assert.equal(canvasEditor.maskBrush.value, null);
});
