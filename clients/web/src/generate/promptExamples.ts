// Prompts that a model is known to paint well.

import type { ModelInfo } from "../protocol/messages";

const MAX_WORDS = 6;

/** What a model says that it can paint: its note may name words after a colon, with commas between. */
export function suggestedPrompts(model: ModelInfo | undefined): string[] {
  const [, listed = ""] = /(?:prompts|try):\s*([^\n.]+)/i.exec(model?.note ?? "") ?? [];
  return listed
    .split(/[,;]/)
    .map((word) => word.trim().replace(/^["'“]|["'”]$/g, ""))
    .filter(Boolean)
    .slice(0, MAX_WORDS);
}
