// Text as blocks to display, from pieces that each have an author. Line formats of a delta are on the newline that
// ends the line.

import type { Piece } from "../../room/http/historyApi";

export interface Part {
  text: string;
  author: string;
  bold: boolean;
  italic: boolean;
}
export interface Block {
  Tag: "p" | "h2" | "h3" | "blockquote" | "li";
  parts: Part[];
}

export function blocksOf(pieces: readonly Piece[]): Block[] {
  const blocks: Block[] = [];
  let parts: Part[] = [];
  for (const { insert, attributes, author } of pieces) {
    const text = typeof insert === "string" ? insert : "\ufffc";
    for (const [number, line] of text.split("\n").entries()) {
      if (number > 0) {
        blocks.push({ Tag: tagOf(attributes), parts });
        parts = [];
      }
      if (line)
        parts.push({
          text: line,
          author,
          bold: attributes?.bold === true,
          italic: attributes?.italic === true,
        });
    }
  }
  if (parts.length > 0) blocks.push({ Tag: "p", parts });
  return blocks;
}

function tagOf(attributes: Piece["attributes"]): Block["Tag"] {
  const header = attributes?.header;
  if (typeof header === "number") return header === 1 ? "h2" : "h3";
  if (attributes?.blockquote) return "blockquote";
  return attributes?.list ? "li" : "p";
}
