// Where each run of the model has written last: its cursor stands there.

import { createRelativePositionFromTypeIndex, type RelativePosition, type Text as YText } from "yjs";
import type { Op } from "../../room/document/delta";

/** Notes the runs that an edit of the text has words of. */
export function noteRunEnds(text: YText, ops: readonly Op[], ends: Map<string, RelativePosition>): void {
  let index = 0;
  for (const op of ops) {
    if (op.insert === undefined) {
      index += typeof op.retain === "number" ? op.retain : 0;
      continue;
    }
    index += typeof op.insert === "string" ? op.insert.length : 1;
    const run = op.attributes?.ai ?? op.attributes?.suggest;
    // Bound to the character before it: text typed there does not move the cursor.
    if (typeof run === "string") ends.set(run, createRelativePositionFromTypeIndex(text, index, -1));
  }
}
