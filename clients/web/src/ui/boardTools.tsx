// The tools beside the board.

import { COLORS, type Easel, SIZES, TOOLS, type Tool } from "../canvas/easel";
import type { Room } from "../room/room";
import { t } from "../strings";
import type { IconName } from "./icons";
import { IconButton } from "./parts";

export const KEYS: Record<Tool, string> = {
  select: "v",
  hand: "h",
  pen: "p",
  eraser: "e",
  rectangle: "r",
  ellipse: "o",
  line: "l",
  text: "t",
  frame: "f",
};
const ICONS: Record<Tool, IconName> = {
  select: "select",
  hand: "hand",
  pen: "pen",
  eraser: "eraser",
  rectangle: "rectangle",
  ellipse: "ellipse",
  line: "line",
  text: "letter",
  frame: "brush",
};
const READING: readonly Tool[] = ["select", "hand"];

export function BoardTools(props: { room: Room; easel: Easel; onUpload: () => void }) {
  const { room, easel, onUpload } = props;
  const painter = room.models.value.some((model) => model.modality === "image");
  const label = (tool: Tool) => {
    const hint = tool === "frame" && !painter ? ` · ${t.canvas.noModel}` : "";
    return `${t.canvas.tools[tool]} (${KEYS[tool].toUpperCase()})${hint}`;
  };
  return (
    <div class="board-tools" role="toolbar" aria-label={t.canvas.toolsLabel} aria-orientation="vertical">
      {TOOLS.filter((tool) => room.canEdit || READING.includes(tool)).map((tool) => (
        <IconButton
          key={tool}
          icon={ICONS[tool]}
          label={label(tool)}
          pressed={easel.tool.value === tool}
          class={tool === "frame" ? `tool-frame ${painter ? "" : "tool-off"}` : ""}
          onClick={() => easel.choose(tool)}
        />
      ))}
      {room.canEdit && <IconButton icon="picture" label={t.canvas.upload} onClick={onUpload} />}
    </div>
  );
}

/** Colours and widths: of what is drawn next, and of what is selected. */
export function BoardStyle({ easel }: { easel: Easel }) {
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
            aria-pressed={easel.color.value === color}
            onClick={() => easel.recolor(color)}
          />
        ))}
        <label
          class="swatch swatch-own"
          style={{ "--ink-color": easel.color.value }}
          title={t.canvas.ownColor}
        >
          <span class="offscreen">{t.canvas.ownColor}</span>
          <input
            type="color"
            value={easel.color.value.slice(0, 7)}
            onInput={(event) => {
              easel.color.value = event.currentTarget.value;
            }}
            onChange={(event) => easel.recolor(event.currentTarget.value)}
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
            aria-pressed={easel.size.value === size}
            onClick={() => easel.resize(size)}
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
