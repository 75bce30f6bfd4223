// All keys of the board. Undo and redo are done by the server, as in the text.

import type { CanvasEditor } from "../../canvas/canvasEditor";
import { TURN_STEP } from "../../canvas/geometry";
import { TOOLS } from "../../canvas/tools";
import { keyOf } from "../../editor/input/keyOf";
import type { Room } from "../../room/room";
import { KEYS } from "./boardTools";

const STEP = 40;
const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export interface Panels {
  toggleLayers(): void;
}

/** `anywhere`: nothing has the focus, and the board had it last. */
export function boardKeys(
  event: KeyboardEvent,
  canvasEditor: CanvasEditor,
  room: Room,
  panels: Panels,
  anywhere = false,
): void {
  const { target } = event;
  if (event.defaultPrevented || event.isComposing || isField(target)) return;
  const onBoard = anywhere || (target instanceof HTMLElement && target.classList.contains("board"));
  const key = keyOf(event);
  const modified = event.ctrlKey || event.metaKey;
  // A button keeps the keys that press it and that leave it; letters and Delete are for the board there too.
  const forBoard = onBoard || (key.length === 1 && key !== " ") || key === "Delete" || key === "Backspace";
  let chosen: Act = null;
  if (modified && !event.altKey) chosen = command(key, event.shiftKey, canvasEditor, room);
  else if (!modified && !event.altKey && forBoard)
    chosen = single(key, event.shiftKey, canvasEditor, room, panels);
  if (!chosen) return;
  event.preventDefault();
  event.stopPropagation();
  chosen();
}

const isField = (target: EventTarget | null) =>
  target instanceof HTMLTextAreaElement ||
  target instanceof HTMLSelectElement ||
  (target instanceof HTMLInputElement && !["checkbox", "radio", "range", "color"].includes(target.type)) ||
  (target instanceof HTMLElement && target.isContentEditable);

type Act = (() => void) | null;

function command(key: string, shift: boolean, canvasEditor: CanvasEditor, room: Room): Act {
  if (key === "z") return () => (shift ? room.undoSteps.again("canvas") : room.undoSteps.back("canvas"));
  if (key === "y") return () => room.undoSteps.again("canvas");
  if (key !== "a") return null;
  // The tool stays: the next stroke is drawn, and clears the selection.
  return () => canvasEditor.selection.all();
}

function single(key: string, shift: boolean, canvasEditor: CanvasEditor, room: Room, panels: Panels): Act {
  const { selection } = canvasEditor;
  const arrow = ARROWS[key];
  if (arrow) return () => go(arrow, shift, canvasEditor);
  switch (key) {
    case "+":
    case "=":
      return () => canvasEditor.zoom(1.25);
    case "-":
    case "_":
      return () => canvasEditor.zoom(1 / 1.25);
    case "0":
      return () => canvasEditor.showAll();
    case "Delete":
    case "Backspace":
      return () => selection.remove();
    case "Enter":
      return () => canvasEditor.placeHere();
    case "PageDown":
    case "PageUp":
      return () => {
        canvasEditor.choose("select");
        selection.next(key === "PageDown" ? 1 : -1);
      };
    case "]":
    case "[":
      return () => selection.reorder(key === "]" ? "front" : "back");
    case ",":
    case "<":
      return () => selection.turn(shift ? -1 : -TURN_STEP);
    case ".":
    case ">":
      return () => selection.turn(shift ? 1 : TURN_STEP);
    case "k":
      return () => panels.toggleLayers();
    case "m":
      return canvasEditor.maskBrush.value ? () => flipBrush(canvasEditor) : null;
    case "Escape":
      return selection.ids.value.size > 0 || canvasEditor.tool.value !== "select"
        ? () => letGo(canvasEditor)
        : null;
    default: {
      const tool = TOOLS.find((each) => each !== "mask" && KEYS[each] === key);
      return tool && (room.members.canEdit || tool === "hand" || tool === "select")
        ? () => canvasEditor.choose(tool)
        : null;
    }
  }
}

/** Moves the selection, or the view where nothing is selected. */
function go([dx, dy]: [number, number], far: boolean, canvasEditor: CanvasEditor): void {
  const step = far ? STEP * 4 : STEP;
  const units = (far ? 10 : 1) / canvasEditor.camera.value.scale;
  if (canvasEditor.selection.ids.value.size > 0) canvasEditor.selection.nudge(dx * units, dy * units);
  else canvasEditor.pan(-dx * step, -dy * step);
}

function flipBrush(canvasEditor: CanvasEditor): void {
  const maskBrush = canvasEditor.maskBrush.value;
  if (maskBrush) maskBrush.mode.value = maskBrush.mode.value === "add" ? "erase" : "add";
}

/** Escape: first leaves the mask's brush, then everything. */
function letGo(canvasEditor: CanvasEditor): void {
  const masked = canvasEditor.tool.value === "mask";
  canvasEditor.choose("select");
  if (!masked) canvasEditor.selection.select([]);
}
