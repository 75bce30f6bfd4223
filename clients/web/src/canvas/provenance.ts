// Where a picture comes from, as it stands in the document and as the server knows it.

import type { Picture } from "./objects";

/** What `GET /api/rooms/{room}/authorship` says of an object: [participant, run or null] each. */
export interface Authors {
  creator: readonly [string, string | null];
  editor: readonly [string, string | null];
}

/** The words that a person asked with, without those of the style. */
export function ownWords(picture: Picture): { prompt: string; negative_prompt: string } {
  const fields = frameOf(picture);
  const text = (name: "prompt" | "negative_prompt") => {
    const value = fields[name];
    return typeof value === "string" && (value || name !== "prompt") ? value : null;
  };
  return {
    prompt: text("prompt") ?? picture.prompt,
    negative_prompt:
      text("negative_prompt") ?? (Object.keys(fields).length > 0 ? "" : picture.negative_prompt),
  };
}

/** The frame that the picture took the place of; empty when it says nothing sensible. */
function frameOf(picture: Picture): Record<string, unknown> {
  const stored = parsed(picture.frame);
  return isRecord(stored) && isRecord(stored.fields) ? stored.fields : {};
}

/** Generation parameters; empty when there are none. */
export function paramsOf(picture: Picture): Record<string, unknown> {
  const stored = parsed(picture.params);
  return isRecord(stored) ? stored : {};
}

/** The file that a person takes away: everything that is known, under the names of the protocol. */
export function provenanceFile(
  picture: Picture,
  authors: Authors | null,
  name: (participant: string) => string,
): object {
  const person = (id: string) => ({ id, name: name(id) });
  const made = picture.run
    ? {
        run: picture.run,
        model: picture.model,
        task: picture.task,
        prompt: picture.prompt,
        negative_prompt: picture.negative_prompt,
        asked_with: ownWords(picture),
        style: picture.style,
        seed: picture.seed,
        params: paramsOf(picture),
        asker: person(picture.asker),
        frame: parsed(picture.frame),
      }
    : null;
  return {
    object: picture.id,
    asset: { sha256: picture.asset },
    ai_generated: made !== null,
    made,
    source: picture.source ? { sha256: picture.source } : null,
    mask: picture.mask ? { sha256: picture.mask } : null,
    authors: authors && {
      creator: { ...person(authors.creator[0]), run: authors.creator[1] },
      editor: { ...person(authors.editor[0]), run: authors.editor[1] },
    },
  };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function parsed(text: string): unknown {
  try {
    return text ? (JSON.parse(text) as unknown) : null;
  } catch {
    return null;
  }
}
