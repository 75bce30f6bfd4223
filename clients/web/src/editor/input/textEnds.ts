// Keys that go to an end of a long text or select all of it. The browser stops at the lines that it has not laid out: the
// caret comes to stand between lines there, and what is typed next is lost.

import type Quill from "quill/core.js";
import { LineGroup } from "../binding/lineGroups";
import { keyOf } from "./keyOf";

export function watchTextEnds(quill: Quill, signal: AbortSignal): void {
  const onKey = (event: KeyboardEvent) => {
    if (event.isComposing || !isLong(quill)) return;
    intoLine(quill);
    const command = event.ctrlKey || event.metaKey;
    if (!command || event.altKey) return;
    const end = endOf(event);
    if (end) goTo(quill, end === "last" ? quill.getLength() - 1 : 0, event.shiftKey);
    else if (keyOf(event) === "a" && !event.shiftKey) quill.setSelection(0, quill.getLength(), "user");
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  quill.root.addEventListener("keydown", onKey, { capture: true, signal });
  // What has no key: a click, a menu, dictation.
  document.addEventListener("selectionchange", () => intoLine(quill), { signal });
}

const isLong = (quill: Quill): boolean => quill.root.querySelector(":scope > line-group") !== null;

function endOf(event: KeyboardEvent): "first" | "last" | null {
  if (event.key === "End" || (event.metaKey && event.key === "ArrowDown")) return "last";
  if (event.key === "Home" || (event.metaKey && event.key === "ArrowUp")) return "first";
  return null;
}

function goTo(quill: Quill, place: number, extend: boolean): void {
  const range = quill.getSelection();
  const native = document.getSelection();
  if (!extend || !range || !native) {
    quill.setSelection(place, 0, "user");
  } else {
    const anchor = isBackward(native) ? range.index + range.length : range.index;
    quill.setSelection(Math.min(anchor, place), Math.abs(place - anchor), "user");
    const { anchorNode, anchorOffset, focusNode, focusOffset } = native;
    if (place < anchor && anchorNode && focusNode)
      native.setBaseAndExtent(focusNode, focusOffset, anchorNode, anchorOffset);
  }
  // The line is laid out when it has come near.
  quill.scrollSelectionIntoView();
}

function isBackward({ anchorNode, anchorOffset, focusNode, focusOffset }: Selection): boolean {
  if (!anchorNode || !focusNode) return false;
  if (anchorNode === focusNode) return focusOffset < anchorOffset;
  return Boolean(anchorNode.compareDocumentPosition(focusNode) & Node.DOCUMENT_POSITION_PRECEDING);
}

/** A caret that stands in a group of lines and in none of them goes to the nearest line. */
function intoLine(quill: Quill): void {
  const native = document.getSelection();
  const node = native?.isCollapsed ? native.anchorNode : null;
  if (!node || !quill.root.contains(node) || !(quill.scroll.find(node) instanceof LineGroup)) return;
  const range = quill.getSelection();
  if (range) quill.setSelection(range, "silent");
}
