// Quill with exactly the formats of the room: others cannot be pasted.

import Block from "quill/blots/block.js";
import Embed from "quill/blots/embed.js";
import Quill, { Module, Parchment } from "quill/core.js";
import Blockquote from "quill/formats/blockquote.js";
import Bold from "quill/formats/bold.js";
import Header from "quill/formats/header.js";
import Indent from "quill/formats/indent.js";
import Italic from "quill/formats/italic.js";
import QuillLink from "quill/formats/link.js";
import List from "quill/formats/list.js";
import Strike from "quill/formats/strike.js";
import Underline from "quill/formats/underline.js";
import { MODEL_FORMATS } from "../../room/document/delta";
import { safeLink } from "../text/links";
import { LineEditor } from "./lineEditor";
import { telling } from "./lineGroups";
import { Start, startBinding } from "./listStart";
import { PageScroll } from "./pageScroll";
import { type Report, type Reserve, RoomClipboard, RoomUploader, type Write } from "./pasting";

const inline = { scope: Parchment.Scope.INLINE };
const Ai = new Parchment.Attributor("ai", "data-ai", inline);
const Suggest = new Parchment.Attributor("suggest", "data-suggest", inline);
const Reason = new Parchment.Attributor("reason", "data-reason", inline);
const SuggestDelete = new Parchment.Attributor("suggest_del", "data-suggest-del", inline);

/** An embedded object of another program that we cannot show: it keeps its place. */
class Foreign extends Embed {
  static override blotName = "foreign";
  static override tagName = "SPAN";
  static override className = "foreign";

  static override create(): HTMLElement {
    const node = Embed.create.call(Foreign) as HTMLElement;
    node.setAttribute("contenteditable", "false");
    return node;
  }
}

/** A link to an address that the room allows; other links, from scripts or other programs, show their text only. */
class Link extends QuillLink {
  static override sanitize(address: string): string {
    return safeLink(address) ?? QuillLink.SANITIZED_URL;
  }

  static override formats(node: HTMLElement): string | null {
    return safeLink(node.getAttribute("href") ?? "");
  }

  override optimize(context: { [key: string]: unknown }): void {
    super.optimize(context);
    if (this.parent && Link.formats(this.domNode as HTMLElement) === null) this.unwrap();
  }
}

/** The same kind of line, running in the direction of its first strong letter. */
function directed<T extends new (...args: never[]) => { domNode: Node }>(Line: T): T {
  const Base = telling(Line) as unknown as new (...args: unknown[]) => { domNode: Node };
  return class extends Base {
    constructor(...args: unknown[]) {
      super(...args);
      (this.domNode as HTMLElement).dir = "auto";
    }
  } as unknown as T;
}

interface UndoOptions {
  undo(): void;
  redo(): void;
}

/** Replaces Quill's history: undo is done by the server, which knows who made each edit. */
class ServerUndo extends Module<UndoOptions> {
  undo(): void {
    this.options.undo?.();
  }

  redo(): void {
    this.options.redo?.();
  }

  /** Quill calls these two; there is no stack to clear or to cut. */
  clear(): void {}

  cutoff(): void {}
}

Quill.register(
  {
    "formats/bold": Bold,
    "formats/italic": Italic,
    "formats/underline": Underline,
    "formats/strike": Strike,
    "formats/link": Link,
    "blots/scroll": PageScroll,
    "blots/block": directed(Block),
    "formats/header": directed(Header),
    "formats/blockquote": directed(Blockquote),
    "formats/list": directed(List),
    "formats/indent": Indent,
    "formats/start": Start,
    "formats/ai": Ai,
    "formats/suggest": Suggest,
    "formats/suggest_del": SuggestDelete,
    "formats/reason": Reason,
    "formats/foreign": Foreign,
    "modules/history": ServerUndo,
    "modules/clipboard": RoomClipboard,
    "modules/uploader": RoomUploader,
  },
  true,
);

/** Nothing stands before the first line that Backspace could join it with: its heading goes. */
const headingBinding = {
  key: "Backspace",
  collapsed: true,
  offset: 0,
  format: ["header"],
  handler(this: { quill: Quill }, range: { index: number }): boolean {
    if (range.index > 0) return true;
    this.quill.formatLine(0, 1, "header", false, "user");
    return false;
  },
};

const WORDS = ["bold", "italic", "underline", "strike", "link"];
const LINES = ["header", "blockquote", "list", "indent", "start"];
const FORMATS = [...WORDS, ...LINES, ...MODEL_FORMATS, "foreign"];

export function createQuill(
  host: HTMLElement,
  options: UndoOptions & { write: Write; reserve: Reserve; report: Report; receive(files: File[]): void },
): Quill {
  const quill = new Quill(host, {
    formats: FORMATS,
    modules: {
      history: { undo: options.undo, redo: options.redo },
      clipboard: { write: options.write, reserve: options.reserve, report: options.report },
      uploader: { receive: options.receive },
      // Tab moves the focus, as everywhere on the web; the levels of a list have keys of their own.
      keyboard: {
        bindings: {
          tab: null,
          indent: null,
          outdent: null,
          "remove tab": null,
          "list start": startBinding,
          "heading start": headingBinding,
        },
      },
    },
  });
  quill.editor = new LineEditor(quill.scroll);
  return quill;
}
