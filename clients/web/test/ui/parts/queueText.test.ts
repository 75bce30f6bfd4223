import assert from "node:assert/strict";
import { test } from "node:test";
import { en } from "../../../src/strings/en";
import { paintingState } from "../../../src/ui/canvas/frameBadge";
import { queueText } from "../../../src/ui/parts/queueText";
import { run } from "../../support";

test("a run that waits says its place and when it will start, as far as that is known", () => {
  const queued = { state: "queued" as const, position: 3, expected_start_ms: 4200 };
  const said = `${en.runs.queued(3)} · ${en.runs.startsIn(5)}`;
  assert.equal(queueText(run(queued)), said);
  assert.equal(queueText(run({ ...queued, expected_start_ms: 0 })), en.runs.queued(3));
  assert.equal(queueText(run({ ...queued, position: 0, expected_start_ms: 0 })), en.runs.queued(0));
  assert.equal(paintingState(run({ ...queued, task: "text_to_image" })), said, "pictures in the same words");
});

test("a picture says why fewer previews of it come, and nothing where there is no reason", () => {
  const painting = { task: "text_to_image" as const, progress: 3, length: 8 };
  const said = `${en.canvas.painting} · ${en.canvas.steps(3, 8)}`;
  assert.equal(paintingState(run(painting)), said);
  for (const thinned of ["load", "viewers"] as const) {
    assert.equal(paintingState(run({ ...painting, thinned })), `${said} · ${en.canvas.thinned[thinned]}`);
    assert.equal(paintingState(run({ ...painting, thinned, state: "done" })), en.runs.done);
  }
});
