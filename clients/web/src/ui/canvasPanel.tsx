// The canvas of the room: board, tools, the card of the selected frame; keys, drops and pastes; files out.

import { useEffect, useMemo, useRef } from "preact/hooks";
import { Board } from "../canvas/board";
import { Easel, TOOLS } from "../canvas/easel";
import { contents, exported, naturalSize, pngFile, save, svgFile } from "../canvas/export";
import { type Point, toCanvas } from "../canvas/geometry";
import { ApiError } from "../room/api";
import type { Room } from "../room/room";
import { t } from "../strings";
import { BoardStyle, BoardTools, KEYS } from "./boardTools";
import { BoardView } from "./boardView";
import { FrameCard } from "./frameCard";
import { IconButton } from "./parts";
import { PictureCard } from "./pictureCard";

/** A dropped picture fills at most this part of the view. */
const PICTURE_PART = 0.6;
const STEP = 40;

export function CanvasPanel({ room }: { room: Room }) {
  const chooser = useRef<HTMLInputElement>(null);
  const doc = room.doc.value;
  const easel = useMemo(
    () =>
      new Easel(new Board(doc), {
        canEdit: () => room.canEdit && room.entered.peek() && !room.frozen.peek(),
        maxPoints: () => room.maxPoints,
        onHand: (at, draft) => room.setHand(at, draft),
      }),
    [doc, room],
  );
  useEffect(() => () => easel.board.destroy(), [easel]);
  useEffect(() => () => room.setHand(null, null), [room]);
  const image = room.models.value.find((model) => model.modality === "image")?.image;
  useEffect(() => {
    if (!image) return;
    easel.frameRatio = image.width / Math.max(1, image.height);
    easel.frameSide = Math.max(192, image.width);
  }, [easel, image]);
  const [chosen, ...others] = easel.selected.value;
  const only = others.length === 0 && !easel.gesture.value ? chosen : undefined;

  const insert = async (files: Iterable<File>, at: Point) => {
    let offset = 0;
    for (const file of files) {
      if (!file.type.startsWith("image/") || !room.canEdit) continue;
      try {
        const asset = await room.pictures.upload(file);
        const { width, height } = easel.view.value;
        const most = {
          w: (width * PICTURE_PART) / easel.camera.value.scale,
          h: (height * PICTURE_PART) / easel.camera.value.scale,
        };
        const factor = Math.min(1, most.w / asset.width, most.h / asset.height);
        const [w, h] = [asset.width * factor, asset.height * factor];
        const place = toCanvas(easel.camera.value, { x: at.x + offset, y: at.y + offset });
        const id = easel.board.place({
          type: "image",
          asset: asset.sha256,
          x: place.x - w / 2,
          y: place.y - h / 2,
          w,
          h,
        });
        easel.choose("select");
        easel.select([id]);
        offset += 24;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        room.notices.add("request_failed", error.message || t.lobby.unreachable);
      }
    }
  };
  const centre = () => ({ x: easel.view.value.width / 2, y: easel.view.value.height / 2 });

  const download = async (kind: "png" | "svg") => {
    const selected = easel.selected.value.filter((object) => object.type !== "frame");
    const out = exported(selected.length > 0 ? selected : easel.board.ordered.value);
    if (!out) return;
    const load = (asset: string) => room.pictures.blob(asset);
    try {
      if (kind === "png") {
        save(await pngFile(out.objects, out.box, naturalSize(out.box, 2), load), `${t.canvas.file}.png`);
      } else {
        const held = await contents(out.objects, load);
        const file = svgFile(out.objects, out.box, naturalSize(out.box), (asset) => held.get(asset) ?? null);
        save(new Blob([file], { type: "image/svg+xml" }), `${t.canvas.file}.svg`);
      }
    } catch {
      room.notices.add("request_failed", t.canvas.exportFailed);
    }
  };

  const empty = easel.board.ordered.value.length === 0;
  return (
    <section
      class="canvas"
      aria-label={t.canvas.label}
      onKeyDown={(event) => boardKeys(event, easel, room)}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        const { left, top } = event.currentTarget.getBoundingClientRect();
        void insert(event.dataTransfer?.files ?? [], { x: event.clientX - left, y: event.clientY - top });
      }}
      onPaste={(event) => {
        const files = [...(event.clipboardData?.files ?? [])];
        if (files.length === 0) return;
        event.preventDefault();
        void insert(files, centre());
      }}
    >
      <BoardView room={room} easel={easel} />
      {empty && !easel.gesture.value && (
        <p class="board-empty">{room.canEdit ? t.canvas.empty : t.canvas.emptyReading}</p>
      )}
      <BoardTools room={room} easel={easel} onUpload={() => chooser.current?.click()} />
      <input
        ref={chooser}
        class="offscreen"
        type="file"
        accept="image/png,image/jpeg,image/webp"
        multiple
        tabIndex={-1}
        aria-hidden="true"
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          event.currentTarget.value = "";
          void insert(files, centre());
        }}
      />
      {room.canEdit && (
        <div class="board-bar">
          <BoardStyle easel={easel} />
          <SelectionActions easel={easel} />
        </div>
      )}
      <div class="board-zoom">
        <span class="board-bar-group">
          {room.canEdit && (
            <>
              <IconButton icon="undo" label={t.toolbar.undo} onClick={() => room.undo()} />
              <IconButton icon="redo" label={t.toolbar.redo} onClick={() => room.redo()} />
            </>
          )}
          <details class="menu">
            <summary class="icon-button" aria-label={t.canvas.export} title={t.canvas.export}>
              <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
                <path d="M10 3.5v9M6.5 9.2 10 12.7l3.5-3.5M4 16.5h12" />
              </svg>
            </summary>
            <div class="menu-items">
              <button type="button" class="button small quiet" onClick={() => void download("png")}>
                PNG
              </button>
              <button type="button" class="button small quiet" onClick={() => void download("svg")}>
                SVG
              </button>
            </div>
          </details>
        </span>
        <IconButton icon="minus" label={t.canvas.zoomOut} onClick={() => easel.zoom(1 / 1.25)} />
        <button
          type="button"
          class="link-button zoom-value"
          title={t.canvas.showAll}
          onClick={() => easel.showAll()}
        >
          {Math.round(easel.camera.value.scale * 100)} %
        </button>
        <IconButton icon="plus" label={t.canvas.zoomIn} onClick={() => easel.zoom(1.25)} />
      </div>
      {only?.type === "frame" && room.canEdit && <FrameCard room={room} easel={easel} frame={only} />}
      {only?.type === "image" && only.run && <PictureCard room={room} easel={easel} picture={only} />}
    </section>
  );
}

function SelectionActions({ easel }: { easel: Easel }) {
  if (easel.selected.value.length === 0) return null;
  return (
    <span class="board-bar-group">
      <IconButton icon="front" label={t.canvas.toFront} onClick={() => easel.reorder("front")} />
      <IconButton icon="back" label={t.canvas.toBack} onClick={() => easel.reorder("back")} />
      <IconButton icon="bin" label={t.canvas.remove} onClick={() => easel.remove()} />
    </span>
  );
}

/** Every key of the board. Undo and redo are the server's, as in the text. */
function boardKeys(event: KeyboardEvent, easel: Easel, room: Room): void {
  if (event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement) return;
  const onBoard = event.target instanceof HTMLElement && event.target.classList.contains("board");
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const command = event.ctrlKey || event.metaKey;
  const step = event.shiftKey ? STEP * 4 : STEP;
  const arrows: Record<string, [number, number]> = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  };
  const take = (act: () => void) => {
    event.preventDefault();
    event.stopPropagation();
    act();
  };
  if (command) {
    if (key === "z") take(() => (event.shiftKey ? room.redo() : room.undo()));
    else if (key === "y") take(() => room.redo());
    else if (key === "a" && onBoard) take(() => easel.selectAll());
    return;
  }
  if (event.altKey || !onBoard) return;
  const arrow = arrows[key];
  const tool = TOOLS.find((each) => KEYS[each] === key);
  if (arrow) {
    const [dx, dy] = arrow;
    const selected = easel.selection.value.size > 0;
    const units = (event.shiftKey ? 10 : 1) / easel.camera.value.scale;
    take(() => (selected ? easel.nudge(dx * units, dy * units) : easel.pan(-dx * step, -dy * step)));
  } else if (key === "+" || key === "=") take(() => easel.zoom(1.25));
  else if (key === "-" || key === "_") take(() => easel.zoom(1 / 1.25));
  else if (key === "0") take(() => easel.showAll());
  else if (key === "Delete" || key === "Backspace") take(() => easel.remove());
  else if (key === "Enter") take(() => easel.placeHere());
  else if (key === "PageDown" || key === "PageUp") take(() => easel.selectNext(key === "PageDown" ? 1 : -1));
  else if (key === "]" || key === "[") take(() => easel.reorder(key === "]" ? "front" : "back"));
  else if (key === "Escape" && (easel.selection.value.size > 0 || easel.tool.value !== "select")) {
    take(() => {
      easel.choose("select");
      easel.select([]);
    });
  } else if (tool && (room.canEdit || tool === "hand" || tool === "select")) take(() => easel.choose(tool));
}
