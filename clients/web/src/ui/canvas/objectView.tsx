// Draws one object of the canvas, from the present or from the history.

import { h } from "preact";
import { parts, turn } from "../../canvas/drawing";
import type { Box } from "../../canvas/geometry";
import { type BoardObject, shownBy } from "../../canvas/objects";
import type { Room } from "../../room/room";

export function ObjectView({
  object,
  room,
  title = "",
}: {
  object: BoardObject;
  room: Room;
  title?: string;
}) {
  const made = parts(object, (asset) => room.pictures.url(asset));
  const words = title || shownBy(object);
  return (
    <g data-object={object.id} data-type={object.type} transform={turn(object)} opacity={object.opacity}>
      {made.map((part, index) => h(part.tag, { key: index, ...part.attributes }, part.text))}
      {object.type === "image" && made.length === 0 && (
        <rect class="picture-waiting" x={object.x} y={object.y} width={object.w} height={object.h} />
      )}
      {words && <title>{words}</title>}
    </g>
  );
}

/** The outline of an AI frame, of the same width at every zoom. */
export function FrameEdge({ x, y, w, h: height }: Box) {
  return <rect class="frame-edge" x={x} y={y} width={w} height={height} vector-effect="non-scaling-stroke" />;
}
