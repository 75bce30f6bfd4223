// The pictures of the canvas, for shots and for people: asset -> what it is called.

import type { Room } from "../../room/room";

export function canvasPictures(room: Room): Map<string, string> {
  const board = room.doc.value.getMap("canvas").toJSON() as Record<string, Record<string, unknown>>;
  const found = Object.values(board).filter((one) => typeof one?.asset === "string");
  return new Map(
    found.map((one) => [String(one.asset), String(one.name || one.prompt || one.asset).slice(0, 40)]),
  );
}
