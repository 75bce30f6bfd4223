// The canvas at a point of the history, read only.

import { PAPER } from "../../canvas/drawing";
import { around, bounds } from "../../canvas/geometry";
import { type BoardObject, readObject } from "../../canvas/objects";
import { byOrder } from "../../canvas/order";
import type { Comparison, PastState } from "../../room/http/historyApi";
import type { Room } from "../../room/room";
import { t } from "../../strings";
import { FrameEdge, ObjectView } from "../canvas/objectView";

const MARGIN = 16;

export function PastCanvas({ room, moment }: { room: Room; moment: PastState }) {
  const objects = moment.canvas
    .map((fields) => readObject(fields.id, (name) => fields[name]))
    .filter((object): object is BoardObject => object !== null && !object.hidden)
    .sort(byOrder);
  const box = around(objects.map(bounds));
  if (!box) return <p class="hint past-blank">{t.history.blankCanvas}</p>;
  const makers = new Map(moment.canvas.map(({ id, creator }) => [id, creator?.[0] ?? ""]));
  const view = `${box.x - MARGIN} ${box.y - MARGIN} ${box.w + 2 * MARGIN} ${box.h + 2 * MARGIN}`;
  return (
    <svg class="past-board" viewBox={view} role="img" aria-label={t.canvas.summary(objects.length)}>
      <rect x={box.x - MARGIN} y={box.y - MARGIN} width="100%" height="100%" fill={PAPER} />
      {objects.map((object) => (
        <g key={object.id}>
          {object.type === "frame" && <FrameEdge x={object.x} y={object.y} w={object.w} h={object.h} />}
          <ObjectView
            object={object}
            room={room}
            title={room.members.all.value.get(makers.get(object.id) ?? "")?.name ?? ""}
          />
        </g>
      ))}
    </svg>
  );
}

/** The changes of the canvas since then, in one line; nothing when there are none. */
export function CanvasCompared({ canvas }: { canvas: Comparison["canvas"] }) {
  const { added, changed, removed } = canvas;
  if (added.length + changed.length + removed.length === 0) return null;
  return (
    <p class="hint compared-canvas">
      {t.history.canvasChanged(added.length, changed.length, removed.length)}
    </p>
  );
}
