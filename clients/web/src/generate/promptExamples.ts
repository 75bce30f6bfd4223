// Prompts that a model is known to paint well.

import type { ModelInfo } from "../protocol/messages";

const MAX_WORDS = 6;

/** The prompts that a model's note lists after a colon, separated by commas. */
export function suggestedPrompts(model: ModelInfo | undefined): string[] {
  const [, listed = ""] = /(?:prompts|try):\s*([^\n.]+)/i.exec(model?.note ?? "") ?? [];
  return listed
    .split(/[,;]/)
    .map((word) => word.trim().replace(/^["'“]|["'”]$/g, ""))
    .filter(Boolean)
    .slice(0, MAX_WORDS);
}
