// Quill's root, which checks the kinds of all its lines each time it is asked anything; ours checks when lines have come.

import Scroll from "quill/blots/scroll.js";
import type { Parchment } from "quill/core.js";
import { LineGroup } from "./lineGroups";

export class PageScroll extends Scroll {
  private grown?: boolean;

  override insertBefore(blot: Parchment.Blot, ref?: Parchment.Blot | null): void {
    // Lines that come into the middle of a group stay in it.
    if (ref?.parent instanceof LineGroup) {
      ref.parent.insertBefore(blot, ref);
      return;
    }
    this.grown = true;
    super.insertBefore(blot, ref);
  }

  override enforceAllowedChildren(): void {
    if (!this.grown) return;
    this.grown = false;
    super.enforceAllowedChildren();
  }
}
