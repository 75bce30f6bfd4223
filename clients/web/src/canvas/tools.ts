// The tools of the canvas.

export const SHAPES = ["rectangle", "ellipse", "triangle", "diamond", "line", "arrow"] as const;
export type ShapeTool = (typeof SHAPES)[number];
/** `mask` is held while the mask of a frame is painted; it has no place among the others. */
export const TOOLS = ["select", "hand", "pen", "eraser", ...SHAPES, "text", "frame", "mask"] as const;
export type Tool = (typeof TOOLS)[number];

export const isShape = (tool: string): tool is ShapeTool => (SHAPES as readonly string[]).includes(tool);

export const COLORS = [
  "#22282a",
  "#d0402b",
  "#e08a12",
  "#f0c52e",
  "#3d8b5a",
  "#2a6fb8",
  "#7b4fb0",
  "#ffffff",
];
export const SIZES = [2, 4, 8, 18];
