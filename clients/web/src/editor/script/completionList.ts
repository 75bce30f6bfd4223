// The list of completions under the caret. Tab or Enter accepts, arrows choose, Escape closes; typing continues as if
// it were not there.

import type Quill from "quill/core.js";
import { Delta } from "quill/core.js";
import { completions } from "./completions";
import { scriptOf } from "./script";

const ID = "script-completions";

export class CompletionList {
  private readonly list = document.createElement("ul");
  private found: string[] = [];
  private chosen = 0;
  private start = 0;
  private typed = 0;

  constructor(
    private readonly quill: Quill,
    private readonly options: { active(): boolean; label: string },
  ) {
    this.list.id = ID;
    this.list.className = "completions";
    this.list.hidden = true;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", options.label);
    quill.container.append(this.list);
    quill.on("text-change", this.onText);
    quill.on("selection-change", this.onSelection);
    quill.root.addEventListener("keydown", this.onKey, true);
    quill.root.addEventListener("blur", this.shut);
    this.list.addEventListener("pointerdown", this.onPoint);
  }

  destroy(): void {
    this.quill.off("text-change", this.onText);
    this.quill.off("selection-change", this.onSelection);
    this.quill.root.removeEventListener("keydown", this.onKey, true);
    this.quill.root.removeEventListener("blur", this.shut);
    this.list.remove();
  }

  private readonly onText = (_delta: Delta, _old: Delta, source: string): void => {
    if (source !== "user" || !this.options.active() || this.quill.composition.isComposing) {
      this.shut();
      return;
    }
    // Quill moves the caret after it has reported the change.
    queueMicrotask(() => this.look());
  };

  private readonly onSelection = (range: { index: number; length: number } | null): void => {
    if (!this.list.hidden && (!range || range.length > 0 || range.index !== this.start + this.typed))
      this.shut();
  };

  private look(): void {
    const range = this.quill.getSelection();
    const [line, offset] = range ? this.quill.getLine(range.index) : [null, 0];
    const typed = line?.domNode.textContent ?? "";
    // Only at the end of a line: in its middle people correct.
    if (!range || range.length > 0 || !line || offset !== typed.length) {
      this.shut();
      return;
    }
    const here = this.quill.getText(0, range.index - offset).split("\n").length - 1;
    this.found = completions(scriptOf(this.quill.getText().split("\n")), here, typed);
    this.start = range.index - offset;
    this.typed = offset;
    this.chosen = 0;
    this.show();
  }

  private show(): void {
    this.list.hidden = this.found.length === 0;
    this.list.replaceChildren(
      ...this.found.map((text, at) => {
        const item = document.createElement("li");
        item.id = `${ID}-${at}`;
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", String(at === this.chosen));
        item.textContent = text;
        return item;
      }),
    );
    const { root } = this.quill;
    if (this.list.hidden) {
      root.removeAttribute("aria-activedescendant");
      return;
    }
    root.setAttribute("aria-activedescendant", `${ID}-${this.chosen}`);
    const box = this.quill.getBounds(this.start);
    if (!box) return;
    this.list.style.left = `${box.left}px`;
    this.list.style.top = `${box.bottom + 4}px`;
  }

  private readonly shut = (): void => {
    if (this.list.hidden) return;
    this.found = [];
    this.show();
  };

  private accept(at: number): void {
    const text = this.found[at];
    if (text === undefined) return;
    this.shut();
    const delta = new Delta().retain(this.start).delete(this.typed).insert(text);
    this.quill.updateContents(delta, "user");
    this.quill.setSelection(this.start + text.length, 0, "user");
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    if (this.list.hidden || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    switch (event.key) {
      case "Tab":
      case "Enter":
        if (event.shiftKey) return;
        this.accept(this.chosen);
        break;
      case "ArrowDown":
      case "ArrowUp": {
        const step = event.key === "ArrowDown" ? 1 : -1;
        this.chosen = (this.chosen + step + this.found.length) % this.found.length;
        this.show();
        break;
      }
      case "Escape":
        this.shut();
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
  };

  private readonly onPoint = (event: PointerEvent): void => {
    event.preventDefault(); // the caret stays where it is
    const item = (event.target as HTMLElement).closest("li");
    if (item) this.accept([...this.list.children].indexOf(item));
  };
}
