// What we ask of the model that writes. Every request resolves with its run, or null when it was refused.

import type { Mode, RunInfo, Task, TextParams } from "../protocol/messages";
import type { Range, RoomPort } from "./roomPort";
import type { Runs } from "./runs";

export class StoryRequests {
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
  }): Promise<RunInfo | null> {
    const place = await this.port.locate(request.range);
    if (!place) return null;
    const { task, mode, instruction = "", params = {} } = request;
    return this.answered((ask) =>
      this.port.send({ tag: "ask", ask, task, mode, ...place, instruction, params }),
    );
  }

  /** Put an alternative in the place of a token that a run wrote; with `goOn` the run writes on from there. */
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

  /** The same once more with another seed; what the run wrote makes way. One that still writes is stopped first. A
   * second press before the answer is the first one's. */
  retry(run: string): Promise<RunInfo | null> {
    const under = this.retries.get(run);
    if (under) return under;
    this.port.flush();
    const answer = this.answered((ask) => this.port.send({ tag: "retry", ask, run }));
    this.retries.set(run, answer);
    void answer.then(() => this.retries.delete(run));
    return answer;
  }

  /** Put a candidate, or what was written for us alone, into the text. */
  choose(run: string, mode: "write" | "suggest"): void {
    this.port.send({ tag: "choose", run, mode });
  }

  private answered(send: (ask: number) => boolean): Promise<RunInfo | null> {
    const { ask, answer } = this.runs.begin();
    if (!send(ask)) this.runs.settle(ask, null);
    return answer;
  }
}
