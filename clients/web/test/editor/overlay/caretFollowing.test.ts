// The caret goes along with a run's words however the marked place drifts with what is written at it.

import assert from "node:assert/strict";
import { test } from "node:test";
import type Quill from "quill/core.js";
import { CaretFollowing } from "../../../src/editor/overlay/caretFollowing";

type Heard = (range: object | null, before: object | null, source: string) => void;

/** What is asked of the editor here: its caret, and its news of a selection. */
class Page {
  caret = 10;
  focused = true;
  heard: Heard = () => {};
  readonly root = { closest: () => null };
  readonly selection = { getBounds: () => null, getRange: () => [{ index: this.caret, length: 0 }] };
  on(_: string, heard: Heard): void {
    this.heard = heard;
  }
  hasFocus(): boolean {
    return this.focused;
  }
  setSelection(index: number): void {
    this.caret = index;
  }
}

function writing(): {
  page: Page;
  following: CaretFollowing;
  writes(drifts: boolean): void;
  place(): number;
  end(): number;
} {
  const page = new Page();
  let end = page.caret;
  let place = page.caret;
  const following = new CaretFollowing(page as unknown as Quill, {
    written: () => end,
    place: () => place,
    setPlace: (index) => {
      place = index;
    },
  });
  following.begin("run");
  const writes = (drifts: boolean) => {
    end += 5;
    if (drifts) place = end;
    following.changed([{ retain: end - 5 }, { insert: "words" }]);
  };
  return { page, following, writes, place: () => place, end: () => end };
}

test("the caret follows every piece, also when the marked place was pushed along", () => {
  for (let pattern = 0; pattern < 64; pattern += 1) {
    const { page, writes, place, end } = writing();
    for (let bit = 0; bit < 6; bit += 1) {
      writes(((pattern >> bit) & 1) === 1);
      assert.deepEqual([page.caret, place()], [end(), end()], pattern.toString(2));
    }
  }
});

test("whoever moves the caret or writes is followed no more; elsewhere only the place goes along", () => {
  const moved = writing();
  moved.writes(true);
  moved.page.caret = 3;
  moved.page.heard({ index: 3, length: 0 }, null, "user");
  moved.writes(true);
  assert.equal(moved.page.caret, 3);
  const wrote = writing();
  wrote.following.changed(null);
  wrote.writes(true);
  assert.equal(wrote.page.caret, 10);
  const away = writing();
  away.page.focused = false;
  away.writes(false);
  assert.deepEqual([away.page.caret, away.place()], [10, away.end()]);
});
