// The toolbar of the board.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { CanvasEditor } from "../../canvas/canvasEditor";
import { COLORS, isShape, SHAPES, type ShapeTool, SIZES, type Tool } from "../../canvas/tools";
import type { Room } from "../../room/room";
import { t } from "../../strings";
import { ButtonBar, IconButton } from "../parts/controls";
import { Icon, type IconName } from "../parts/icons";

type Held = Exclude<Tool, "mask">;
export const KEYS: Record<Held, string> = {
  select: "v",
  hand: "h",
  pen: "p",
  eraser: "e",
  rectangle: "r",
  ellipse: "o",
  triangle: "g",
  diamond: "d",
  line: "l",
  arrow: "a",
  text: "t",
  frame: "f",
};
const ICONS: Record<Held, IconName> = {
  select: "select",
  hand: "hand",
  pen: "pen",
  eraser: "eraser",
  rectangle: "rectangle",
  ellipse: "ellipse",
  triangle: "triangle",
  diamond: "diamond",
  line: "line",
  arrow: "arrowLine",
  text: "letter",
  frame: "brush",
};

export function BoardTools(props: { room: Room; canvasEditor: CanvasEditor; onUpload: () => void }) {
  const { room, canvasEditor, onUpload } = props;
  const painter = room.models.value.some((model) => model.modality === "image");
  const tool = (name: Held, hint = "", look = "") => (
    <IconButton
      key={name}
      icon={ICONS[name]}
      label={`${labelOf(name)}${hint}`}
      pressed={canvasEditor.tool.value === name}
      class={look}
      onClick={() => canvasEditor.choose(name)}
    />
  );
  return (
    <ButtonBar class="board-tools" label={t.canvas.toolsLabel} vertical>
      {tool("select")}
      {tool("hand")}
      {room.members.canEdit && (
        <>
          {tool("pen")}
          {tool("eraser")}
          <ShapeMenu canvasEditor={canvasEditor} />
          {tool("text")}
          {tool("frame", painter ? "" : ` · ${t.canvas.noModel}`, `tool-frame ${painter ? "" : "tool-off"}`)}
          <IconButton icon="picture" label={t.canvas.upload} onClick={onUpload} />
        </>
      )}
    </ButtonBar>
  );
}

const labelOf = (tool: Held) => `${t.canvas.tools[tool]} (${KEYS[tool].toUpperCase()})`;

/** The menu of shapes: it shows the last one used. */
function ShapeMenu({ canvasEditor }: { canvasEditor: CanvasEditor }) {
  const menu = useRef<HTMLDetailsElement>(null);
  const last = useSignal<ShapeTool>("rectangle");
  const held = canvasEditor.tool.value;
  useEffect(() => {
    if (isShape(held)) last.value = held;
    else if (menu.current) menu.current.open = false;
  }, [held]);
  return (
    <details class="flyout shape-menu" ref={menu}>
      <summary
        class={`icon-button ${isShape(held) ? "icon-held" : ""}`}
        aria-label={t.canvas.shapes}
        title={t.canvas.shapes}
      >
        <Icon name={ICONS[isShape(held) ? held : last.value]} />
        <span class="flyout-mark" aria-hidden="true" />
      </summary>
      <div class="flyout-items shape-items">
        {SHAPES.map((shape) => (
          <IconButton
            key={shape}
            icon={ICONS[shape]}
            label={labelOf(shape)}
            pressed={held === shape}
            onClick={() => {
              canvasEditor.choose(shape);
              if (menu.current) menu.current.open = false;
            }}
          />
        ))}
      </div>
    </details>
  );
}
/** Colours and widths, for new objects and for the selection. */
export function BoardStyle({ canvasEditor }: { canvasEditor: CanvasEditor }) {
  return (
    <div class="board-style">
      <fieldset class="swatches">
        <legend class="offscreen">{t.canvas.color}</legend>
        {COLORS.map((color, index) => (
          <button
            key={color}
            type="button"
            class="swatch"
            style={{ "--ink-color": color }}
            aria-label={t.canvas.colors[index] ?? color}
            title={t.canvas.colors[index] ?? color}
            aria-pressed={canvasEditor.color.value === color}
            onClick={() => canvasEditor.recolor(color)}
          />
        ))}
        <label
          class="swatch swatch-own"
          style={{ "--ink-color": canvasEditor.color.value }}
          title={t.canvas.ownColor}
        >
          <span class="offscreen">{t.canvas.ownColor}</span>
          <input
            type="color"
            value={canvasEditor.color.value.slice(0, 7)}
            onInput={(event) => {
              canvasEditor.color.value = event.currentTarget.value;
            }}
            onChange={(event) => canvasEditor.recolor(event.currentTarget.value)}
          />
        </label>
      </fieldset>
      <fieldset class="widths">
        <legend class="offscreen">{t.canvas.width}</legend>
        {SIZES.map((size, index) => (
          <button
            key={size}
            type="button"
            class="icon-button width"
            aria-label={t.canvas.widths[index] ?? String(size)}
            title={t.canvas.widths[index] ?? String(size)}
            aria-pressed={canvasEditor.size.value === size}
            onClick={() => canvasEditor.resize(size)}
          >
            <svg viewBox="0 0 20 20" class="icon" aria-hidden="true">
              <circle cx="10" cy="10" r={1.4 + index * 1.9} fill="currentColor" stroke="none" />
            </svg>
          </button>
        ))}
      </fieldset>
    </div>
  );
}
