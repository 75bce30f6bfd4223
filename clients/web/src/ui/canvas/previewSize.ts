import { useEffect } from "preact/hooks";
import { viewedSide } from "../../room/previewSize";
import type { Room } from "../../room/room";

/** Keeps the server told how large `boxes` (of the board, at `scale`) are shown: not at all in a hidden tab, or once the
 * board is closed. */
export function useViewing(room: Room, boxes: readonly { w: number; h: number }[], scale: number): void {
  const side = viewedSide(boxes, scale, devicePixelRatio);
  useEffect(() => {
    const tell = () => room.showing.setViewing(document.hidden ? 0 : side);
    tell();
    document.addEventListener("visibilitychange", tell);
    return () => document.removeEventListener("visibilitychange", tell);
  }, [room, side]);
  useEffect(() => () => room.showing.setViewing(0), [room]);
}
