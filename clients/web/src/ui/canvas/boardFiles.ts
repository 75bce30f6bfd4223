// Adding files to the board, and saving the board as a file.

import type { CanvasEditor } from "../../canvas/canvasEditor";
import { contents, exported, naturalSize, pngFile, save, svgFile } from "../../canvas/export";
import { inside, type Point, toCanvas } from "../../canvas/geometry";
import { type BoardObject, wordsOf } from "../../canvas/objects";
import { HEAD, kindOf } from "../../canvas/pictures/fileKinds";
import { described } from "../../canvas/pictures/pngText";
import { ApiError } from "../../room/http/httpApi";
import type { Room } from "../../room/room";
import { t } from "../../strings";
import { requestProblem } from "../parts/serverText";

/** A dropped picture fills at most this part of the view. */
const PICTURE_PART = 0.6;
/** Pixels between a picture and the edge of the view, and between two that were dropped together. */
const EDGE = 12;
const NEXT = 24;

/** Uploads pictures and places them around a point inside the view. A notice names each file that fails. */
export async function insert(
  room: Room,
  canvasEditor: CanvasEditor,
  files: Iterable<File>,
  at: Point,
): Promise<void> {
  if (!room.members.canEdit) return;
  // The present view: it may have moved during a long upload.
  const { x, y, scale } = canvasEditor.camera.value;
  const { width, height } = canvasEditor.view.value;
  const view = {
    x: x + EDGE / scale,
    y: y + EDGE / scale,
    w: (width - 2 * EDGE) / scale,
    h: (height - 2 * EDGE) / scale,
  };
  let placed = 0;
  for (const file of files) {
    const kind = kindOf(new Uint8Array(await file.slice(0, HEAD).arrayBuffer()), file.name);
    if (!kind.picture) {
      room.notices.add("told", t.files.notTaken(file.name, kind.label));
      continue;
    }
    try {
      const asset = await room.pictures.upload(file);
      const most = { w: (width * PICTURE_PART) / scale, h: (height * PICTURE_PART) / scale };
      const factor = Math.min(1, most.w / asset.width, most.h / asset.height);
      const size = { w: asset.width * factor, h: asset.height * factor };
      const centre = toCanvas({ x, y, scale }, { x: at.x + placed * NEXT, y: at.y + placed * NEXT });
      const box = inside({ x: centre.x - size.w / 2, y: centre.y - size.h / 2, ...size }, view);
      canvasEditor.settle(canvasEditor.board.place({ type: "image", asset: asset.sha256, ...box }));
      placed += 1;
      if (asset.scaled_from) {
        const [w, h] = asset.scaled_from;
        room.notices.add("told", t.files.scaled(file.name, w, h, asset.width, asset.height));
      }
      if (asset.frames) room.notices.add("told", t.files.frames(file.name, asset.frames));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      room.notices.add("told", refusal(file.name, kind.label, error));
    }
  }
}

function refusal(name: string, kind: string, error: ApiError): string {
  const { code } = error;
  if (code === "invalid") return kind === "HEIF" ? t.files.heif(name) : t.files.broken(name, kind);
  if (code === "too_large") return t.files.tooLarge(name);
  return t.files.failed(name, requestProblem(error));
}

/** Saves the selection, or everything. */
export async function download(room: Room, canvasEditor: CanvasEditor, kind: "png" | "svg"): Promise<void> {
  const selected = canvasEditor.selection.objects.value.filter((object) => object.type !== "frame");
  const out = exported(selected.length > 0 ? selected : canvasEditor.board.ordered.value);
  if (!out) return;
  const load = (asset: string) => room.pictures.blob(asset);
  try {
    if (kind === "png") {
      const scale = Math.max(2, await finest(room, out.objects));
      const file = await pngFile(out.objects, out.box, naturalSize(out.box, scale), load);
      save(await described(file, wordsOf(out.objects)), `${t.canvas.file}.png`);
    } else {
      const held = await contents(out.objects, load);
      const file = svgFile(out.objects, out.box, naturalSize(out.box), (asset) => held.get(asset) ?? null);
      save(new Blob([file], { type: "image/svg+xml" }), `${t.canvas.file}.svg`);
    }
  } catch {
    room.notices.add("request_failed", t.canvas.exportFailed);
  }
}

/** Pixels per canvas unit of the densest picture: the file keeps that resolution. */
async function finest(room: Room, objects: readonly BoardObject[]): Promise<number> {
  const scales = objects.map(async (object) => {
    if (!("asset" in object) || !object.asset || object.w <= 0) return 0;
    return (await room.pictures.size(object.asset)).width / object.w;
  });
  return Math.max(0, ...(await Promise.all(scales)));
}
