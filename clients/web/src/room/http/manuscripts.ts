// Export and import of the story; the server converts the files.

import type { Op } from "../document/delta";
import type { RoomHttp } from "./roomHttp";

export const OUT = [
  "md",
  "docx",
  "pdf",
  "epub",
  "odt",
  "rtf",
  "html",
  "txt",
  "fountain",
  "fdx",
  "json",
] as const;
export type OutFormat = (typeof OUT)[number];
/** Extensions of files that can be imported, and their formats. */
export const IN: Record<string, string> = {
  md: "md",
  markdown: "md",
  html: "html",
  htm: "html",
  docx: "docx",
  odt: "odt",
  rtf: "rtf",
  epub: "epub",
  txt: "txt",
  fountain: "fountain",
  fdx: "fdx",
};

/** A difference between the file and the room; the strings have a text for each code. */
export interface FileNotice {
  code: string;
  count: number;
}

export interface Encoding {
  name: string;
  /** False: the person is asked, with `choices`. */
  sure: boolean;
  choices: { encoding: string; preview: string }[];
}

export interface Converted {
  title: string;
  ops: Op[];
  notices: FileNotice[];
  /** Of text files. */
  encoding: Encoding | null;
}

export class Manuscripts {
  constructor(private readonly http: RoomHttp) {}

  /** Throws ApiError with the server's message, or "" when it does not answer. */
  async export(format: OutFormat, authorship: boolean): Promise<{ file: File; notices: FileNotice[] }> {
    const answer = await this.http.request(`export?format=${format}&authorship=${authorship ? 1 : 0}`);
    const named = /filename\*=UTF-8''([^;]+)/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1];
    const name = named ? decodeURIComponent(named) : `story.${format}`;
    const notices = noticesIn(answer.headers.get("Antiphon-Notices") ?? "");
    return { file: new File([await answer.blob()], name), notices };
  }

  /** The contents of a file; `encoding` is the person's choice, or "". Throws ApiError. */
  async read(file: File, encoding = ""): Promise<Converted> {
    const ending = file.name.split(".").at(-1)?.toLowerCase() ?? "";
    const format = IN[ending] ?? ending;
    const chosen = encoding ? `&encoding=${encodeURIComponent(encoding)}` : "";
    const answer = await this.http.post(`import?format=${encodeURIComponent(format)}${chosen}`, file);
    return (await answer.json()) as Converted;
  }
}

/** The name of an exported file in the page's language: the server calls the file of a text without a title "untitled". */
export function exportName(name: string, untitled: string): string {
  return name.replace(/^untitled(?=\.\w+$)/, untitled);
}

/** `links=3, glyphs=2` */
export function noticesIn(header: string): FileNotice[] {
  return [...header.matchAll(/(\w+)=(\d+)/g)].map(([, code = "", count]) => ({ code, count: Number(count) }));
}
