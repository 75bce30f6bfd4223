// The field in which a text of the board is edited, in its place and size.

import { useLayoutEffect, useRef } from "preact/hooks";
import { MAX_TEXT } from "../../canvas/boardText";
import { type CanvasEditor, FONT_SIZE } from "../../canvas/canvasEditor";
import { fontOf } from "../../canvas/drawing";
import { toScreen } from "../../canvas/geometry";
import { LINE } from "../../canvas/objects";
import type { TextEditing } from "../../canvas/textEditing";
import { t } from "../../strings";

export function TextField({ canvasEditor, writing }: { canvasEditor: CanvasEditor; writing: TextEditing }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const camera = canvasEditor.camera.value;
  const at = toScreen(camera, writing.at);
  const { label } = writing;
  // Before the next paint: the next key is meant for this field already, and would choose a tool on the board.
  useLayoutEffect(() => {
    if (!field.current) return;
    writing.open(field.current);
    field.current.focus();
    field.current.select();
  }, [writing]);
  return (
    <textarea
      ref={field}
      class="board-text"
      aria-label={t.canvas.text}
      rows={1}
      maxLength={MAX_TEXT}
      dir="auto"
      style={{
        left: `${at.x}px`,
        top: `${at.y}px`,
        color: label?.color ?? canvasEditor.color.value,
        fontFamily: fontOf(label ?? { font: "sans" }),
        fontSize: `${(label?.font_size ?? FONT_SIZE) * camera.scale}px`,
        lineHeight: String(LINE),
      }}
      onInput={() => writing.input()}
      onCompositionStart={() => writing.compose(true)}
      onCompositionEnd={() => writing.compose(false)}
      onBlur={() => canvasEditor.written()}
      onPointerDown={(event) => event.stopPropagation()}
      onDblClick={(event) => event.stopPropagation()}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.isComposing) return;
        if (event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey))) {
          event.currentTarget.blur();
        }
      }}
    />
  );
}
