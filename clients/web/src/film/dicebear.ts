// DiceBear's figures as SVG. The core and each style are chunks of their own, which load when a film first shows them.

import type { Figure, Style } from "./looks";
import { optionsOf } from "./looks";

type Draw = (figure: Figure) => string;

const DEFINITIONS: Record<Exclude<Style, "drawing">, () => Promise<{ default: unknown }>> = {
  lorelei: () => import("@dicebear/styles/lorelei.json", { with: { type: "json" } }),
  open_peeps: () => import("@dicebear/styles/open-peeps.json", { with: { type: "json" } }),
  notionists: () => import("@dicebear/styles/notionists.json", { with: { type: "json" } }),
};

/** What draws the figures of a style. Rejects when the server does not answer. */
export async function drawerOf(style: Exclude<Style, "drawing">): Promise<Draw> {
  const [core, definition] = await Promise.all([import("@dicebear/core"), DEFINITIONS[style]()]);
  const known = new core.Style(definition.default as ConstructorParameters<typeof core.Style>[0]);
  return (figure) => new core.Avatar(known, optionsOf(figure)).toString();
}
