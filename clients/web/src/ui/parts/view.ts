/** Which parts of the room are on the screen: the text, the canvas, both side by side, or the film. */
export type View = "text" | "both" | "canvas" | "film";
