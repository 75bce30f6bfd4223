/** Which parts of the room are on the screen: the text, the canvas, or both side by side. */
export type View = "text" | "both" | "canvas";
