// Where a run stands that the device has no time for yet, in words: the same wherever one is shown.

import type { RunInfo } from "../../protocol/messages";
import { t } from "../../strings";

/** Its place in the queue and when it will probably start, as far as the server knows. */
export function queueText(run: RunInfo): string {
  const seconds = Math.ceil(run.expected_start_ms / 1000);
  return t.runs.queued(run.position) + (seconds > 0 ? ` · ${t.runs.startsIn(seconds)}` : "");
}
