// Shows masks over their pictures: our own pixel by pixel while we brush, those of others as they were sent.

import { useEffect, useRef } from "preact/hooks";
import type { CanvasEditor } from "../../canvas/canvasEditor";
import { turn } from "../../canvas/drawing";
import { toScreen } from "../../canvas/geometry";
import type { Mask } from "../../canvas/masks/mask";
import type { MaskBrush } from "../../canvas/masks/maskBrush";
import type { Frame } from "../../canvas/objects";
import type { Room } from "../../room/room";

/** Stripes of two colours: one of them is visible on any picture. */
const DARK = [196, 20, 108, 165];
const LIGHT = [255, 236, 246, 140];
const STRIPES = 28;

/** The mask that is being brushed, and the brush. */
export function MaskInHand({ canvasEditor }: { canvasEditor: CanvasEditor }) {
  const maskBrush = canvasEditor.maskBrush.value;
  const frame = maskBrush && canvasEditor.board.objects.value.get(maskBrush.frame);
  if (!maskBrush || frame?.type !== "frame") return null;
  return <Brushed key={maskBrush.frame} canvasEditor={canvasEditor} maskBrush={maskBrush} frame={frame} />;
}

function Brushed({
  canvasEditor,
  maskBrush,
  frame,
}: {
  canvasEditor: CanvasEditor;
  maskBrush: MaskBrush;
  frame: Frame;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { mask } = maskBrush;
  const version = maskBrush.version.value;
  useEffect(() => {
    const data = new ImageData(striped(mask), mask.width, mask.height);
    canvas.current?.getContext("2d")?.putImageData(data, 0, 0);
  }, [mask, version]);
  const camera = canvasEditor.camera.value;
  const at = toScreen(camera, frame);
  return (
    <canvas
      ref={canvas}
      class="mask-overlay"
      data-painted={mask.empty ? "no" : "yes"}
      width={mask.width}
      height={mask.height}
      style={{
        width: `${frame.w * camera.scale}px`,
        height: `${frame.h * camera.scale}px`,
        transform: `translate(${at.x}px, ${at.y}px) rotate(${frame.rotation}deg)`,
      }}
    />
  );
}

function striped(mask: Mask): Uint8ClampedArray<ArrayBuffer> {
  const out = new Uint8ClampedArray(mask.bits.length * 4);
  const half = Math.max(1, Math.round(Math.max(mask.width, mask.height) / STRIPES / 2));
  mask.bits.forEach((on, index) => {
    const along = (index % mask.width) + Math.floor(index / mask.width);
    if (on) out.set(Math.floor(along / half) % 2 === 0 ? DARK : LIGHT, index * 4);
  });
  return out;
}

/** The shared mask of a frame. */
export function SentMask({
  room,
  canvasEditor,
  frame,
}: {
  room: Room;
  canvasEditor: CanvasEditor;
  frame: Frame;
}) {
  const inHand = canvasEditor.maskBrush.value?.frame === frame.id;
  const href = frame.mask && frame.task === "inpaint" && !inHand ? room.pictures.url(frame.mask) : null;
  if (!href) return null;
  const { x, y, w, h } = frame;
  const id = `mask-${frame.id}`;
  const stripe = Math.max(w, h) / STRIPES;
  return (
    <g transform={turn(frame)}>
      <pattern
        id={`${id}-stripes`}
        patternUnits="userSpaceOnUse"
        width={stripe}
        height={stripe}
        patternTransform="rotate(45)"
      >
        <rect width={stripe} height={stripe} fill="#ffecf6" />
        <rect width={stripe / 2} height={stripe} fill="#c4146c" />
      </pattern>
      <mask id={id} maskUnits="userSpaceOnUse" x={x} y={y} width={w} height={h}>
        <image href={href} x={x} y={y} width={w} height={h} preserveAspectRatio="none" />
      </mask>
      <rect
        class="mask-sent"
        x={x}
        y={y}
        width={w}
        height={h}
        fill={`url(#${id}-stripes)`}
        mask={`url(#${id})`}
      />
    </g>
  );
}
