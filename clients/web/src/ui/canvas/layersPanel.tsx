// The list of all objects, front first: reorder by drag and by keys, show and hide, lock, rename.

import { useSignal } from "@preact/signals";
import { h } from "preact";
import type { CanvasEditor } from "../../canvas/canvasEditor";
import { parts, turn } from "../../canvas/drawing";
import { bounds } from "../../canvas/geometry";
import type { BoardObject, Changed } from "../../canvas/objects";
import type { Room } from "../../room/room";
import { t } from "../../strings";
import { IconButton } from "../parts/controls";
import { Icon } from "../parts/icons";
import { FrameEdge } from "./objectView";

const MAX_NAME = 200;
/** More rows than anybody reads make the page slow. */
const MAX_ROWS = 300;

export function LayersPanel({
  room,
  canvasEditor,
  onClose,
}: {
  room: Room;
  canvasEditor: CanvasEditor;
  onClose: () => void;
}) {
  const { board, selection } = canvasEditor;
  const renaming = useSignal<string | null>(null);
  const dragged = useSignal<string | null>(null);
  const over = useSignal<string | null>(null);
  const layers = [...board.layers.value].reverse();
  const change = (id: string, fields: Changed) => board.change(new Map([[id, fields]]));
  const choose = (id: string, more: boolean) => {
    canvasEditor.choose("select");
    if (more) selection.toggle(id);
    else selection.select([id]);
  };
  const end = () => {
    dragged.value = null;
    over.value = null;
  };
  const keys = (event: KeyboardEvent, object: BoardObject) => {
    const row = event.currentTarget as HTMLElement;
    const step = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0;
    if (event.target !== row) return;
    if (step !== 0 && event.altKey && room.members.canEdit) board.shift(object.id, step as 1 | -1);
    else if (step !== 0) {
      const next = step > 0 ? row.previousElementSibling : row.nextElementSibling;
      (next as HTMLElement | null)?.focus();
    } else if (event.key === "Enter" || event.key === " ") choose(object.id, event.shiftKey);
    else if (event.key === "F2" && room.members.canEdit) renaming.value = object.id;
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <aside class="layers" aria-label={t.layers.title}>
      <header class="layers-head">
        <h2>{t.layers.title}</h2>
        <IconButton icon="cross" label={t.layers.hide} onClick={onClose} />
      </header>
      {layers.length === 0 && <p class="hint">{t.canvas.emptyReading}</p>}
      <ul class="layer-list" aria-label={t.layers.title}>
        {layers.slice(0, MAX_ROWS).map((object) => (
          <li
            key={object.id}
            class={`layer ${selection.has(object.id) ? "layer-chosen" : ""} ${object.hidden ? "layer-hidden" : ""} ${over.value === object.id ? "layer-over" : ""}`}
            data-layer={object.id}
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a row is chosen, moved and renamed with keys
            tabIndex={0}
            aria-label={nameOf(object)}
            aria-current={selection.has(object.id)}
            onKeyDown={(event) => keys(event, object)}
            onClick={(event) => choose(object.id, event.shiftKey)}
            onDblClick={() => {
              if (room.members.canEdit) renaming.value = object.id;
            }}
          >
            {room.members.canEdit && (
              <span
                class="layer-handle"
                aria-hidden="true"
                title={t.layers.drag}
                onClick={(event) => event.stopPropagation()}
                onPointerDown={(event) => {
                  event.preventDefault();
                  event.currentTarget.setPointerCapture(event.pointerId);
                  dragged.value = object.id;
                }}
                onPointerMove={(event) => {
                  if (dragged.value) over.value = rowAt(event);
                }}
                onPointerUp={(event) => {
                  const id = dragged.value;
                  const target = rowAt(event);
                  end();
                  if (id && target && id !== target) dropOn(canvasEditor, id, target);
                }}
                onPointerCancel={end}
              >
                <Icon name="grip" />
              </span>
            )}
            <Thumbnail room={room} object={object} />
            {renaming.value === object.id ? (
              <input
                class="field small"
                aria-label={t.layers.rename}
                maxLength={MAX_NAME}
                ref={(field) => field?.focus()}
                defaultValue={object.name}
                placeholder={nameOf(object)}
                onClick={(event) => event.stopPropagation()}
                onBlur={(event) => {
                  const name = event.currentTarget.value.trim();
                  if (renaming.value === object.id) renaming.value = null;
                  if (name !== object.name) change(object.id, { name: name || null });
                }}
                onKeyDown={(event) => {
                  event.stopPropagation();
                  if (event.key === "Escape") renaming.value = null;
                  else if (event.key === "Enter") event.currentTarget.blur();
                }}
              />
            ) : (
              <span class="layer-name">{nameOf(object)}</span>
            )}
            {room.members.canEdit && (
              <span class="layer-buttons">
                <Toggle
                  icon={object.hidden ? "eyeOff" : "eye"}
                  label={object.hidden ? t.layers.show : t.layers.conceal}
                  pressed={object.hidden}
                  onClick={() => change(object.id, { hidden: object.hidden ? null : true })}
                />
                <Toggle
                  icon={object.locked ? "lock" : "lockOpen"}
                  label={object.locked ? t.layers.unlock : t.layers.lock}
                  pressed={object.locked}
                  onClick={() => change(object.id, { locked: object.locked ? null : true })}
                />
              </span>
            )}
          </li>
        ))}
      </ul>
      {layers.length > MAX_ROWS && <p class="hint">{t.layers.more(layers.length - MAX_ROWS)}</p>}
      {room.members.canEdit && layers.length > 1 && <p class="hint">{t.layers.keys}</p>}
    </aside>
  );
}

/** The object whose row is under a pointer: the pointer is captured, so the event's target is another. */
function rowAt(event: PointerEvent): string | null {
  const row = document.elementFromPoint(event.clientX, event.clientY)?.closest<HTMLElement>("[data-layer]");
  return row?.dataset.layer ?? null;
}

/** Downwards it lands behind the row, upwards before it: where the row was. */
function dropOn(canvasEditor: CanvasEditor, id: string, target: string): void {
  const layers = canvasEditor.board.layers.peek();
  const from = layers.findIndex((object) => object.id === id);
  const to = layers.findIndex((object) => object.id === target);
  if (from < 0 || to < 0) return;
  const above = from < to ? (layers[to + 1]?.id ?? null) : target;
  canvasEditor.board.putBehind(id, above);
}

function Toggle(props: {
  icon: "eye" | "eyeOff" | "lock" | "lockOpen";
  label: string;
  pressed: boolean;
  onClick: () => void;
}) {
  return (
    <button
      type="button"
      class="icon-button layer-toggle"
      aria-label={props.label}
      title={props.label}
      aria-pressed={props.pressed}
      onClick={(event) => {
        event.stopPropagation();
        props.onClick();
      }}
    >
      <Icon name={props.icon} />
    </button>
  );
}

function Thumbnail({ room, object }: { room: Room; object: BoardObject }) {
  const { x, y, w, h: height } = bounds(object.type === "frame" ? { ...object, live: false } : object);
  const made = parts(object.type === "frame" ? { ...object, live: false } : object, (asset) =>
    room.pictures.url(asset),
  );
  return (
    <svg
      class="layer-thumbnail"
      viewBox={`${x} ${y} ${Math.max(1, w)} ${Math.max(1, height)}`}
      aria-hidden="true"
    >
      <g transform={turn(object)}>
        {made.map((part, index) => h(part.tag, { key: index, ...part.attributes }, part.text))}
        {object.type === "frame" && <FrameEdge x={object.x} y={object.y} w={object.w} h={object.h} />}
      </g>
    </svg>
  );
}

/** The name of an object, or its kind. */
function nameOf(object: BoardObject): string {
  if (object.name) return object.name;
  switch (object.type) {
    case "stroke":
      return t.layers.stroke;
    case "shape":
      return t.canvas.tools[object.shape];
    case "text":
      return object.text.split("\n")[0]?.slice(0, 60) || t.canvas.tools.text;
    case "image":
      return object.prompt || t.layers.picture;
    case "frame":
      return object.prompt || t.canvas.frame;
  }
}
