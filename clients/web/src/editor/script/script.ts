// What each line of a screenplay is, by the rules of Fountain (https://fountain.io/syntax) and exactly as the server's
// formats/fountain.py has them: proto/vectors/fountain.json is checked by both. Linear in the text.

export type Element =
  | "blank"
  | "scene"
  | "action"
  | "character"
  | "parenthetical"
  | "dialogue"
  | "transition"
  | "centered"
  | "lyric"
  | "section"
  | "synopsis"
  | "page_break"
  | "title_page"
  | "note";

/** A line: its element, and its text without notes and boneyards. */
export interface ScriptLine {
  kind: Element;
  shown: string;
}

const SCENE = /^(?:INT|EXT|EST|INT\.?\/EXT|EXT\.?\/INT|I\/E|ИНТ|НАТ|ИНТ\.?\/НАТ|НАТ\.?\/ИНТ)[. ]/iu;
const TITLE_KEY =
  /^(?:title|credit|author|authors|source|notes|draft date|date|contact|copyright|contact info|revision)\s*:/i;
const MARKS = /\/\*|\*\/|\[\[|\]\]/g;
const ENDS: Record<string, string> = { "/*": "*/", "[[": "]]" };
const CUTS = ["TO:", "В:", "НА:"];
const SPEECH: ReadonlySet<Element> = new Set(["character", "parenthetical", "dialogue"]);
const MAX_NOTES_BETWEEN = 20;

export const elementsOf = (lines: readonly string[]): Element[] => scriptOf(lines).map((line) => line.kind);

export function scriptOf(lines: readonly string[]): ScriptLine[] {
  const hidden = hiddenIn(lines);
  const shown = lines.map((line, number) => without(line, hidden[number] ?? []).trim());
  const titles = titleLines(lines);
  let before: Element = "blank";
  return shown.map((text, number) => {
    if (number < titles) return { kind: "title_page", shown: text };
    const isNote = (at: number) => shown[at] === "" && (hidden[at]?.length ?? 0) > 0;
    // Lines that are not printed do not end a speech.
    if (isNote(number)) return { kind: "note", shown: "" };
    let next = number + 1;
    while (next < number + MAX_NOTES_BETWEEN && isNote(next)) next += 1;
    before = elementOf(text, before, (shown[next] ?? "") !== "");
    return { kind: before, shown: text };
  });
}

/** A character's name without what stands behind it in brackets, such as (V.O.). */
export function withoutBrackets(text: string): string {
  let kept = "";
  let at = 0;
  for (;;) {
    const start = text.indexOf("(", at);
    const end = start < 0 ? -1 : text.indexOf(")", start);
    if (end < 0) return (kept + text.slice(at)).trim();
    kept += text.slice(at, start);
    at = end + 1;
  }
}

function titleLines(lines: readonly string[]): number {
  if (!TITLE_KEY.test(lines[0] ?? "")) return 0;
  const end = lines.findIndex((line) => line.trim() === "");
  return end < 0 ? lines.length : end;
}

function without(line: string, spans: readonly [number, number][]): string {
  let kept = "";
  let at = 0;
  for (const [start, end] of spans) {
    kept += line.slice(at, start);
    at = end;
  }
  return kept + line.slice(at);
}

/** Notes [[ ]] and boneyards, also over several lines; one without an end is plain text. */
function hiddenIn(lines: readonly string[]): [number, number][][] {
  const found: [number, number][][] = lines.map(() => []);
  let opened: { mark: string; line: number; start: number } | null = null;
  for (const [number, line] of lines.entries()) {
    if (opened?.mark === "[[" && line.trim() === "" && line !== "  ") opened = null;
    for (const { 0: mark, index } of line.matchAll(MARKS)) {
      if (!opened) {
        if (ENDS[mark]) opened = { mark, line: number, start: index };
      } else if (mark === ENDS[opened.mark]) {
        for (let each = opened.line; each <= number; each += 1) {
          const start = each === opened.line ? opened.start : 0;
          const end = each === number ? index + mark.length : (lines[each]?.length ?? 0);
          found[each]?.push([start, end]);
        }
        opened = null;
      }
    }
  }
  return found;
}

function elementOf(text: string, before: Element, followed: boolean): Element {
  if (text === "") return "blank";
  if (text.startsWith("===")) return "page_break";
  const forced = forcedBy(text);
  if (forced) return forced;
  if (SPEECH.has(before)) return text.startsWith("(") && text.endsWith(")") ? "parenthetical" : "dialogue";
  if (before !== "blank") return "action";
  if (SCENE.test(text)) return "scene";
  if (!inCapitals(withoutBrackets(text))) return "action";
  if (followed) return "character";
  return CUTS.some((cut) => text.endsWith(cut)) ? "transition" : "action";
}

/** Elements by the first character of their line. */
function forcedBy(text: string): Element | null {
  switch (text[0]) {
    case ".":
      return text.startsWith("..") ? null : "scene";
    case "!":
      return "action";
    case "@":
      return "character";
    case "~":
      return "lyric";
    case "#":
      return "section";
    case "=":
      return "synopsis";
    case ">":
      return text.endsWith("<") ? "centered" : "transition";
    default:
      return null;
  }
}

const inCapitals = (text: string): boolean => text === text.toUpperCase() && text !== text.toLowerCase();
