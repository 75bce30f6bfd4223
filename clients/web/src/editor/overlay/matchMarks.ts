// What was found in the text: marked over it, and replaced.

import type Quill from "quill/core.js";
import { Delta } from "quill/core.js";
import type { Match } from "../text/find";
import type { Highlights } from "./highlights";

export class MatchMarks {
  constructor(
    private readonly quill: Quill,
    private readonly highlights: Highlights,
  ) {}

  /** Marks what was found; `current` is the one to stand out. */
  show(matches: readonly Match[], current: number): void {
    const here = matches[current];
    const others = matches.filter((match) => match !== here);
    this.highlights.show("found", others);
    this.highlights.show("found-here", here ? [here] : []);
  }

  /** One edit: every match becomes `text`, in the formats of what stood there. */
  replace(matches: readonly Match[], text: string): void {
    const delta = new Delta();
    let at = 0;
    for (const { index, length } of matches) {
      delta.retain(index - at);
      if (text) delta.insert(text, this.quill.getFormat(index, Math.max(1, length)));
      delta.delete(length);
      at = index + length;
    }
    this.quill.updateContents(delta, "user");
  }
}
