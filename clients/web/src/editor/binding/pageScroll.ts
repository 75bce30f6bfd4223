// Quill's root. Quill's own checks the kinds of all its lines at every call; this one only when lines were added.

import Scroll from "quill/blots/scroll.js";
import type { Parchment } from "quill/core.js";
import { LineGroup } from "./lineGroups";

export class PageScroll extends Scroll {
  private grown?: boolean;

  override insertBefore(blot: Parchment.Blot, ref?: Parchment.Blot | null): void {
    // Lines inserted in the middle of a group stay in it.
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
