import { useEffect } from "preact/hooks";
import { previewSide } from "../../room/previewSize";
import type { Room } from "../../room/room";

/** Tells the server how large `boxes` (of the board, at `scale`) are shown: 0 in a hidden tab, and once the
 * board is closed. */
export function usePreviewSize(room: Room, boxes: readonly { w: number; h: number }[], scale: number): void {
  const side = previewSide(boxes, scale, devicePixelRatio);
  useEffect(() => {
    const report = () => room.presenceSender.setViewing(document.hidden ? 0 : side);
    report();
    document.addEventListener("visibilitychange", report);
    return () => document.removeEventListener("visibilitychange", report);
  }, [room, side]);
  useEffect(() => () => room.presenceSender.setViewing(0), [room]);
}
