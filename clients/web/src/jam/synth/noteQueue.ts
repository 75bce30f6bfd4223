// Notes that wait for their time in the synthesiser's worklet.

/** Seconds of the AudioContext; `until` null: until it is released. */
export interface TimedNote {
  channel: number;
  pitch: number;
  velocity: number;
  at: number;
  until: number | null;
}

interface Due {
  at: number;
  /** Order of arrival, so that a release never overtakes its key. */
  order: number;
  channel: number;
  pitch: number;
  /** 0 releases. */
  velocity: number;
  until: number | null;
}

/** Later ones are refused and counted: a page that floods itself must not grow without bound. */
const MAX_WAITING = 8192;

export class NoteQueue {
  refused = 0;
  private waiting: Due[] = [];
  private order = 0;

  /** At `now` or in the past: due at once. */
  add(note: TimedNote): void {
    this.push({ ...note, order: 0 });
  }

  /** Not before its key: another's delay shrinks with the line's, and a key that came after its release would stay down. */
  release(channel: number, pitch: number, at: number): void {
    const key = this.waiting.findLast(
      (each) => each.channel === channel && each.pitch === pitch && each.velocity > 0 && each.until === null,
    );
    const after = Math.max(at, key?.at ?? at);
    this.push({ channel, pitch, velocity: 0, at: after, until: null, order: 0 });
  }

  /** The notes due by `time`, in order. Starting a note queues its end. */
  take(time: number): Due[] {
    let count = 0;
    while (count < this.waiting.length && (this.waiting[count] as Due).at <= time) count += 1;
    const due = this.waiting.splice(0, count);
    for (const note of due) {
      if (note.velocity > 0 && note.until !== null) this.release(note.channel, note.pitch, note.until);
    }
    return due;
  }

  /** Cancels keys that would be pressed on a channel from `at` on; sounding ones are still released. */
  cancel(channel: number, at: number): void {
    this.waiting = this.waiting.filter(
      (each) => each.channel !== channel || each.velocity === 0 || each.at < at,
    );
  }

  /** Forgets all that waits on a channel. */
  clear(channel: number): void {
    this.waiting = this.waiting.filter((each) => each.channel !== channel);
  }

  get length(): number {
    return this.waiting.length;
  }

  private push(due: Due): void {
    if (this.waiting.length >= MAX_WAITING && due.velocity > 0) {
      this.refused += 1;
      return;
    }
    this.order += 1;
    due.order = this.order;
    let low = 0;
    let high = this.waiting.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.waiting[middle] as Due).at <= due.at) low = middle + 1;
      else high = middle;
    }
    this.waiting.splice(low, 0, due);
  }
}
