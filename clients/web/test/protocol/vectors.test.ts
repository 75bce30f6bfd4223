// The golden vectors that the Python codecs read, read here by @msgpack/msgpack and written back.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { encode as pack, decode as unpack } from "@msgpack/msgpack";
import { decodeClient, decodeServer, encodeClient, encodeServer, Malformed } from "../../src/protocol/codec";
import type { ClientMessage, Message, ServerMessage } from "../../src/protocol/messages";

interface Vector {
  name: string;
  direction: "client" | "server";
  hex: string;
  fields: unknown;
  error: null | "malformed" | "ignored";
}

const vectors = JSON.parse(readFileSync(`${process.env.VECTORS}/messages.json`, "utf8")) as Vector[];

// The browser reads texts that are not UTF-8 with replacement characters, and ignores fields after those it knows;
// refusing them is the server's part.
const LENIENT: Record<string, string> = { "text that is not UTF-8": "stop", "a field too many": "redo" };

const decodeAs = (vector: Vector, data: Uint8Array): Message | null =>
  vector.direction === "client" ? decodeClient(data) : decodeServer(data);
const encodeAs = (vector: Vector, message: Message): Uint8Array =>
  vector.direction === "client"
    ? encodeClient(message as ClientMessage)
    : encodeServer(message as ServerMessage);

/** Vectors write bytes as `{"$bytes": hex}`. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("hex") };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  }
  return value;
}

test("there are vectors for both directions", () => {
  assert.ok(vectors.filter((vector) => vector.direction === "server" && !vector.error).length >= 10);
  assert.ok(vectors.filter((vector) => vector.error === "malformed").length >= 10);
});

for (const vector of vectors) {
  test(`${vector.direction}: ${vector.name}`, () => {
    const data = new Uint8Array(Buffer.from(vector.hex, "hex"));
    if (vector.error === "malformed" && !(vector.name in LENIENT)) {
      assert.throws(() => decodeAs(vector, data), Malformed);
      return;
    }
    const message = decodeAs(vector, data);
    if (vector.error) {
      assert.equal(message?.tag, LENIENT[vector.name]);
      return;
    }
    assert.ok(message);
    const written = encodeAs(vector, message);
    assert.deepEqual(plain(unpack(written)), vector.fields);
    assert.deepEqual(decodeAs(vector, written), message);
  });
}

for (const vector of vectors.filter((each) => each.direction === "server" && !each.error)) {
  test(`of a newer server: ${vector.name}`, () => {
    const data = new Uint8Array(Buffer.from(vector.hex, "hex"));
    const fields = unpack(data) as unknown[];
    const later = fields[0] === "welcome" ? fields.map((field) => added(field)) : fields;
    assert.deepEqual(decodeServer(pack([...later, "later"])), decodeServer(data));
  });
}

/** Another field in each record of a welcome: the participant, the limits, and each of a list of records. */
function added(field: unknown): unknown {
  if (!Array.isArray(field) || field.length === 0) return field;
  if (field.every((each) => Array.isArray(each))) return field.map((each) => [...each, "later"]);
  return typeof field[1] === "string" && field[0] === "see" ? field : [...field, "later"];
}
