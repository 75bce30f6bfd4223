// Pasted and dropped words. Large ones are read and shown part by part; what the room has no place for is reported.

import { Delta, type Range } from "quill/core.js";
import Clipboard, { traverse } from "quill/modules/clipboard.js";
import Uploader from "quill/modules/uploader.js";
import type { Losses } from "../text/losses";
import { isLarge } from "../text/slices";
import { prepared } from "./pastedHtml";
import { TAB } from "./pastedStyles";

/** Inserts pasted text; a large one is shown part by part. */
export type Write = (edit: Delta) => void;
/** Marks where words that are still read will stand; gives what puts them there. */
export type Reserve = (range: Range) => (words: Delta) => void;

/** Told of what was not pasted as it was. */
export type Report = (losses: Losses) => void;

/** UTF-16 units of HTML that are read in one piece. */
const AT_ONCE = 100_000;
/** Longer HTML is read in pieces of so many milliseconds. */
const SLICE_MS = 10;

export class RoomClipboard extends Clipboard {
  constructor(...args: ConstructorParameters<typeof Clipboard>) {
    super(...args);
    this.addMatcher(TAB, () => new Delta().insert("\t"));
  }

  override onPaste(range: Range, content: { text?: string; html?: string }): void {
    if ((content.html?.length ?? 0) > AT_ONCE) {
      void this.pasteLater(range, content.html as string);
      return;
    }
    const pasted = this.convert(content, this.quill.getFormat(range.index));
    this.write(new Delta().retain(range.index).delete(range.length).concat(pasted));
    if (isLarge(pasted)) return; // the caret moves behind it once it is shown
    this.quill.setSelection(range.index + pasted.length(), 0, "silent");
    this.quill.scrollSelectionIntoView();
  }

  write(edit: Delta): void {
    this.settings.write(edit);
  }

  override convertHTML(html: string): Delta {
    const reading = this.read(html);
    for (;;) {
      const { done, value } = reading.next();
      if (done) return value;
    }
  }

  /** Reads a long page with time for keys and frames between the pieces. */
  private async pasteLater(range: Range, html: string): Promise<void> {
    const put = this.settings.reserve(range);
    const reading = this.read(html);
    let until = performance.now() + SLICE_MS;
    for (;;) {
      const { done, value } = reading.next();
      if (done) {
        put(withoutEnd(value));
        return;
      }
      if (performance.now() < until) continue;
      await new Promise((resolve) => setTimeout(resolve, 0));
      until = performance.now() + SLICE_MS;
    }
  }

  /** A pasted page as an edit; pauses between its nodes. */
  private *read(html: string): Generator<undefined, Delta> {
    const losses: Losses = new Map();
    const doc = yield* prepared(html, losses);
    if (losses.size > 0) this.settings.report(losses);
    this.normalizeHTML(doc);
    const matches: Matches = new WeakMap();
    const [ofElements = [], ofTexts = []] = this.prepareMatching(doc.body, matches);
    const { scroll } = this.quill;
    // As Quill's own walk does; what is small is left to that.
    function* walk(node: Element): Generator<undefined, Delta> {
      yield;
      if ((node.textContent ?? "").length < WALKED)
        return traverse(scroll, node as HTMLElement, ofElements, ofTexts, matches);
      const all = new Delta();
      for (const child of [...node.childNodes]) {
        let found: Delta;
        if (child instanceof Element) {
          found = yield* walk(child);
          for (const match of [...ofElements, ...(matches.get(child) ?? [])])
            found = match(child as HTMLElement, found, scroll);
        } else found = traverse(scroll, child as ChildNode, ofElements, ofTexts, matches);
        for (const op of found.ops) all.push(op);
        yield;
      }
      return all;
    }
    return yield* walk(doc.body);
  }

  private get settings(): { write: Write; reserve: Reserve; report: Report } {
    return this.options as unknown as { write: Write; reserve: Reserve; report: Report };
  }
}

/** Files that are pasted into the text or dropped on it. */
export class RoomUploader extends Uploader {
  override upload(_range: Range, files: ArrayLike<File>): void {
    const { receive } = this.options as unknown as { receive(files: File[]): void };
    if (files.length > 0 && this.quill.isEnabled()) receive(Array.from(files));
  }
}

type Matches = Parameters<typeof traverse>[4];
/** UTF-16 units of text that are walked in one piece. */
const WALKED = 5000;

/** A line's end that only closes the last pasted line is not pasted. */
function withoutEnd(words: Delta): Delta {
  const last = words.ops.at(-1);
  if (typeof last?.insert !== "string" || !last.insert.endsWith("\n") || last.attributes) return words;
  const rest = last.insert.slice(0, -1);
  return new Delta([...words.ops.slice(0, -1), ...(rest ? [{ insert: rest }] : [])]);
}
