// Formats of pasted HTML that stand in styles and in rules of style sheets, as elements.

/** The name under which an inline style travels. */
export const STYLE = "data-was-style";
/** An element for a tab, which HTML would fold. */
export const TAB = "x-tab";
const HEADINGS = "h1, h2, h3, h4, h5, h6";
/** Rules of a style sheet that are looked at. */
const MOST_RULES = 2000;
const KEPT = ["font-weight", "font-style", "text-decoration-line", "white-space", "display"];
const MOST_TABS = 20;

/** The formats that rules of a style sheet give, written into the elements' own styles. */
export function* styleByRules(doc: Document, rules: string): Generator<undefined> {
  if (!rules.includes("{")) return;
  const sheet = new CSSStyleSheet();
  // What is no style sheet has no rules.
  sheet.replaceSync(rules.replaceAll(/<!--|-->/g, ""));
  const all = [...sheet.cssRules].slice(0, MOST_RULES);
  // Each is written in front of those behind it, which have precedence.
  for (const rule of all.reverse()) {
    if (!(rule instanceof CSSStyleRule)) continue;
    const said = KEPT.map((name) => [name, rule.style.getPropertyValue(name)] as const).filter(
      ([name, value]) => value !== "" && (name !== "display" || value === "none"),
    );
    if (said.length === 0) continue;
    const style = said.map(([name, value]) => `${name}:${value}`).join(";");
    for (const node of found(doc, rule.selectorText))
      node.setAttribute(STYLE, `${style};${node.getAttribute(STYLE) ?? ""}`);
    yield;
  }
}

function found(doc: Document, selector: string): Iterable<Element> {
  try {
    return doc.body.querySelectorAll(selector);
  } catch {
    return []; // a pseudo-element
  }
}

/** Replaces a node's style by elements. False for a node with words that are not shown: it is removed. */
export function applyStyle(node: HTMLElement): boolean {
  const style = declarations(node.getAttribute(STYLE) ?? "");
  node.removeAttribute(STYLE);
  const says = (name: string) => style.get(name) ?? "";
  if (says("display") === "none" || says("mso-hide") === "all") {
    node.remove();
    return !node.textContent?.trim();
  }
  keepTabs(node, says);
  const weight = says("font-weight") || (/\b(bold|[6-9]00)\b/.exec(says("font"))?.[1] ?? "");
  const bold = weight.startsWith("bold") || Number.parseInt(weight, 10) >= 600;
  const slanted = /italic|oblique/.test(`${says("font-style")} ${says("font")}`);
  const decoration = `${says("text-decoration")} ${says("text-decoration-line")}`;
  const inLink = node.closest("a") !== null;
  if (/^(B|STRONG)$/.test(node.tagName) && weight && !bold) unwrap(node);
  if (/^(I|EM)$/.test(node.tagName) && says("font-style") === "normal") unwrap(node);
  if (bold && !node.closest(HEADINGS)) wrapWords(node, "strong");
  if (slanted) wrapWords(node, "em");
  if (/underline/.test(decoration) && !inLink) wrapWords(node, "u");
  if (/line-through/.test(decoration)) wrapWords(node, "s");
  return true;
}

function declarations(style: string): Map<string, string> {
  const all = new Map<string, string>();
  for (const part of style.toLowerCase().split(";")) {
    const colon = part.indexOf(":");
    if (colon > 0) all.set(part.slice(0, colon).trim(), part.slice(colon + 1).trim());
  }
  return all;
}

/** Tabs of Word, and those in text whose blanks count. */
function keepTabs(node: HTMLElement, says: (name: string) => string): void {
  const doc = node.ownerDocument;
  const tabs = Number.parseInt(says("mso-tab-count"), 10);
  if (tabs > 0) {
    const all = Array.from({ length: Math.min(tabs, MOST_TABS) }, () => doc.createElement(TAB));
    node.replaceChildren(...all);
  } else if (/^(pre|break-spaces)/.test(says("white-space")) && node.textContent?.includes("\t")) {
    for (const text of textsIn(node)) {
      const [first = "", ...rest] = text.data.split("\t");
      text.replaceWith(first, ...rest.flatMap((words) => [doc.createElement(TAB), words]));
    }
  }
}

function textsIn(node: Element): Text[] {
  const walker = node.ownerDocument.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode()) texts.push(walker.currentNode as Text);
  return texts;
}

/** Wraps the text of a node in an element, inside the lines that it may contain. */
function wrapWords(node: Element, name: string): void {
  for (const text of textsIn(node)) {
    if (text.data.trim() === "" && text.data.includes("\n")) continue;
    const element = node.ownerDocument.createElement(name);
    text.replaceWith(element);
    element.append(text);
  }
}

export const unwrap = (node: Element): void => node.replaceWith(...node.childNodes);

export function replaceWith(node: Element, other: Element): void {
  other.append(...node.childNodes);
  node.replaceWith(other);
}
