// The canvas of a room: board, tools, the card of the selection, layers, drag and drop, paste.

import { untracked, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Board } from "../../canvas/board";
import { CanvasEditor } from "../../canvas/canvasEditor";
import { bounds, cardPlace, toScreen } from "../../canvas/geometry";
import { type BoardObject, fieldsOf } from "../../canvas/objects";
import { ImageActions } from "../../generate/imageActions";
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
  const { canvasEditor, imageActions } = useMemo(() => {
    const made = new CanvasEditor(new Board(doc, (step, edit) => room.undoSteps.as(step, edit)), {
      canEdit: () => room.members.canEdit && room.entered.peek() && !room.frozen.peek(),
      maxPoints: () => room.maxPoints,
      onHand: (at, draft) => room.presenceSender.setHand(at, draft),
      frameFields: () => ({ prompt: "", task: "text_to_image", ...settingsOf(loadPainting()) }),
    });
    const said = { unreachable: t.lobby.unreachable, failed: t.canvas.pictureFailed };
    return { canvasEditor: made, imageActions: new ImageActions(room, made, said) };
  }, [doc, room]);
  useEffect(
    () => () => {
      imageActions.close();
      canvasEditor.board.destroy();
    },
    [canvasEditor, imageActions],
  );
  useEffect(() => () => room.presenceSender.setHand(null, null), [room]);
  useEffect(
    () =>
      canvasEditor.board.onLost((label) => {
        if (canvasEditor.writing.peek()?.keeps(label.id) || !room.members.canEdit) return; // it is being edited and restores itself
        canvasEditor.board.place(fieldsOf(label));
        room.notices.add("text_kept");
      }),
    [canvasEditor, room],
  );
  // Objects that undo changed are brought into view.
  useSignalEffect(() => {
    const acted = room.undoSteps.acted.value;
    if (acted?.surface === "canvas") untracked(() => canvasEditor.bringIntoView(acted.objects));
  });
  // An object that was searched for is selected and brought into view, once the board is on the screen.
  useSignalEffect(() => {
    const hit = room.search.chosen.value;
    if (hit?.kind !== "board" || canvasEditor.view.value.width <= 1) return;
    untracked(() => {
      canvasEditor.selection.select([hit.id]);
      canvasEditor.bringIntoView([hit.id]);
    });
  });
  const settled = room.settled.value;
  useEffect(() => {
    if (settled) canvasEditor.board.settled();
  }, [canvasEditor, settled]);
  const image = imageActions.image;
  useEffect(() => {
    if (!image) return;
    canvasEditor.frameRatio = image.width / Math.max(1, image.height);
    canvasEditor.frameSide = Math.max(192, image.width);
  }, [canvasEditor, image]);
  const synced = room.synced.value;
  const seen = canvasEditor.view.value.width > 1;
  useEffect(() => {
    if (synced && seen) canvasEditor.lookFirst();
  }, [canvasEditor, synced, seen]);
  const [chosen, ...others] = canvasEditor.selection.objects.value;
  const holding = canvasEditor.gesture.value !== null && canvasEditor.tool.value !== "mask";
  const only = others.length === 0 && !holding ? chosen : undefined;
  const brushing = canvasEditor.tool.value === "mask";
  const open = only?.type === "frame" && imageActions.settingsOpen.value;
  const card = only ? placeOf(canvasEditor, only, brushing ? "small" : open ? "open" : "usual") : "below";
  const centre = () => ({ x: canvasEditor.view.value.width / 2, y: canvasEditor.view.value.height / 2 });
  const toggleLayers = () => {
    layers.value = !layers.value;
  };

  // Without a focus the keys go to what had it last.
  const last = useRef(false);
  useEffect(() => {
    const used = (event: Event) => {
      last.current = event.target instanceof Element && event.target.closest(".canvas") !== null;
    };
    const stray = (event: KeyboardEvent) => {
      if (event.target === document.body && last.current && !hidden)
        boardKeys(event, canvasEditor, room, { toggleLayers }, true);
    };
    addEventListener("pointerdown", used, true);
    addEventListener("focusin", used, true);
    addEventListener("keydown", stray);
    return () => {
      removeEventListener("pointerdown", used, true);
      removeEventListener("focusin", used, true);
      removeEventListener("keydown", stray);
    };
  }, [canvasEditor, room, hidden]);

  const empty = canvasEditor.board.layers.value.length === 0;
  return (
    <section
      class={`canvas card-${card} ${layers.value ? "with-layers" : ""}`}
      aria-label={t.canvas.label}
      hidden={hidden}
      onKeyDown={(event) => boardKeys(event, canvasEditor, room, { toggleLayers })}
      onClick={(event) => {
        // After a click on a tool the focus goes to the board; after a key press it stays.
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
        void insert(room, canvasEditor, event.dataTransfer?.files ?? [], at);
      }}
      onPaste={(event) => {
        const files = [...(event.clipboardData?.files ?? [])];
        if (files.length === 0) return;
        event.preventDefault();
        void insert(room, canvasEditor, files, centre());
      }}
    >
      <BoardView room={room} canvasEditor={canvasEditor} />
      {empty && !canvasEditor.gesture.value && (
        <p class="board-empty">{room.members.canEdit ? t.canvas.empty : t.canvas.emptyReading}</p>
      )}
      <BoardTools room={room} canvasEditor={canvasEditor} onUpload={() => chooser.current?.click()} />
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
          void insert(room, canvasEditor, files, centre());
        }}
      />
      {room.members.canEdit && (
        <div class="board-bar">
          <BoardStyle canvasEditor={canvasEditor} />
          <SelectionActions canvasEditor={canvasEditor} />
        </div>
      )}
      <div class="board-zoom">
        <span class="board-bar-group">
          {room.members.canEdit && (
            <>
              <IconButton
                icon="undo"
                label={t.toolbar.undo}
                disabled={!room.undoSteps.can("canvas", false)}
                onClick={() => room.undoSteps.back("canvas")}
              />
              <IconButton
                icon="redo"
                label={t.toolbar.redo}
                disabled={!room.undoSteps.can("canvas", true)}
                onClick={() => room.undoSteps.again("canvas")}
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
                  onClick={() => void download(room, canvasEditor, kind)}
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
        <IconButton icon="minus" label={t.canvas.zoomOut} onClick={() => canvasEditor.zoom(1 / 1.25)} />
        <button
          type="button"
          class="link-button zoom-value"
          title={t.canvas.showAll}
          onClick={() => canvasEditor.showAll()}
        >
          {Math.round(canvasEditor.camera.value.scale * 100)} %
        </button>
        <IconButton icon="plus" label={t.canvas.zoomIn} onClick={() => canvasEditor.zoom(1.25)} />
      </div>
      {only?.type === "frame" && room.members.canEdit && (
        <FrameCard room={room} canvasEditor={canvasEditor} imageActions={imageActions} frame={only} />
      )}
      {only?.type === "image" && (
        <PictureCard
          room={room}
          imageActions={imageActions}
          picture={only}
          onDescribe={(words) => canvasEditor.board.change(new Map([[only.id, { alt: words || null }]]))}
        />
      )}
      {layers.value && <LayersPanel room={room} canvasEditor={canvasEditor} onClose={toggleLayers} />}
    </section>
  );
}

const boardOf = (canvas: Element) => canvas.querySelector<HTMLElement>(".board");

function placeOf(
  canvasEditor: CanvasEditor,
  object: BoardObject,
  card: "small" | "usual" | "open",
): "below" | "left" | "right" {
  const camera = canvasEditor.camera.value;
  const box = bounds(object);
  const { width, height } = canvasEditor.view.value;
  const area = { ...toScreen(camera, box), w: box.w * camera.scale, h: box.h * camera.scale };
  return cardPlace(area, width, height, card);
}

function SelectionActions({ canvasEditor }: { canvasEditor: CanvasEditor }) {
  const { selection } = canvasEditor;
  if (selection.objects.value.length === 0) return null;
  return (
    <span class="board-bar-group">
      <IconButton icon="front" label={t.canvas.toFront} onClick={() => selection.reorder("front")} />
      <IconButton icon="back" label={t.canvas.toBack} onClick={() => selection.reorder("back")} />
      <IconButton icon="bin" label={t.canvas.remove} onClick={() => selection.remove()} />
    </span>
  );
}
