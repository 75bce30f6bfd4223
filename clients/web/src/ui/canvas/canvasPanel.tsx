// The canvas of the room: board, tools, the card of what is selected, layers; drops and pastes.

import { untracked, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Board } from "../../canvas/board";
import { Easel } from "../../canvas/canvasEditor";
import { bounds, cardPlace, toScreen } from "../../canvas/geometry";
import { type BoardObject, fieldsOf } from "../../canvas/objects";
import { Atelier } from "../../generate/imageActions";
import { settingsOf } from "../../generate/request";
import type { Room } from "../../room/room";
import { loadPainting } from "../../room/storage/browserStorage";
import { t } from "../../strings";
import { IconButton } from "../parts/controls";
import { Icon } from "../parts/icons";
import { download, insert } from "./boardFiles";
import { boardKeys } from "./boardKeys";
import { BoardStyle, BoardTools } from "./boardTools";
import { BoardView } from "./boardView";
import { FrameCard } from "./frameCard";
import { LayersPanel } from "./layersPanel";
import { PictureCard } from "./pictureCard";

export function CanvasPanel({ room, hidden }: { room: Room; hidden: boolean }) {
  const chooser = useRef<HTMLInputElement>(null);
  const layers = useSignal(false);
  const doc = room.doc.value;
  const { easel, atelier } = useMemo(() => {
    const made = new Easel(new Board(doc, (step, edit) => room.steps.as(step, edit)), {
      canEdit: () => room.canEdit && room.entered.peek() && !room.frozen.peek(),
      maxPoints: () => room.maxPoints,
      onHand: (at, draft) => room.showing.setHand(at, draft),
      frameFields: () => ({ prompt: "", task: "text_to_image", ...settingsOf(loadPainting()) }),
    });
    const said = { unreachable: t.lobby.unreachable, failed: t.canvas.pictureFailed };
    return { easel: made, atelier: new Atelier(room, made, said) };
  }, [doc, room]);
  useEffect(
    () => () => {
      atelier.close();
      easel.board.destroy();
    },
    [easel, atelier],
  );
  useEffect(() => () => room.showing.setHand(null, null), [room]);
  useEffect(
    () =>
      easel.board.onLost((label) => {
        if (easel.writing.peek()?.keeps(label.id) || !room.canEdit) return; // written on: it comes by itself
        easel.board.place(fieldsOf(label));
        room.notices.add("text_kept");
      }),
    [easel, room],
  );
  // What undo changed where nobody looks is brought into sight.
  useSignalEffect(() => {
    const acted = room.steps.acted.value;
    if (acted?.surface === "canvas") untracked(() => easel.bringIntoView(acted.objects));
  });
  const settled = room.settled.value;
  useEffect(() => {
    if (settled) easel.board.settled();
  }, [easel, settled]);
  const image = atelier.image;
  useEffect(() => {
    if (!image) return;
    easel.frameRatio = image.width / Math.max(1, image.height);
    easel.frameSide = Math.max(192, image.width);
  }, [easel, image]);
  const synced = room.synced.value;
  const seen = easel.view.value.width > 1;
  useEffect(() => {
    if (synced && seen) easel.lookFirst();
  }, [easel, synced, seen]);
  const [chosen, ...others] = easel.selection.objects.value;
  const holding = easel.gesture.value !== null && easel.tool.value !== "mask";
  const only = others.length === 0 && !holding ? chosen : undefined;
  const brushing = easel.tool.value === "mask";
  const open = only?.type === "frame" && atelier.settingsOpen.value;
  const card = only ? placeOf(easel, only, brushing ? "small" : open ? "open" : "usual") : "below";
  const centre = () => ({ x: easel.view.value.width / 2, y: easel.view.value.height / 2 });
  const toggleLayers = () => {
    layers.value = !layers.value;
  };

  // Where nothing has the focus, the keys are for what was worked with last.
  const last = useRef(false);
  useEffect(() => {
    const used = (event: Event) => {
      last.current = event.target instanceof Element && event.target.closest(".canvas") !== null;
    };
    const stray = (event: KeyboardEvent) => {
      if (event.target === document.body && last.current && !hidden)
        boardKeys(event, easel, room, { toggleLayers }, true);
    };
    addEventListener("pointerdown", used, true);
    addEventListener("focusin", used, true);
    addEventListener("keydown", stray);
    return () => {
      removeEventListener("pointerdown", used, true);
      removeEventListener("focusin", used, true);
      removeEventListener("keydown", stray);
    };
  }, [easel, room, hidden]);

  const empty = easel.board.layers.value.length === 0;
  return (
    <section
      class={`canvas card-${card} ${layers.value ? "with-layers" : ""}`}
      aria-label={t.canvas.label}
      hidden={hidden}
      onKeyDown={(event) => boardKeys(event, easel, room, { toggleLayers })}
      onClick={(event) => {
        // Who points at a tool goes on at the board; who presses it with a key stays there.
        const button = (event.target as Element).closest(
          ".board-tools button, .board-bar button, .board-zoom button",
        );
        if (button && event.detail > 0) boardOf(event.currentTarget)?.focus({ preventScroll: true });
      }}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        const { left, top } = event.currentTarget.getBoundingClientRect();
        const at = { x: event.clientX - left, y: event.clientY - top };
        void insert(room, easel, event.dataTransfer?.files ?? [], at);
      }}
      onPaste={(event) => {
        const files = [...(event.clipboardData?.files ?? [])];
        if (files.length === 0) return;
        event.preventDefault();
        void insert(room, easel, files, centre());
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
        accept="image/*,.avif,.heic,.heif,.tif,.tiff,.svg"
        multiple
        tabIndex={-1}
        aria-hidden="true"
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          event.currentTarget.value = "";
          void insert(room, easel, files, centre());
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
              <IconButton
                icon="undo"
                label={t.toolbar.undo}
                disabled={!room.steps.can("canvas", false)}
                onClick={() => room.steps.back("canvas")}
              />
              <IconButton
                icon="redo"
                label={t.toolbar.redo}
                disabled={!room.steps.can("canvas", true)}
                onClick={() => room.steps.again("canvas")}
              />
            </>
          )}
          <details class="flyout">
            <summary class="icon-button" aria-label={t.canvas.export} title={t.canvas.export}>
              <Icon name="download" />
            </summary>
            <div class="flyout-items">
              {(["png", "svg"] as const).map((kind) => (
                <button
                  key={kind}
                  type="button"
                  class="button small quiet"
                  onClick={() => void download(room, easel, kind)}
                >
                  {kind.toUpperCase()}
                </button>
              ))}
            </div>
          </details>
          <IconButton
            icon="layers"
            label={`${t.layers.title} (K)`}
            pressed={layers.value}
            onClick={toggleLayers}
          />
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
      {only?.type === "frame" && room.canEdit && (
        <FrameCard room={room} easel={easel} atelier={atelier} frame={only} />
      )}
      {only?.type === "image" && <PictureCard room={room} atelier={atelier} picture={only} />}
      {layers.value && <LayersPanel room={room} easel={easel} onClose={toggleLayers} />}
    </section>
  );
}

const boardOf = (canvas: Element) => canvas.querySelector<HTMLElement>(".board");

function placeOf(
  easel: Easel,
  object: BoardObject,
  card: "small" | "usual" | "open",
): "below" | "left" | "right" {
  const camera = easel.camera.value;
  const box = bounds(object);
  const { width, height } = easel.view.value;
  const area = { ...toScreen(camera, box), w: box.w * camera.scale, h: box.h * camera.scale };
  return cardPlace(area, width, height, card);
}

function SelectionActions({ easel }: { easel: Easel }) {
  const { selection } = easel;
  if (selection.objects.value.length === 0) return null;
  return (
    <span class="board-bar-group">
      <IconButton icon="front" label={t.canvas.toFront} onClick={() => selection.reorder("front")} />
      <IconButton icon="back" label={t.canvas.toBack} onClick={() => selection.reorder("back")} />
      <IconButton icon="bin" label={t.canvas.remove} onClick={() => selection.remove()} />
    </span>
  );
}
