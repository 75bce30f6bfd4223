import assert from "node:assert/strict";
import { test } from "node:test";
import { applyUpdate, Doc, encodeStateAsUpdate } from "yjs";
import { Board } from "../../src/canvas/board";
import { BoundField, difference, type Field, sharedText } from "../../src/canvas/boardText";
import { TextEditing } from "../../src/canvas/textEditing";
import { seeded } from "../support";

class FakeField implements Field {
  value = "";
  selectionStart = 0;
  selectionEnd = 0;
  setSelectionRange(start: number, end: number): void {
    [this.selectionStart, this.selectionEnd] = [start, end];
  }
  /** Types at a place, as a hand does: with the caret behind it. */
  type(at: number, deleted: number, inserted: string): void {
    this.value = this.value.slice(0, at) + inserted + this.value.slice(at + deleted);
    this.setSelectionRange(at + inserted.length, at + inserted.length);
  }
}

const CAST = ["a", "b", "é", "я", "語", "🦊", "👩‍🚀", " ", "\n"];
const apply = (text: string, { at, deleted, inserted }: { at: number; deleted: number; inserted: string }) =>
  text.slice(0, at) + inserted + text.slice(at + deleted);

function pair(): [Doc, Doc] {
  const [one, other] = [new Doc(), new Doc()];
  return [one, other];
}
function exchange(one: Doc, other: Doc): void {
  const [a, b] = [encodeStateAsUpdate(one), encodeStateAsUpdate(other)];
  applyUpdate(one, b, "remote");
  applyUpdate(other, a, "remote");
}

test("the difference of two texts makes the one of the other and cuts no character in two", () => {
  const random = seeded(3);
  const word = () =>
    Array.from({ length: Math.floor(random() * 6) }, () => CAST[Math.floor(random() * CAST.length)]).join("");
  for (let count = 0; count < 2000; count += 1) {
    const [before, after] = [word(), word()];
    const change = difference(before, after);
    if (!change) assert.equal(before, after);
    else {
      assert.equal(apply(before, change), after);
      assert.ok(!/\p{Cs}/u.test(change.inserted + before.slice(0, change.at)));
    }
  }
});

test("two who write in one text at the same moment lose nothing, carets stay, and both see the same", () => {
  const random = seeded(11);
  for (let round = 0; round < 60; round += 1) {
    const [one, other] = pair();
    const [a, b] = [new Board(one), new Board(other)];
    const id = a.place({ type: "text", text: "one fox 🦊", x: 0, y: 0 });
    exchange(one, other);
    const fields = [new FakeField(), new FakeField()];
    const bound = [a, b].map((board, index) => {
      const text = board.textOf(id);
      assert.ok(text);
      return new BoundField(fields[index] as Field, text);
    });
    const typed: string[] = [];
    /** An input method composes at one place at a time. */
    const composing: (boolean | "typed")[] = [false, false];
    for (let step = 0; step < 30; step += 1) {
      const who = random() < 0.5 ? 0 : 1;
      const field = fields[who] as FakeField;
      let end = 0;
      const spots = [0, ...[...field.value].map((each) => (end += each.length))];
      const at = spots[Math.floor(random() * spots.length)] as number;
      const mark = `<${round}.${step}>`;
      if (random() < 0.2) {
        composing[who] = !composing[who];
        bound[who]?.compose(composing[who] !== false);
      } else if (composing[who] !== "typed") {
        // Only between what was typed as one, so that every mark can be looked for.
        if (!/[<0-9.]$/.test(field.value.slice(0, at)) && field.value[at] !== ">") {
          field.type(at, 0, mark);
          typed.push(mark);
          bound[who]?.typed();
          if (composing[who]) composing[who] = "typed";
          else assert.equal(field.selectionStart, at + mark.length);
        }
      }
      if (random() < 0.3) exchange(one, other);
    }
    for (const each of bound) each.compose(false);
    exchange(one, other);
    assert.equal(fields[0]?.value, fields[1]?.value);
    const label = a.get(id);
    assert.ok(label?.type === "text" && label.text === fields[0]?.value);
    for (const mark of typed) assert.ok(label.text.includes(mark), `${mark} in ${label.text}`);
    for (const field of fields) assert.ok(field.selectionStart <= field.value.length);
  }
});

const writing = (board: Board, id: string | null) =>
  new TextEditing({
    board,
    id,
    at: { x: 1, y: 2 },
    look: { color: "#000000" },
    measure: (text) => ({ w: text.length, h: 10 }),
  });

test("what others write where an input method takes words away stays", () => {
  const [one, other] = pair();
  const [a, b] = [new Board(one), new Board(other)];
  const id = a.place({ type: "text", text: "old words here", x: 0, y: 0 });
  exchange(one, other);
  const field = new FakeField();
  const bound = new BoundField(field, a.textOf(id) as never);
  bound.compose(true);
  field.type(0, 9, "新しい");
  bound.typed();
  for (const text of ["old fine words here", "old fine words are here", "My old fine words are here"])
    b.change(new Map([[id, { text }]]));
  exchange(one, other);
  assert.equal(field.value, "新しい here", "left alone while it composes");
  bound.compose(false);
  exchange(one, other);
  for (const board of [a, b]) {
    const label = board.get(id);
    assert.ok(label?.type === "text");
    for (const words of ["My ", "新しい", " fine", "are here"])
      assert.ok(label.text.includes(words), label.text);
    assert.ok(!/old|words/.test(label.text), label.text);
  }
});

test("a text is there with its first letter, and comes again when somebody deletes it meanwhile", () => {
  const [one, other] = pair();
  const [a, b] = [new Board(one), new Board(other)];
  const mine = writing(a, null);
  const field = new FakeField();
  mine.open(field);
  assert.equal(a.objects.value.size, 0);
  field.type(0, 0, "h");
  mine.input();
  exchange(one, other);
  assert.deepEqual(
    [...b.objects.value.values()].map((each) => each.type === "text" && each.text),
    ["h"],
  );
  b.remove([...b.objects.value.keys()]);
  exchange(one, other);
  assert.equal(a.objects.value.size, 0);
  field.type(1, 0, "i");
  mine.input();
  const id = mine.close();
  exchange(one, other);
  const label = b.get(id as string);
  assert.ok(label?.type === "text");
  assert.deepEqual([label.text, label.w, label.x], ["hi", 2, 1]);
  // Who only looked into it does not bring it back; and a text without words is none.
  const looking = writing(a, id);
  looking.open(new FakeField());
  b.remove([id as string]);
  exchange(one, other);
  assert.equal(looking.close(), null);
  const blank = writing(a, null);
  blank.open(field);
  field.value = "  ";
  blank.input();
  assert.equal(blank.close(), null);
  assert.equal(a.objects.value.size, 0);
});

test("what was reworded out of reach is told of when it has gone meanwhile, and never one's own deletion", async () => {
  const [one, other] = pair();
  const [a, b] = [new Board(one), new Board(other)];
  const id = a.place({ type: "text", text: "old", x: 5, y: 0 });
  exchange(one, other);
  a.settled();
  const lost: string[] = [];
  a.onLost((label) => lost.push(label.text));
  a.change(new Map([[id, { text: "old words" }]]));
  b.remove([id]);
  exchange(one, other);
  await Promise.resolve();
  assert.deepEqual(lost, ["old words"]);
  const next = a.place({ type: "text", text: "mine", x: 5, y: 0 });
  a.change(new Map([[next, { text: "mine too" }]]));
  a.remove([next]);
  exchange(one, other);
  await Promise.resolve();
  assert.equal(lost.length, 1);
});

test("a text of before, which is plain, is shown and can be written in", () => {
  const doc = new Doc();
  const board = new Board(doc);
  const id = board.place({ type: "text", text: "x", x: 0, y: 0 });
  const map = doc.getMap("canvas").get(id) as { set(name: string, value: unknown): void };
  map.set("text", "plain");
  const label = board.get(id);
  assert.ok(label?.type === "text" && label.text === "plain");
  assert.equal(board.textOf(id)?.toString(), "plain");
  assert.ok(sharedText(map, "text"));
});
