// Prepares pasted HTML before Quill reads it: styles become elements (our pages have no inline styles, and would empty
// them), lists of Word become lists, tables become lines, addresses that the room does not allow lose their link. What
// the room has no place for is counted, as in files (`server/antiphon_server/formats/notices.py`).

import { safeLink } from "../text/links";
import { count, type Losses } from "../text/losses";
import { applyStyle, replaceWith, STYLE, styleByRules, unwrap } from "./pastedStyles";
import { tablesToLines } from "./pastedTables";

/** Nothing of these is shown to a reader of the page. */
const NOTHING = "script, template, title, x-rules, head > *";
/** Names under which styles and their rules travel: nothing is applied, and nothing is reported. */
const RULES = /<(\/?)style\b/gi;
const STYLE_ATTRIBUTE = /(<[a-z][^>]*?)\sstyle\s*=/gi;
const LIST = /mso-list:\s*l(\d+)\s+level(\d+)/i;
/** Words of these do not run on from those before them; Quill does not know it. */
const APART =
  "summary, details, legend, aside, center, caption, option, button, dialog, hgroup, dir, menu, search, optgroup";
const OBJECTS = "iframe, object, embed, video, audio, canvas";
const SCENE_BREAK = "* * *";
const EMOJI = /^\p{Extended_Pictographic}(\p{Extended_Pictographic}|\p{M}|\u200d|\ufe0f)*$/u;
/** Notion and Markdown write the box of an item so. */
const TICK = /^\s*\[([ xX])\]\s+/;
/** The number of a note. */
const NOTE = /^\s*(\d{1,4})\s*$/;
/** Pixels of a picture that nobody sees. */
const TRACKER = 3;

/** `html` as elements whose names carry all formats; pauses between them. */
export function* prepared(html: string, losses: Losses): Generator<undefined, Document> {
  const doc = new DOMParser().parseFromString(
    html
      .replace(/<!--[\s\S]*?-->/g, keptRules)
      .replace(RULES, "<$1x-rules")
      .replace(STYLE_ATTRIBUTE, `$1 ${STYLE}=`),
    "text/html",
  );
  yield;
  const rules = [...doc.querySelectorAll("x-rules")].map((each) => each.textContent ?? "").join("\n");
  for (const node of doc.querySelectorAll(NOTHING)) node.remove();
  yield* styleByRules(doc, rules);
  wordLists(doc, rules);
  yield;
  for (const node of doc.querySelectorAll(`[${STYLE}]`)) {
    if (!applyStyle(node as HTMLElement)) count(losses, "hidden");
    yield;
  }
  for (const link of doc.querySelectorAll("a")) {
    checkLink(link);
    yield;
  }
  for (const mark of doc.querySelectorAll("[data-ai], [data-suggest], [data-suggest-del], [data-reason]"))
    for (const name of ["data-ai", "data-suggest", "data-suggest-del", "data-reason"])
      mark.removeAttribute(name);
  for (const gone of doc.querySelectorAll("del")) rename(gone, "s");
  for (const come of doc.querySelectorAll("ins")) rename(come, "u");
  for (const apart of doc.querySelectorAll(APART)) rename(apart, "div");
  yield;
  withoutObjects(doc, losses);
  readings(doc, losses);
  checkBoxes(doc);
  for (const quoted of doc.querySelectorAll("q")) {
    quoted.prepend("\u201c");
    quoted.append("\u201d");
  }
  for (const rule of doc.querySelectorAll("hr")) {
    // Word draws a line above its footnotes.
    if (rule.getAttribute("width") === "33%") rule.remove();
    else replaceWith(rule, line(doc, SCENE_BREAK));
  }
  yield;
  yield* tablesToLines(doc, losses);
  // Quill drops a blank that is a node of its own beside text.
  doc.body.normalize();
  return doc;
}

/** Office programs put the rules of styles and lists into comments. */
const keptRules = (comment: string): string =>
  comment.includes("@list") || (!comment.startsWith("<!--[") && comment.includes("{"))
    ? `<x-rules>${comment.slice(4, -3)}</x-rules>`
    : "";

function line(doc: Document, words: string): Element {
  const made = doc.createElement("p");
  made.append(words);
  return made;
}

const rename = (node: Element, name: string): void =>
  replaceWith(node, node.ownerDocument.createElement(name));

/** Pictures and other objects, which the text has no place for, and formulas, of which the letters stay. */
function withoutObjects(doc: Document, losses: Losses): void {
  for (const formula of doc.querySelectorAll("math")) {
    for (const other of formula.querySelectorAll("annotation, annotation-xml")) other.remove();
    formula.replaceWith((formula.textContent ?? "").replace(/\s+/g, " ").trim());
    count(losses, "formulas");
  }
  for (const unseen of doc.querySelectorAll("noscript")) {
    if (unseen.textContent?.trim()) count(losses, "hidden");
    unseen.remove();
  }
  for (const picture of doc.querySelectorAll("img, svg")) {
    const words = picture.getAttribute("alt")?.trim() ?? "";
    if (EMOJI.test(words)) picture.replaceWith(words);
    else {
      const side = Math.max(
        ...["width", "height"].map((name) => Number.parseFloat(picture.getAttribute(name) ?? "99")),
      );
      const box = picture.closest('li[role="checkbox"]');
      if (!box && !(side <= TRACKER)) count(losses, "pictures");
      picture.remove();
    }
  }
  for (const object of doc.querySelectorAll(OBJECTS)) {
    count(losses, "objects");
    object.remove();
  }
}

/** Readings of ruby stand in brackets. */
function readings(doc: Document, losses: Losses): void {
  for (const bracket of doc.querySelectorAll("rp")) bracket.remove();
  for (const reading of doc.querySelectorAll("rt")) {
    if (!reading.textContent?.trim()) continue;
    reading.prepend("(");
    reading.append(")");
    count(losses, "readings");
  }
}

/** Items of check lists, as the web's programs mark them. */
function checkBoxes(doc: Document): void {
  for (const item of doc.querySelectorAll("li")) {
    const box = item.querySelector(
      ':scope > input[type="checkbox"], :scope > :is(p, label) > input[type="checkbox"]',
    );
    const written = TICK.exec(item.textContent ?? "");
    const said =
      item.getAttribute("role") === "checkbox"
        ? item.getAttribute("aria-checked")
        : (item.parentElement?.getAttribute("data-checked") ?? item.getAttribute("data-checked"));
    if (!box && !written && said === null) continue;
    const ticked = said === "true" || box?.hasAttribute("checked") || (written && written[1] !== " ");
    item.dataset.list = ticked ? "checked" : "unchecked";
    box?.remove();
    const words = written && doc.createTreeWalker(item, NodeFilter.SHOW_TEXT);
    while (words?.nextNode()) {
      const text = words.currentNode as Text;
      if (!TICK.test(text.data)) continue;
      text.data = text.data.replace(TICK, "");
      break;
    }
  }
}

/** Google Docs replaces links by a redirect of its own; the bare number of a note would run into the word before it. */
function checkLink(link: HTMLAnchorElement): void {
  const given = link.getAttribute("href") ?? "";
  const number = given.startsWith("#") ? NOTE.exec(link.textContent ?? "")?.[1] : undefined;
  if (number) link.textContent = link.previousSibling || link.closest("sup") ? `[${number}]` : `[${number}] `;
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
    const made = doc.createElement("li");
    made.dataset.list = rule.exec(rules)?.[1] === "bullet" ? "bullet" : "ordered";
    if (Number(level) > 1) made.className = `ql-indent-${Math.min(8, Number(level) - 1)}`;
    made.append(...item.childNodes);
    if (!list || current !== id || item.previousElementSibling !== list) {
      list = doc.createElement("ul");
      current = id;
      item.before(list);
    }
    list.append(made);
    item.remove();
  }
}
