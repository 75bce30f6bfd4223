import assert from "node:assert/strict";
import { test } from "node:test";
import * as Y from "yjs";
import { Outbox } from "../../src/connection/outbox";

/** `count` changes of one character each, as they are typed. */
function typed(count: number): { updates: Uint8Array[]; text: string } {
  const doc = new Y.Doc();
  const updates: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => updates.push(update));
  for (let at = 0; at < count; at += 1) doc.getText("story").insert(at % 7 ? at : 0, "x");
  return { updates, text: doc.getText("story").toString() };
}

test("hours of typing without a network go in batches of bounded size, and nothing is lost", () => {
  const { updates, text } = typed(3500);
  const outbox = new Outbox();
  for (const update of updates) outbox.add(update);
  assert.ok(outbox.unsent().length < 80);
  const server = new Y.Doc();
  let batches = 0;
  for (let batch = outbox.take(1e6); batch; batch = outbox.take(1e6)) {
    const structs = Y.decodeUpdate(batch.update).structs.length;
    assert.ok(structs <= 1100, `${structs} structs`);
    Y.applyUpdate(server, batch.update);
    batches += 1;
  }
  assert.ok(batches >= 3);
  assert.equal(server.getText("story").toString(), text);
});

test("a batch keeps to its bytes, but always takes one update", () => {
  const outbox = new Outbox();
  for (const update of typed(10).updates) outbox.add(update);
  const small = outbox.take(1);
  assert.ok(small);
  assert.equal(Y.decodeUpdate(small.update).structs.length, 1);
  assert.equal(outbox.unsent().length, 9);
});
