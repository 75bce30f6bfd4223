import assert from "node:assert/strict";
import { test } from "node:test";
import { applyUpdate, Doc, encodeStateAsUpdate, Array as YArray, type Map as YMap } from "yjs";
import { Board, CANVAS } from "../../src/canvas/board";
import { CanvasEditor } from "../../src/canvas/canvasEditor";
import { middle, TURN_STEP, touches, upright } from "../../src/canvas/geometry";
import { strokeFields } from "../../src/canvas/gestures/draw";
import type { Touch } from "../../src/canvas/gestures/gesture";
import { type BoardObject, type Fields, readObject } from "../../src/canvas/objects";
import { seeded } from "../support";

const object = (fields: Record<string, unknown>): BoardObject => {
  const read = readObject("id", (name) => ({ z: "V", x: 0, y: 0, ...fields })[name]);
  assert.ok(read);
  return read;
};

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} is not ${expected}`);

test("objects that make no sense are none; senseless fields take their default", () => {
  for (const fields of [
    {},
    { type: "stroke", x: 0, y: 0, z: "V" },
    { type: "stroke", x: 0, y: 0, z: "V", points: [1, 2, "3"] },
    { type: "stroke", x: 0, y: 0, z: "V", points: [Number.NaN, 0, 0] },
    { type: "image", x: 0, y: 0, z: "V", asset: "../etc" },
    { type: "shape", x: Number.NaN, y: 0, z: "V" },
    { type: "shape", x: 1e9, y: 0, z: "V" },
    { type: "shape", x: 0, y: 0 },
    { type: "spaceship", x: 0, y: 0, z: "V" },
  ] as Record<string, unknown>[]) {
    assert.equal(
      readObject("id", (name) => fields[name]),
      null,
    );
  }
  const shape = object({ type: "shape", shape: "hydra", color: "url(#x)", opacity: 7, size: -1 });
  assert.ok(shape.type === "shape" && shape.shape === "rectangle" && shape.color === "#22282a");
  assert.deepEqual([shape.opacity, shape.size], [1, 4]);
});

function boards(): [Board, Board, () => void] {
  const [a, b] = [new Doc(), new Doc()];
  const sync = () => {
    applyUpdate(a, encodeStateAsUpdate(b));
    applyUpdate(b, encodeStateAsUpdate(a));
  };
  return [new Board(a), new Board(b), sync];
}

test("two boards end up the same, whatever both did at once", () => {
  const random = seeded(3);
  const [ada, eve, sync] = boards();
  for (let round = 0; round < 60; round += 1) {
    for (const board of [ada, eve]) {
      const ids = [...board.objects.value.keys()];
      const some = new Set(ids.filter(() => random() < 0.3));
      const choice = random();
      if (choice < 0.4) board.place({ type: "shape", shape: "ellipse", x: round, y: 0, w: 10, h: 10 });
      else if (choice < 0.6)
        board.change(new Map([...some].map((id) => [id, { x: Math.floor(random() * 100) }])));
      else if (choice < 0.7) board.remove([...some].slice(0, 1));
      else board.reorder(some, choice < 0.85 ? "front" : "back");
    }
    if (random() < 0.4) sync();
  }
  sync();
  assert.ok(ada.ordered.value.length > 5);
  assert.deepEqual(eve.ordered.value, ada.ordered.value);
});

test("bringing to the front and back keeps the others as they are", () => {
  const [board] = boards();
  const ids = ["a", "b", "c", "d"].map((name) => board.place({ type: "text", text: name, x: 0, y: 0 }));
  const words = () => board.ordered.value.map((each) => each.type === "text" && each.text).join("");
  board.reorder(new Set([ids[0] as string, ids[2] as string]), "front");
  assert.equal(words(), "bdac");
  board.reorder(new Set([ids[3] as string]), "back");
  assert.equal(words(), "dbac");
});

test("what is written fits the server's fields, in numbers that cost five bytes", () => {
  const doc = new Doc();
  const board = new Board(doc);
  const id = board.place(strokeFields([10.123, 20.456, 0.333, 15.789, 18.1, 0.5], "#22282a", 4));
  const map = doc.getMap<YMap<unknown>>(CANVAS).get(id);
  assert.deepEqual([...(map?.keys() ?? [])].sort(), "color h points size tool type w x y z".split(" "));
  const points = map?.get("points");
  assert.ok(points instanceof YArray);
  for (const value of points.toArray()) assert.equal(Math.fround(value), value);
  const stroke = board.get(id) as BoardObject;
  assert.ok(Math.abs(stroke.x - 10.123) < 0.02 && Math.abs(stroke.y - 18.1) < 0.02);
});

function atEasel(canEdit = true) {
  const board = new Board(new Doc());
  const told: (Fields | null)[] = [];
  const canvasEditor = new CanvasEditor(board, {
    canEdit: () => canEdit,
    maxPoints: () => 20,
    onHand: (_, draft) => told.push(draft),
    frameFields: () => ({ prompt: "", task: "text_to_image", steps: 9 }),
  });
  const touch = (x: number, y: number, more: Partial<Touch> = {}): Touch => ({
    id: 1,
    kind: "mouse",
    at: { x, y },
    pressure: 0.5,
    shift: false,
    pan: false,
    ...more,
  });
  const drag = (...places: [number, number][]) => {
    for (const [index, [x, y]] of places.entries()) {
      if (index === 0) canvasEditor.down(touch(x, y));
      else canvasEditor.move(touch(x, y));
    }
    const [x, y] = places.at(-1) as [number, number];
    canvasEditor.up(touch(x, y));
  };
  return { board, canvasEditor, told, touch, drag };
}

test("a stroke is told while it is drawn, and stands in the document when it is finished", () => {
  const { board, canvasEditor, told, touch } = atEasel();
  canvasEditor.choose("pen");
  canvasEditor.down(touch(0, 0));
  canvasEditor.move(touch(30, 10));
  assert.equal(board.objects.value.size, 0);
  assert.deepEqual(told.at(-1)?.points, [0, 0, 0.5, 30, 10, 0.5]);
  canvasEditor.up(touch(30, 10));
  assert.equal(board.objects.value.size, 1);
  assert.equal(told.at(-1), null);
});

test("a stroke longer than an object may be goes on in the next one", () => {
  const { board, canvasEditor, drag } = atEasel();
  canvasEditor.choose("pen");
  drag(...Array.from({ length: 50 }, (_, index): [number, number] => [index * 5, 0]));
  const strokes = board.ordered.value.filter((each) => each.type === "stroke");
  assert.equal(strokes.length, 3);
  assert.ok(strokes.every((each) => each.points.length <= 60));
});

test("a second finger turns what was begun into a movement of the view", () => {
  const { board, canvasEditor, touch } = atEasel();
  canvasEditor.choose("pen");
  canvasEditor.down(touch(100, 100, { kind: "touch" }));
  canvasEditor.move(touch(110, 100, { kind: "touch" }));
  canvasEditor.down(touch(200, 100, { id: 2, kind: "touch" }));
  canvasEditor.move(touch(310, 100, { id: 2, kind: "touch" }));
  canvasEditor.up(touch(310, 100, { id: 2, kind: "touch" }));
  canvasEditor.up(touch(110, 100, { kind: "touch" }));
  assert.equal(board.objects.value.size, 0);
  near(canvasEditor.camera.value.scale, 200 / 90);
});

test("select, move, stretch, rub out", () => {
  const { board, canvasEditor, drag, touch } = atEasel();
  canvasEditor.choose("rectangle");
  drag([100, 100], [200, 150]);
  const [id] = [...board.objects.value.keys()] as [string];
  assert.deepEqual([...canvasEditor.selection.ids.value], [id]);
  drag([100, 125], [130, 135]);
  assert.deepEqual([board.get(id)?.x, board.get(id)?.y], [130, 110]);
  const box = canvasEditor.selection.box.value;
  assert.ok(box);
  canvasEditor.grabHandle("se", touch(box.x + box.w, box.y + box.h));
  canvasEditor.move(touch(box.x + box.w * 2, box.y + box.h * 2));
  canvasEditor.up(touch(box.x + box.w * 2, box.y + box.h * 2));
  assert.equal(board.get(id)?.w, 200);
  canvasEditor.choose("eraser");
  drag([0, 120], [400, 120]);
  assert.equal(board.objects.value.size, 0);
});

test("turning by hand and by keys, in steps while Shift is held", () => {
  const { board, canvasEditor, touch } = atEasel();
  const id = board.place({
    type: "shape",
    shape: "triangle",
    x: 100,
    y: 100,
    w: 100,
    h: 100,
    size: 0,
    rotation: 10,
  });
  canvasEditor.selection.select([id]);
  const box = canvasEditor.selection.box.value;
  assert.ok(box);
  const { x, y } = middle(box);
  const turn = (to: [number, number], shift: boolean) => {
    canvasEditor.grabHandle("turn", touch(x, y - 100));
    canvasEditor.move(touch(...to, { shift }));
    canvasEditor.up(touch(...to, { shift }));
    return board.get(id)?.rotation;
  };
  near(turn([x + 100, y], false) ?? 0, 100);
  assert.equal(turn([x + 7, y - 100], true), 105, "to the nearest of the round angles");
  canvasEditor.selection.turn(-TURN_STEP);
  assert.equal(board.get(id)?.rotation, 90);
  assert.ok(Math.abs((board.get(id)?.x ?? 0) - 100) < 0.1, "about its own middle");
});

test("several are turned about their common middle, and none beyond what a field may hold", () => {
  const { board, canvasEditor } = atEasel();
  const ids = [0, 300].map((left) =>
    board.place({ type: "shape", shape: "rectangle", x: left, y: 0, w: 100, h: 100, size: 0 }),
  );
  canvasEditor.selection.select(ids);
  for (let step = 0; step < 30; step += 1) canvasEditor.selection.turn(TURN_STEP);
  const [left, right] = ids.map((id) => board.get(id) as BoardObject);
  assert.ok(left && right && Math.abs(left.rotation - 90) < 1e-6);
  assert.ok(Math.abs(left.x - right.x) < 2 && Math.abs(Math.abs(right.y - left.y) - 300) < 2);
  assert.equal(upright(-180), 180);
  assert.equal(upright(725), 5);
});

test("lines snap to round angles, shapes to squares", () => {
  const { board, canvasEditor, touch } = atEasel();
  const span = (tool: "arrow" | "diamond", to: [number, number]) => {
    canvasEditor.choose(tool);
    canvasEditor.down(touch(0, 0));
    canvasEditor.move(touch(...to, { shift: true }));
    canvasEditor.up(touch(...to, { shift: true }));
    return board.ordered.value.at(-1) as BoardObject;
  };
  assert.ok(Math.abs(span("arrow", [100, 5]).rotation) < 1e-6);
  const diamond = span("diamond", [100, 60]);
  assert.deepEqual([diamond.w, diamond.h], [100, 100]);
  assert.ok(touches(diamond, { x: 25, y: 25 }, 3), "its side");
  assert.ok(!touches(diamond, { x: 5, y: 5 }, 3), "its corner is outside");
  assert.ok(touches({ ...diamond, fill: "#ffffff" } as BoardObject, { x: 50, y: 50 }, 3));
});

test("a new frame asks for what the last one asked for", () => {
  const { board, canvasEditor, drag } = atEasel();
  canvasEditor.choose("frame");
  drag([0, 0], [100, 100]);
  const [made] = board.ordered.value;
  assert.ok(made?.type === "frame" && made.steps === 9);
});

test("layers move one by one, what is hidden among them, and ties are no trap", () => {
  const [board] = boards();
  const ids = ["a", "b", "c"].map((name) => board.place({ type: "text", text: name, x: 0, y: 0, z: "" }));
  const [a, b, c] = ids as [string, string, string];
  const words = () => board.layers.value.map((each) => each.type === "text" && each.text).join("");
  board.change(new Map([[b, { hidden: true }]]));
  board.shift(a, 1);
  assert.equal(words(), "bac");
  board.shift(b, -1);
  assert.equal(words(), "bac");
  board.putBehind(c, b);
  assert.equal(words(), "cba");
  board.putBehind(c, null);
  assert.equal(words(), "bac");
  board.change(new Map(ids.map((id) => [id, { z: "V" }])));
  board.shift(board.layers.value[0]?.id as string, 1);
  assert.equal(board.layers.value.length, 3);
  assert.equal(board.ordered.value.length, 2);
});

test("a field that is taken away is the default again", () => {
  const { board } = atEasel();
  const id = board.place({ type: "frame", x: 0, y: 0, w: 9, h: 9, strength: 0.4, seed: 2 ** 53 - 1 });
  const frame = () => board.get(id) as Extract<BoardObject, { type: "frame" }>;
  assert.deepEqual([frame().strength, frame().seed], [0.4, 2 ** 53 - 1]);
  board.change(new Map([[id, { strength: null, seed: null }]]));
  assert.deepEqual([frame().strength, frame().seed], [null, null]);
});

test("who only reads changes nothing", () => {
  const { board, canvasEditor, drag } = atEasel(false);
  const id = board.place({ type: "shape", shape: "rectangle", x: 10, y: 10, w: 50, h: 50 });
  canvasEditor.choose("pen");
  drag([0, 0], [50, 50]);
  canvasEditor.choose("select");
  drag([10, 30], [100, 100]);
  canvasEditor.selection.remove();
  assert.deepEqual([...board.objects.value.keys()], [id]);
  assert.equal(board.get(id)?.x, 10);
});
