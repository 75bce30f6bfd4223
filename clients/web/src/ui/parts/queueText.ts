// The text of a run that waits for the device, the same wherever a run is shown.

import type { RunInfo } from "../../protocol/messages";
import { t } from "../../strings";

/** Its place in the queue and when it will probably start, as far as the server knows. */
export function queueText(run: RunInfo): string {
  const seconds = Math.ceil(run.expected_start_ms / 1000);
  return t.runs.queued(run.position) + (seconds > 0 ? ` · ${t.runs.startsIn(seconds)}` : "");
}
