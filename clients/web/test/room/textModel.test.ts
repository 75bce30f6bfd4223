import assert from "node:assert/strict";
import { test } from "node:test";
import { signal } from "@preact/signals";
import type { ModelInfo } from "../../src/protocol/messages";
import { TextModel } from "../../src/room/textModel";

const model = (name: string, ...beside: string[]) =>
  ({ modality: "text", name, beside }) as unknown as ModelInfo;

test("a choice counts as long as that model serves, and comes back with it", () => {
  const models = signal<readonly ModelInfo[]>([]);
  const choice = new TextModel(models, signal(""));
  assert.deepEqual(choice.choices.value, []);
  models.value = [model("better")];
  assert.deepEqual(choice.choices.value, [], "one model is nothing to choose from");
  models.value = [model("better", "quick")];
  assert.deepEqual(choice.choices.value, ["better", "quick"]);
  assert.equal(choice.chosen.value, "");
  choice.choose("quick");
  assert.equal(choice.chosen.value, "quick");
  models.value = [model("better")];
  assert.equal(choice.chosen.value, "");
  models.value = [model("quick", "better")];
  assert.equal(choice.chosen.value, "", "the first one needs no choice");
  models.value = [model("better", "quick")];
  assert.equal(choice.chosen.value, "quick");
  choice.choose("better");
  assert.equal(choice.chosen.value, "");
});

test("the room's default stands first as long as it serves, and a person's own choice counts more", () => {
  const models = signal<readonly ModelInfo[]>([model("better", "quick")]);
  const room = signal("quick");
  const choice = new TextModel(models, room);
  choice.choose("quick");
  assert.deepEqual(choice.choices.value, ["quick", "better"]);
  assert.equal(choice.chosen.value, "");
  choice.choose("better");
  assert.equal(choice.chosen.value, "better");
  room.value = "gone";
  assert.deepEqual(choice.choices.value, ["better", "quick"]);
  assert.equal(choice.chosen.value, "");
});
