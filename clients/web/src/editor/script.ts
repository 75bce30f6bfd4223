// What each line of a screenplay is, by the rules of Fountain (https://fountain.io/syntax) and exactly as the server's
// formats/fountain.py has them: proto/vectors/fountain.json is checked by both.

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
  | "page_break";

const SCENE = /^(?:INT|EXT|EST|INT\.?\/EXT|EXT\.?\/INT|I\/E|ИНТ|НАТ|ИНТ\.?\/НАТ|НАТ\.?\/ИНТ)[. ]/iu;
const CUTS = ["TO:", "В:", "НА:"];
const SPEECH: ReadonlySet<Element> = new Set(["character", "parenthetical", "dialogue"]);

export function elementsOf(lines: readonly string[]): Element[] {
  const found: Element[] = [];
  for (const [index, line] of lines.entries()) {
    const followed = (lines[index + 1] ?? "").trim() !== "";
    found.push(elementOf(line.trim(), found.at(-1) ?? "blank", followed));
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
  if (!inCapitals(text.replace(/\(.*?\)/g, ""))) return "action";
  if (followed) return "character";
  return CUTS.some((cut) => text.endsWith(cut)) ? "transition" : "action";
}

/** What the first character of a line makes of it. */
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
