// Edits of the shared text as edits of the page, and the other way round; what an edit does to lengths and places.

import { insertedLength, type Op } from "../../room/document/delta";
import { withoutPassages } from "./passages";
import { PLACEHOLDER } from "./sharedText";

/** By how many units an edit makes a text longer. */
export const growthOf = (ops: readonly Op[]): number =>
  ops.reduce((sum, op) => sum - (op.delete ?? 0), 0) + insertedLength(ops);

/** Behind what an edit inserts. */
export function endOf(ops: readonly Op[]): number {
  let at = 0;
  let end = 0;
  for (const op of ops) {
    if (op.delete !== undefined) continue;
    if (op.insert === undefined) at += typeof op.retain === "number" ? op.retain : 1;
    else {
      at += insertedLength([op]);
      end = at;
    }
  }
  return end;
}

export const plainOf = (ops: readonly Op[]): string =>
  ops.map((op) => (typeof op.insert === "string" ? op.insert : PLACEHOLDER)).join("");

/** What Quill has no name for becomes a placeholder of the same length; passages are drawn over the text. */
export function fromShared(ops: readonly Op[]): Op[] {
  return withoutPassages(ops).map((op) =>
    op.insert === undefined || typeof op.insert === "string" ? op : { ...op, insert: { foreign: true } },
  );
}

/**
 * An edit of the page as one of the shared text, which has `length` units. The page's last line end need not be in the
 * text: a format of it brings it in. A copied placeholder carries nothing that could be shared.
 */
export function toShared(ops: readonly Op[], length: number): Op[] {
  let at = 0;
  return ops.flatMap((op): Op[] => {
    if (op.insert !== undefined) return [typeof op.insert === "object" ? { insert: PLACEHOLDER } : op];
    const units = op.delete ?? (typeof op.retain === "number" ? op.retain : 1);
    const inside = Math.max(0, Math.min(units, length - at));
    at += units;
    if (inside === units) return [op];
    const kept: Op[] = inside > 0 ? [op.delete ? { delete: inside } : { ...op, retain: inside }] : [];
    const set = Object.entries(op.attributes ?? {}).filter(([, value]) => value !== null && value !== false);
    if (op.delete || !op.attributes) return kept;
    const end: Op = { insert: "\n".repeat(units - inside) };
    return [...kept, set.length > 0 ? { ...end, attributes: Object.fromEntries(set) } : end];
  });
}
