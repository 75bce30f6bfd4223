// Requests to the models: starting runs and controlling them. A request that starts a run resolves with the run, or
// with null when it was refused.

import type {
  ClientMessage,
  ImageParams,
  ImageTask,
  Mode,
  ModelInfo,
  RunInfo,
  Task,
  TextParams,
  TextSteer,
} from "../protocol/messages";
import type { Range, RoomPort } from "./roomPort";
import { isActive, type Runs } from "./runs";

/** An `error` about one of these settles the request that waits for its run. */
export const BEGINNING: ReadonlySet<string> = new Set([
  "ask",
  "paint",
  "perform",
  "replace_token",
  "retry",
] satisfies ClientMessage["tag"][]);

export class RunRequests {
  /** Runs that are being tried again, until the server has answered. */
  private readonly retries = new Map<string, Promise<RunInfo | null>>();

  constructor(
    private readonly port: RoomPort,
    private readonly runs: Runs,
  ) {}

  /** Ask at a place of our copy; with a length it is the selection that the task is about. */
  async ask(request: {
    task: Task;
    mode: Mode;
    range: () => Range;
    instruction?: string;
    params?: TextParams;
    model?: string;
  }): Promise<RunInfo | null> {
    const place = await this.port.locate(request.range);
    if (!place) return null;
    const { task, mode, instruction = "", params = {}, model = "" } = request;
    return this.answered((ask) =>
      this.port.send({ tag: "ask", ask, task, mode, ...place, instruction, params, model }),
    );
  }

  /** Replace a token that a run wrote by an alternative; with `goOn` the run continues from there. */
  async replaceToken(request: {
    run: string;
    token: number;
    alternative: number;
    range: () => Range | null;
    goOn: boolean;
  }): Promise<RunInfo | null> {
    const place = await this.port.locate(request.range);
    if (!place) return null;
    const { run, token, alternative, goOn: go_on } = request;
    return this.answered((ask) =>
      this.port.send({ tag: "replace_token", ask, run, token, alternative, ...place, go_on, params: {} }),
    );
  }

  /** Ask for the same again with another seed, in place of what the run wrote. A run that still writes is stopped first. A
   * second call before the answer returns the first one's promise. */
  retry(run: string): Promise<RunInfo | null> {
    const under = this.retries.get(run);
    if (under) return under;
    this.port.flush();
    const answer = this.answered((ask) => this.port.send({ tag: "retry", ask, run }));
    this.retries.set(run, answer);
    void answer.then(() => this.retries.delete(run));
    return answer;
  }

  /** Put a candidate, a private answer, or one of the `fills` of a run into the text. */
  choose(run: string, mode: "write" | "suggest", text = ""): void {
    this.port.send({ tag: "choose", run, mode, text });
  }

  /** Paint a frame, once the server has the frame and what is drawn in it. */
  async paint(request: {
    frame: string;
    task: ImageTask;
    prompt: string;
    params: ImageParams;
    source: string | null;
    mask?: string | null;
    live?: boolean;
  }): Promise<RunInfo | null> {
    if (!(await this.port.whenSettled())) return null;
    return this.answered((paint) =>
      this.port.send({ tag: "paint", paint, mask: null, live: false, ...request }),
    );
  }

  /** Start the band. */
  perform(): Promise<RunInfo | null> {
    return this.answered((perform) => this.port.send({ tag: "perform", perform, seed: null }));
  }

  stop(run: string): void {
    this.port.send({ tag: "stop", run });
  }

  /** Resolves true when the change was applied, false when it was refused or the run ended first. */
  async steer(run: string, change: TextSteer): Promise<boolean> {
    const now = () => this.runs.all.value.get(run);
    const epoch = now()?.epoch ?? 0;
    let over = false;
    const arrived = () => {
      const known = now();
      over = known === undefined || !isActive(known);
      return over || this.runs.answered(run, epoch);
    };
    return (await this.port.request({ tag: "steer", run, change, image: null }, run, arrived)) && !over;
  }

  /** Settle a suggestion, whole or only a range of it. */
  decide(verdict: "accept" | "reject", run: string, range: Range | null = null): void {
    const { offset, start, end } = this.port.placeOf(range ?? { start: 0, end: 0 });
    this.port.send({ tag: verdict, run, offset, start: range && start, end: range && end });
  }

  /** Undo what a run made. Our pending edits are sent first. */
  undo(run: string): void {
    this.port.flush();
    this.port.send({ tag: "undo", run, surface: null, step: 0 });
  }

  /** Let another model serve all rooms. */
  useModel(modality: ModelInfo["modality"], model: string): void {
    this.port.send({ tag: "use_model", modality, model });
  }

  private answered(send: (ask: number) => boolean): Promise<RunInfo | null> {
    const { ask, answer } = this.runs.begin();
    if (!send(ask)) this.runs.settle(ask, null);
    return answer;
  }
}
