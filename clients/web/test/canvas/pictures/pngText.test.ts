import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { described } from "../../../src/canvas/pictures/pngText";

test("a description is a chunk behind the header", async () => {
  const file = Uint8Array.from({ length: 50 }, (_, at) => at);
  const words = "A lighthouse\nМаяк";
  const made = Buffer.from(await (await described(new Blob([file]), words)).arrayBuffer());
  const length = made.readUInt32BE(33);
  const data = made.subarray(37, 41 + length);
  assert.deepEqual([...made.subarray(0, 33), ...made.subarray(45 + length)], [...file]);
  assert.equal(data.toString(), `iTXtDescription\0\0\0\0\0${words}`);
  assert.equal(made.readUInt32BE(41 + length), crc32(data));
  const same = new Blob([file]);
  assert.equal(await described(same, ""), same);
});
