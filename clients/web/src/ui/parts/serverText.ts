// The server's notes on models and its errors, in the language of the page where it has the text.

import type { BetterModel, ModelInfo, RunInfo } from "../../protocol/messages";
import type { ApiError } from "../../room/http/httpApi";
import { isPainting } from "../../room/runs";
import { t } from "../../strings";

/** What a model is good at, or why it does not answer. */
export function noteOf(model: Pick<ModelInfo, "note" | "note_key" | "note_values">, words = t): string {
  const { notes } = words.models;
  const word = Object.hasOwn(notes, model.note_key) ? notes[model.note_key] : undefined;
  return word ? word(...model.note_values) : model.note;
}

/** How far a better model is, or why it does not serve. */
export function betterNews(better: BetterModel, serving: string, words = t): string {
  const { better: news, reasons } = words.models;
  const percent = Math.floor(100 * better.fraction);
  switch (better.stage) {
    case "fetches":
      return news.fetches(better.name, percent, better.megabytes);
    case "stays": {
      const word = Object.hasOwn(reasons, better.reason_key) ? reasons[better.reason_key] : undefined;
      return news.stays(better.name, word ? word(...better.reason_values) : better.reason, serving);
    }
    default:
      return news[better.stage](better.name);
  }
}

/** What went wrong, by its code; the server's own words say what exactly. */
export function errorText(code: string, message: string, words = t): string {
  const sentence = Object.hasOwn(words.said, message) ? words.said[message] : undefined;
  if (sentence) return sentence;
  const known = Object.hasOwn(words.errors, code) ? words.errors[code] : undefined;
  return known ? known(message) : message || code;
}

/** Why a request over HTTP failed. */
export const requestProblem = ({ code, message }: ApiError): string =>
  message ? errorText(code, message) : t.lobby.unreachable;

/** The error of a run. */
export function runProblem(run: RunInfo): string {
  if (isPainting(run) && run.error_code === "conflict") return t.notices.frame_gone();
  return errorText(run.error_code, run.error);
}
