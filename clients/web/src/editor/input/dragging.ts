// Drag and drop of text: inside the story it moves (with Ctrl it is copied), from elsewhere it is pasted.

import type Quill from "quill/core.js";
import { Delta, type Range } from "quill/core.js";
import type { RoomClipboard } from "../binding/pasting";

export function watchDragging(quill: Quill, signal: AbortSignal): void {
  let dragged: Range | null = null;
  // Quill lets nothing be dragged.
  (quill.scroll as unknown as { handleDragStart(): void }).handleDragStart = () => {};
  const start = (event: DragEvent) => {
    const range = quill.getSelection();
    if (!range || range.length === 0 || !event.dataTransfer) return;
    dragged = range;
    const { html, text } = quill.clipboard.onCopy(range, false);
    event.dataTransfer.setData("text/html", html);
    event.dataTransfer.setData("text/plain", text);
    event.dataTransfer.effectAllowed = quill.isEnabled() ? "copyMove" : "copy";
  };
  const drop = (event: DragEvent) => {
    const html = event.dataTransfer?.getData("text/html") ?? "";
    const text = event.dataTransfer?.getData("text/plain") ?? "";
    // Files are handled elsewhere.
    if (!html && !text) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const index = placeAt(quill, event.clientX, event.clientY);
    const from = dragged;
    dragged = null;
    if (index === null || !quill.isEnabled()) return;
    if (from && index >= from.index && index <= from.index + from.length) return;
    const words = from ? quill.getContents(from.index, from.length) : quill.clipboard.convert({ html, text });
    const moves = from && !event.ctrlKey && !event.altKey;
    const insert = new Delta().retain(index).concat(words);
    const remove = moves ? new Delta().retain(from.index).delete(from.length) : new Delta();
    (quill.clipboard as RoomClipboard).write(remove.compose(remove.transform(insert, true)));
    const at = remove.transformPosition(index, true);
    quill.focus();
    quill.setSelection(at, words.length(), "user");
  };
  const { root } = quill;
  root.addEventListener("dragstart", start, { signal });
  root.addEventListener("drop", drop, { capture: true, signal });
  root.addEventListener("dragend", () => (dragged = null), { signal });
}

function placeAt(quill: Quill, x: number, y: number): number | null {
  const caret = document.caretPositionFromPoint?.(x, y);
  const old = caret ? null : document.caretRangeFromPoint?.(x, y);
  const node = caret?.offsetNode ?? old?.startContainer;
  if (!node || !quill.root.contains(node)) return null;
  const range = document.createRange();
  range.setStart(node, caret?.offset ?? old?.startOffset ?? 0);
  const native = quill.selection.normalizeNative(range);
  return native ? quill.selection.normalizedToRange(native).index : null;
}
