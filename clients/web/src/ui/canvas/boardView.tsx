// Draws the board: objects as SVG, other people's hands, AI frames; and handles pointers.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { CanvasEditor } from "../../canvas/canvasEditor";
import { PAPER, turn } from "../../canvas/drawing";
import { bounds, liveBox, type Point, toScreen } from "../../canvas/geometry";
import type { Corner } from "../../canvas/gestures/arrange";
import type { Touch } from "../../canvas/gestures/gesture";
import type { Frame } from "../../canvas/objects";
import type { Room } from "../../room/room";
import { t } from "../../strings";
import { FrameBadge, latestRun } from "./frameBadge";
import { MaskInHand, SentMask } from "./maskOverlay";
import { FrameEdge, ObjectView } from "./objectView";
import { usePreviewSize } from "./previewSize";
import { TextField } from "./textField";

const CORNERS: Corner[] = ["nw", "ne", "se", "sw"];
/** Pixels between the selection and its rotation handle; the name of a frame is there too. */
const TURN_ARM = 26;
const FRAME_ARM = 44;
/** The largest zoom of one wheel event: a fifth. */
const NOTCH = 18;

export function BoardView({ room, canvasEditor }: { room: Room; canvasEditor: CanvasEditor }) {
  const root = useRef<HTMLDivElement>(null);
  const spaceDown = useSignal(false);

  useEffect(() => {
    const element = root.current;
    if (!element) return;
    const watch = new ResizeObserver(() => {
      canvasEditor.view.value = { width: element.clientWidth, height: element.clientHeight };
    });
    watch.observe(element);
    // Listeners of components are passive and cannot prevent the page from scrolling and zooming.
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      const step = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      if (event.ctrlKey || event.metaKey) {
        // A notch of a wheel is a small step; a trackpad sends many smaller ones.
        const by = Math.max(-NOTCH, Math.min(NOTCH, event.deltaY * step));
        canvasEditor.zoom(0.99 ** by, pointIn(element, event));
      } else canvasEditor.pan(-event.deltaX * step, -event.deltaY * step);
    };
    element.addEventListener("wheel", wheel, { passive: false });
    const space = (event: KeyboardEvent) => {
      if (event.key === " " && element.contains(event.target as Node))
        spaceDown.value = event.type === "keydown";
    };
    addEventListener("keydown", space);
    addEventListener("keyup", space);
    return () => {
      watch.disconnect();
      element.removeEventListener("wheel", wheel);
      removeEventListener("keydown", space);
      removeEventListener("keyup", space);
    };
  }, [canvasEditor]);

  const touch = (event: PointerEvent): Touch => ({
    id: event.pointerId,
    kind: event.pointerType === "pen" || event.pointerType === "touch" ? event.pointerType : "mouse",
    at: pointIn(root.current as HTMLElement, event),
    // A mouse, and many a touch screen, reports one half for every press; for a pen 0 is a real value.
    pressure: event.pointerType === "pen" ? event.pressure : 0.5,
    shift: event.shiftKey,
    pan: event.button === 1 || spaceDown.value,
  });

  const camera = canvasEditor.camera.value;
  const writing = canvasEditor.writing.value;
  const frames = canvasEditor.shown.value.filter((object): object is Frame => object.type === "frame");
  usePreviewSize(room, frames, camera.scale);
  const hands = [...room.members.presences.value]
    .map(([id, presence]) => ({ person: room.members.all.value.get(id), hand: presence.hand }))
    .filter(({ person, hand }) => hand && person?.online && person.id !== room.members.me.value?.id);
  const draft = canvasEditor.draftObject.value;

  return (
    <div
      class={`board tool-${spaceDown.value ? "hand" : canvasEditor.tool.value}`}
      ref={root}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the board is worked with the keyboard (see its description)
      tabIndex={0}
      data-home
      role="application"
      aria-label={t.canvas.label}
      aria-describedby="board-keys"
      onPointerDown={(event) => {
        if (event.button > 1) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        canvasEditor.down(touch(event));
      }}
      onPointerMove={(event) => {
        // A pen reports many points between two frames of the page.
        const all = event.getCoalescedEvents?.() ?? [];
        for (const each of all.length > 0 && drawing(canvasEditor) ? all : [event]) {
          canvasEditor.move(touch(each));
        }
      }}
      onPointerUp={(event) => {
        const text =
          canvasEditor.tool.value === "text" && canvasEditor.gesture.value === null && room.members.canEdit;
        canvasEditor.up(touch(event));
        if (text && !writing) canvasEditor.beginText(pointIn(event.currentTarget, event));
      }}
      onPointerCancel={(event) => canvasEditor.cancel(event.pointerId)}
      onPointerLeave={() => room.presenceSender.setHand(null, null)}
      onDblClick={(event) => canvasEditor.rewrite(pointIn(event.currentTarget, event))}
    >
      <p class="offscreen" id="board-keys">
        {t.canvas.keys}
      </p>
      <svg
        class="board-svg"
        role="img"
        aria-label={t.canvas.summary(canvasEditor.board.ordered.value.length)}
      >
        <rect width="100%" height="100%" fill={PAPER} />
        <g transform={`scale(${camera.scale}) translate(${-camera.x} ${-camera.y})`}>
          <Objects room={room} canvasEditor={canvasEditor} />
          {frames.map((frame) => (
            <g key={frame.id}>
              <FramePreview room={room} frame={frame} />
              <SentMask room={room} canvasEditor={canvasEditor} frame={frame} />
            </g>
          ))}
          {hands.map(({ person, hand }) =>
            hand?.draft ? (
              <g key={person?.id} class="live-draft">
                <ObjectView object={hand.draft} room={room} />
              </g>
            ) : null,
          )}
          {draft && <ObjectView object={draft} room={room} />}
        </g>
        <Marks canvasEditor={canvasEditor} />
      </svg>
      <MaskInHand canvasEditor={canvasEditor} />
      {frames.map((frame) => (
        <FrameBadge key={frame.id} room={room} canvasEditor={canvasEditor} frame={frame} />
      ))}
      {hands.map(({ person, hand }) => {
        const at = toScreen(camera, hand?.at as Point);
        return (
          <span
            key={person?.id}
            class="hand"
            style={{ "--who": person?.color, transform: `translate(${at.x}px, ${at.y}px)` }}
            aria-hidden="true"
          >
            <span class="hand-name">{person?.name}</span>
          </span>
        );
      })}
      {writing && <TextField canvasEditor={canvasEditor} writing={writing} />}
    </div>
  );
}

/** Drawing uses every point of the pen, moving only the last. */
const drawing = (canvasEditor: CanvasEditor) =>
  ["draw", "brush"].includes(canvasEditor.gesture.peek()?.name ?? "");

const pointIn = (element: HTMLElement, event: { clientX: number; clientY: number }): Point => {
  const { left, top } = element.getBoundingClientRect();
  return { x: event.clientX - left, y: event.clientY - top };
};

/** Does not depend on the camera: moving the view renders nothing again. */
function Objects({ room, canvasEditor }: { room: Room; canvasEditor: CanvasEditor }) {
  const writing = canvasEditor.writing.value?.id;
  return (
    <g>
      {canvasEditor.shown.value.map((object) =>
        object.id === writing ? null : <ObjectView key={object.id} object={object} room={room} />,
      )}
    </g>
  );
}

/** The preview of the newest denoising step, in the frame. */
function FramePreview({ room, frame }: { room: Room; frame: Frame }) {
  const run = latestRun(room, frame.id);
  // A live frame stays when its picture has arrived: then the picture is shown.
  const come = run !== undefined && run.id === frame.run && room.pictures.url(frame.asset) !== null;
  const preview = run && !run.undone && !come ? room.previews.shown.value.get(run.id) : undefined;
  const { x, y, w, h: height } = frame;
  const place = liveBox(frame);
  return (
    <g transform={turn(frame)} class={frame.live ? "frame-live" : ""}>
      {frame.live && (
        <rect
          class="frame-beside"
          x={place.x}
          y={place.y}
          width={w}
          height={height}
          vector-effect="non-scaling-stroke"
        />
      )}
      {preview && (
        <image
          class="frame-preview"
          data-run={run?.id}
          data-step={preview.step}
          x={place.x}
          y={place.y}
          width={w}
          height={height}
          href={preview.url}
          preserveAspectRatio="none"
        />
      )}
      <FrameEdge x={x} y={y} w={w} h={height} />
    </g>
  );
}

/** The selection, its corners, and the box that is being drawn: in pixels of the view. */
function Marks({ canvasEditor }: { canvasEditor: CanvasEditor }) {
  const camera = canvasEditor.camera.value;
  const gesture = canvasEditor.gesture.value;
  const area = gesture?.area?.() ?? null;
  const maskBrush = canvasEditor.tool.value === "mask";
  const box = maskBrush ? null : canvasEditor.selection.box.value;
  const rect = (area: { x: number; y: number; w: number; h: number }) => ({
    ...toScreen(camera, area),
    width: area.w * camera.scale,
    height: area.h * camera.scale,
  });
  const chosen = box && rect(box);
  const objects = canvasEditor.selection.objects.value;
  const arm = objects.some((object) => object.type === "frame") ? FRAME_ARM : TURN_ARM;
  const turned = canvasEditor.selection.turned.value;
  const centre = chosen && { x: chosen.x + chosen.width / 2, y: chosen.y + chosen.height / 2 };
  return (
    <g>
      {area && <rect class={area.kind === "frame" ? "frame-edge" : "mark-marquee"} {...rect(area.box)} />}
      {objects.length > 1 &&
        objects.map((object) => <rect key={object.id} class="mark-each" {...rect(bounds(object))} />)}
      {chosen && centre && (
        <g transform={turned ? `rotate(${turned} ${centre.x} ${centre.y})` : undefined}>
          <rect class="mark-box" {...chosen} />
          {canvasEditor.options.canEdit() && (
            <>
              {CORNERS.map((corner) => (
                <rect
                  key={corner}
                  class={`mark-corner mark-${corner}`}
                  x={chosen.x + (corner.endsWith("e") ? chosen.width : 0) - 6}
                  y={chosen.y + (corner.startsWith("s") ? chosen.height : 0) - 6}
                  width={12}
                  height={12}
                  rx={3}
                  onPointerDown={(event) => grab(event, canvasEditor, corner)}
                />
              ))}
              <path class="mark-box" d={`M${centre.x} ${chosen.y}v${-arm}`} />
              <circle
                class="mark-corner mark-turn"
                cx={centre.x}
                cy={chosen.y - arm}
                r={7}
                onPointerDown={(event) => grab(event, canvasEditor, "turn")}
              >
                <title>{t.canvas.turn}</title>
              </circle>
            </>
          )}
        </g>
      )}
    </g>
  );
}

/** Grabs a handle of the selection; the board handles the following events. */
function grab(event: PointerEvent, canvasEditor: CanvasEditor, handle: Corner | "turn"): void {
  const board = (event.currentTarget as Element).closest<HTMLElement>(".board");
  if (!board) return;
  event.stopPropagation();
  board.setPointerCapture(event.pointerId);
  canvasEditor.grabHandle(handle, {
    id: event.pointerId,
    kind: "mouse",
    at: pointIn(board, event),
    pressure: 0.5,
    shift: event.shiftKey,
    pan: false,
  });
}
