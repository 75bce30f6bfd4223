// Where a text of the board is written: a field in its place, in its size.

import { useEffect, useRef } from "preact/hooks";
import { fontOf } from "../canvas/drawing";
import type { Point } from "../canvas/geometry";
import { type Label, LINE } from "../canvas/objects";
import { t } from "../strings";

const FONT_SIZE = 24;

export function TextField(props: {
  at: Point;
  scale: number;
  /** The text that is changed; null: a new one. */
  label: Label | null;
  color: string;
  onDone: (text: string, font: string, size: number) => void;
}) {
  const { at, scale, label, color, onDone } = props;
  const field = useRef<HTMLTextAreaElement>(null);
  const font = fontOf(label ?? { font: "sans" });
  const size = label?.font_size ?? FONT_SIZE;
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  return (
    <textarea
      ref={field}
      class="board-text"
      aria-label={t.canvas.text}
      rows={1}
      maxLength={10_000}
      defaultValue={label?.text ?? ""}
      style={{
        left: `${at.x}px`,
        top: `${at.y}px`,
        color: label?.color ?? color,
        fontFamily: font,
        fontSize: `${size * scale}px`,
        lineHeight: String(LINE),
      }}
      onBlur={(event) => onDone(event.currentTarget.value, font, size)}
      onPointerDown={(event) => event.stopPropagation()}
      onDblClick={(event) => event.stopPropagation()}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || event.metaKey))) {
          event.currentTarget.blur();
        }
      }}
    />
  );
}
