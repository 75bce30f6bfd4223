// The story as a file, and files as text for it: the server converts both ways.

import type { Op } from "../editor/delta";
import { ApiError, messageOf } from "./api";

export const OUT = ["md", "docx", "pdf", "epub", "html", "txt", "fountain", "json"] as const;
export type OutFormat = (typeof OUT)[number];
/** Endings of files that can be read, and the format that each names. */
export const IN: Record<string, string> = {
  md: "md",
  markdown: "md",
  html: "html",
  htm: "html",
  docx: "docx",
  epub: "epub",
  txt: "txt",
  fountain: "fountain",
};

export interface Converted {
  title: string;
  ops: Op[];
}

export class Manuscripts {
  constructor(
    private readonly room: () => string,
    private readonly token: () => string,
  ) {}

  /** Throws ApiError with the server's words, or "" when it does not answer. */
  async export(format: OutFormat, authorship: boolean): Promise<File> {
    const answer = await this.call(`export?format=${format}&authorship=${authorship ? 1 : 0}`);
    const named = /filename\*=UTF-8''([^;]+)/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1];
    return new File([await answer.blob()], named ? decodeURIComponent(named) : `story.${format}`);
  }

  /** What a file holds. Throws ApiError. */
  async read(file: File): Promise<Converted> {
    const ending = file.name.split(".").at(-1)?.toLowerCase() ?? "";
    const format = IN[ending] ?? ending;
    const answer = await this.call(`import?format=${encodeURIComponent(format)}`, file);
    return (await answer.json()) as Converted;
  }

  private async call(path: string, body?: Blob): Promise<Response> {
    const address = `/api/rooms/${encodeURIComponent(this.room())}/${path}`;
    const headers = { Authorization: `Bearer ${this.token()}` };
    const request = body ? { method: "POST", headers, body } : { headers };
    const answer = await fetch(address, request).catch(() => null);
    if (!answer) throw new ApiError("");
    if (answer.ok) return answer;
    const words = messageOf(await answer.json().catch(() => null));
    throw new ApiError(words || `${answer.status} ${answer.statusText}`);
  }
}
