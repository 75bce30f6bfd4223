// Keys with Ctrl or Cmd that format the text or open the link dialog. They go before Quill's own, which know Latin
// layouts only.

import type Quill from "quill/core.js";
import type { ActiveFormats } from "./activeFormats";
import { shiftLevel } from "./beforeInput";
import { keyOf } from "./keyOf";

const TOGGLED: Readonly<Record<string, keyof ActiveFormats>> = {
  b: "bold",
  i: "italic",
  u: "underline",
  "shift+x": "strike",
};

export function watchShortcuts(
  quill: Quill,
  actions: { toggle(format: keyof ActiveFormats): void; openLink(): void },
  signal: AbortSignal,
): void {
  const run = (key: string): boolean => {
    const format = TOGGLED[key];
    if (format) actions.toggle(format);
    else if (key === "k") actions.openLink();
    else if (key === "[" || key === "]") shiftLevel(quill, key === "]" ? 1 : -1);
    else return false;
    return true;
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.isComposing || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    if (!run(`${event.shiftKey ? "shift+" : ""}${keyOf(event)}`)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  quill.root.addEventListener("keydown", onKey, { capture: true, signal });
}
