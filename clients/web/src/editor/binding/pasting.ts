// Prepares pasted HTML before Quill reads it: styles become elements (our pages have no inline styles, and would empty
// them), lists of Word become lists, addresses that the room does not allow lose their link.

import { Delta, type Range } from "quill/core.js";
import Clipboard, { traverse } from "quill/modules/clipboard.js";
import { safeLink } from "../text/links";
import { isLarge } from "../text/slices";

const NOTHING = "script, template, noscript, object, svg, math, title, x-rules, head > *";
/** Names under which styles and their rules travel: nothing is applied, and nothing is reported. */
const RULES = /<(\/?)style\b/gi;
const STYLE = "data-was-style";
const STYLE_ATTRIBUTE = /(<[a-z][^>]*?)\sstyle\s*=/gi;
const LIST = /mso-list:\s*l(\d+)\s+level(\d+)/i;
const HEADINGS = "h1, h2, h3, h4, h5, h6";

/** Inserts pasted text; a large one is shown part by part. */
export type Write = (edit: Delta) => void;
/** Marks where words that are still read will stand; gives what puts them there. */
export type Reserve = (range: Range) => (words: Delta) => void;

/** UTF-16 units of HTML that are read in one piece. */
const AT_ONCE = 100_000;
/** Longer HTML is read in pieces of so many milliseconds. */
const SLICE_MS = 10;

export class RoomClipboard extends Clipboard {
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
    const doc = yield* prepared(html);
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

  private get settings(): { write: Write; reserve: Reserve } {
    return this.options as unknown as { write: Write; reserve: Reserve };
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

/** `html` as elements whose names carry all formats; pauses between them. */
function* prepared(html: string): Generator<undefined, Document> {
  const doc = new DOMParser().parseFromString(
    html
      .replace(/<!--[\s\S]*?-->/g, keptList)
      .replace(RULES, "<$1x-rules")
      .replace(STYLE_ATTRIBUTE, `$1 ${STYLE}=`),
    "text/html",
  );
  yield;
  const rules = html.includes("mso-list") ? doc.documentElement.innerHTML : "";
  for (const node of doc.querySelectorAll(NOTHING)) node.remove();
  yield;
  wordLists(doc, rules);
  yield;
  for (const node of doc.querySelectorAll(`[${STYLE}]`)) {
    applyStyle(node as HTMLElement);
    yield;
  }
  for (const link of doc.querySelectorAll("a")) {
    checkLink(link);
    yield;
  }
  for (const mark of doc.querySelectorAll("[data-ai], [data-suggest], [data-suggest-del], [data-reason]"))
    for (const name of ["data-ai", "data-suggest", "data-suggest-del", "data-reason"])
      mark.removeAttribute(name);
  for (const gone of doc.querySelectorAll("del")) replaceWith(gone, doc.createElement("s"));
  return doc;
}

/** Word puts the rules of its lists into a comment. */
const keptList = (comment: string): string =>
  comment.includes("@list") ? `<x-rules>${comment.slice(4, -3)}</x-rules>` : "";

function applyStyle(node: HTMLElement): void {
  const style = declarations(node.getAttribute(STYLE) ?? "");
  node.removeAttribute(STYLE);
  const says = (name: string) => style.get(name) ?? "";
  if (says("display") === "none" || says("mso-hide") === "all") {
    node.remove();
    return;
  }
  const weight = says("font-weight");
  const bold = weight.startsWith("bold") || Number.parseInt(weight, 10) >= 600;
  const decoration = `${says("text-decoration")} ${says("text-decoration-line")}`;
  const inLink = node.closest("a") !== null;
  if (/^(B|STRONG)$/.test(node.tagName) && weight && !bold) unwrap(node);
  if (/^(I|EM)$/.test(node.tagName) && says("font-style") === "normal") unwrap(node);
  if (bold && !node.closest(HEADINGS)) wrapWords(node, "strong");
  if (/italic|oblique/.test(says("font-style"))) wrapWords(node, "em");
  if (/underline/.test(decoration) && !inLink) wrapWords(node, "u");
  if (/line-through/.test(decoration)) wrapWords(node, "s");
}

function declarations(style: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const part of style.toLowerCase().split(";")) {
    const colon = part.indexOf(":");
    if (colon > 0) found.set(part.slice(0, colon).trim(), part.slice(colon + 1).trim());
  }
  return found;
}

/** Wraps the text of a node in an element, inside the lines that it may contain. */
function wrapWords(node: Element, name: string): void {
  const walker = node.ownerDocument.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  const words: Text[] = [];
  while (walker.nextNode()) words.push(walker.currentNode as Text);
  for (const text of words) {
    if (text.data.trim() === "" && text.data.includes("\n")) continue;
    const element = node.ownerDocument.createElement(name);
    text.replaceWith(element);
    element.append(text);
  }
}

const unwrap = (node: Element): void => node.replaceWith(...node.childNodes);

function replaceWith(node: Element, other: Element): void {
  other.append(...node.childNodes);
  node.replaceWith(other);
}

/** Google Docs replaces links by a redirect of its own. */
function checkLink(link: HTMLAnchorElement): void {
  const given = link.getAttribute("href") ?? "";
  const over = /^https:\/\/www\.google\.com\/url\?/.test(given) ? new URL(given).searchParams.get("q") : null;
  const address = safeLink(over ?? given);
  if (address === null) unwrap(link);
  else link.setAttribute("href", address);
}

/** Paragraphs of Word that are list items. `rules` says which of them are numbered. */
function wordLists(doc: Document, rules: string): void {
  let current = "";
  let list: Element | null = null;
  for (const item of doc.querySelectorAll(`[${STYLE}*="mso-list"]`)) {
    const style = item.getAttribute(STYLE) ?? "";
    if (/mso-list:\s*ignore/i.test(style)) {
      item.remove();
      continue;
    }
    const [, id, level] = LIST.exec(style) ?? [];
    if (id === undefined || level === undefined) continue;
    const rule = new RegExp(
      `@list l${id}:level${level}\\s*\\{[^}]*mso-level-number-format:\\s*([\\w-]+)`,
      "i",
    );
    const line = doc.createElement("li");
    line.dataset.list = rule.exec(rules)?.[1] === "bullet" ? "bullet" : "ordered";
    if (Number(level) > 1) line.className = `ql-indent-${Math.min(8, Number(level) - 1)}`;
    line.append(...item.childNodes);
    if (!list || current !== id || item.previousElementSibling !== list) {
      list = doc.createElement("ul");
      current = id;
      item.before(list);
    }
    list.append(line);
    item.remove();
  }
}
