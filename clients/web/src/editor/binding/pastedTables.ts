// Tables of pasted HTML, as in files: a row is a line with its cells between tabs; a table of one column is its lines.

import { count, type Losses } from "../text/losses";
import { TAB, unwrap } from "./pastedStyles";

/** Elements that would end a line inside a cell. */
const LINES =
  "p, div, h1, h2, h3, h4, h5, h6, ul, ol, li, dl, dt, dd, blockquote, pre, section, article, figure, figcaption, header, footer, address, form, fieldset";
const MOST_COLUMNS = 200;

export function* tablesToLines(doc: Document, losses: Losses): Generator<undefined> {
  // Inner tables first.
  for (const table of [...doc.querySelectorAll("table")].reverse()) {
    const rows = [...table.rows];
    const made: Element[] = [];
    const narrow = rows.every((row) => row.cells.length <= 1);
    for (const row of rows) {
      const line = doc.createElement(narrow ? "div" : "p");
      for (const [nth, cell] of [...row.cells].entries()) {
        if (nth > 0) line.append(doc.createElement(TAB));
        if (!narrow) oneLine(cell);
        line.append(...cell.childNodes);
        const over = Math.min(cell.colSpan, MOST_COLUMNS) - 1;
        if (nth < row.cells.length - 1)
          for (let more = 0; more < over; more += 1) line.append(doc.createElement(TAB));
      }
      made.push(line);
      yield;
    }
    // The caption, and what stands in a table where nothing may.
    const others = [...table.children].filter(
      (each) => !/^(T(HEAD|BODY|FOOT|R)|COLGROUP|COL)$/.test(each.tagName),
    );
    table.replaceWith(...others, ...made);
    if (!narrow) count(losses, "tables");
  }
}

/** The words of a cell in one line, without blanks at its ends. */
function oneLine(cell: HTMLElement): void {
  for (const end of cell.querySelectorAll("br")) end.replaceWith(" ");
  for (const block of cell.querySelectorAll(LINES)) {
    block.before(" ");
    block.after(" ");
    unwrap(block);
  }
  for (const tab of cell.querySelectorAll(TAB)) tab.replaceWith(" ");
  cell.normalize();
  const walker = cell.ownerDocument.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode()) texts.push(walker.currentNode as Text);
  for (const text of texts) {
    text.data = text.data.replace(/^[\s\u00a0]+/, "");
    if (text.data) break;
  }
  for (const text of texts.reverse()) {
    text.data = text.data.replace(/[\s\u00a0]+$/, "");
    if (text.data) break;
  }
}
