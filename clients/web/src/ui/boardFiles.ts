// Files into the board, and the board as a file.

import type { Easel } from "../canvas/easel";
import { contents, exported, naturalSize, pngFile, save, svgFile } from "../canvas/export";
import { type Point, toCanvas } from "../canvas/geometry";
import { ApiError } from "../room/api";
import type { Room } from "../room/room";
import { t } from "../strings";

/** A dropped picture fills at most this part of the view. */
const PICTURE_PART = 0.6;

/** Uploads pictures and places them around a point of the view. */
export async function insert(room: Room, easel: Easel, files: Iterable<File>, at: Point): Promise<void> {
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
      const [x, y] = [place.x - w / 2, place.y - h / 2];
      easel.settle(easel.board.place({ type: "image", asset: asset.sha256, x, y, w, h }));
      offset += 24;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      room.notices.add("request_failed", error.message || t.lobby.unreachable);
    }
  }
}

/** Saves what is selected, or everything. */
export async function download(room: Room, easel: Easel, kind: "png" | "svg"): Promise<void> {
  const selected = easel.selection.objects.value.filter((object) => object.type !== "frame");
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
}
