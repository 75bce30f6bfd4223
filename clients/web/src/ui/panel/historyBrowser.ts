// Browsing the room's history: its entries, the chosen point, and the text at that point.

import { computed, signal } from "@preact/signals";
import type { Comparison, Group, Missing, PastState } from "../../room/http/historyApi";
import { ApiError } from "../../room/http/httpApi";
import type { Room } from "../../room/room";
import { t } from "../../strings";

/** A hand on the scrubber asks for a point when it has rested on it so long. */
const REST_MS = 120;
/** What is being written shows up in the list so long after. */
const REFRESH_MS = 1500;

export class HistoryBrowser {
  /** Newest first. */
  readonly groups = signal<readonly Group[]>([]);
  /** What the server's storage lost. */
  readonly missing = signal<readonly Missing[]>([]);
  /** The newest entry of all. */
  readonly last = signal(0);
  readonly more = signal(false);
  readonly loading = signal(false);
  readonly problem = signal("");
  /** The point that is looked at; null: the present. */
  readonly seq = signal<number | null>(null);
  readonly moment = signal<PastState | null>(null);
  readonly comparison = signal<Comparison | null>(null);
  readonly comparing = signal(false);
  /** Whether somebody looks at the past. */
  readonly away = computed(() => this.seq.value !== null);
  private before: number | null = null;
  private wanted = new AbortController();
  private resting: ReturnType<typeof setTimeout> | undefined;
  private refreshing: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly room: Room) {}

  /** The newest page; what was read further back is read again when it is asked for. */
  async refresh(): Promise<void> {
    await this.attempt(async () => {
      const page = await this.room.history.page(null);
      this.groups.value = [...page.groups].reverse();
      this.last.value = page.last;
      this.missing.value = page.missing;
      this.before = page.next;
      this.more.value = page.next !== null;
    });
  }

  async earlier(): Promise<void> {
    if (this.before === null) return;
    await this.attempt(async () => {
      const page = await this.room.history.page(this.before);
      this.groups.value = [...this.groups.value, ...[...page.groups].reverse()];
      this.before = page.next;
      this.more.value = page.next !== null;
    });
  }

  /** While the list is in sight it follows what is done; returns what ends that. */
  watch(): () => void {
    void this.refresh();
    const later = () => {
      this.refreshing ??= setTimeout(() => {
        this.refreshing = undefined;
        void this.refresh();
      }, REFRESH_MS);
    };
    const { doc } = this.room;
    let unfollow = () => {};
    const stop = doc.subscribe((now) => {
      unfollow();
      now.on("update", later);
      unfollow = () => now.off("update", later);
    });
    return () => {
      clearTimeout(this.refreshing);
      this.refreshing = undefined;
      unfollow();
      stop();
    };
  }

  /** Looks at a point. */
  go(seq: number): void {
    this.seq.value = Math.max(0, Math.min(seq, this.last.value));
    clearTimeout(this.resting);
    this.resting = setTimeout(() => void this.load(), REST_MS);
  }

  compare(comparing: boolean): void {
    this.comparing.value = comparing;
    void this.load();
  }

  back(): void {
    clearTimeout(this.resting);
    this.wanted.abort();
    this.seq.value = null;
    this.moment.value = null;
    this.comparison.value = null;
    this.comparing.value = false;
  }

  /** Brings the room to the point that is looked at: an edit that can be undone. */
  async restore(): Promise<boolean> {
    const seq = this.seq.value;
    if (seq === null) return false;
    const done = await this.attempt(() => this.room.history.restore(seq));
    if (done) {
      this.back();
      void this.refresh();
    }
    return done;
  }

  close(): void {
    this.back();
    clearTimeout(this.refreshing);
  }

  async attempt(work: () => Promise<unknown>): Promise<boolean> {
    this.problem.value = "";
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.problem.value = error.message || t.lobby.unreachable;
      return false;
    }
  }

  /** Of what was asked for only the newest counts. */
  private async load(): Promise<void> {
    const seq = this.seq.value;
    if (seq === null) return;
    this.wanted.abort();
    this.wanted = new AbortController();
    const { signal: wanted } = this.wanted;
    this.loading.value = true;
    await this.attempt(async () => {
      try {
        if (this.comparing.value) {
          await this.refresh(); // the present may have moved on since the list was read
          const comparison = await this.room.history.compare(seq, this.last.value, wanted);
          if (!wanted.aborted) this.comparison.value = comparison;
        } else {
          const moment = await this.room.history.moment(seq, wanted);
          if (!wanted.aborted) this.moment.value = moment;
        }
      } catch (error) {
        if (!wanted.aborted) throw error;
      }
    });
    if (!wanted.aborted) this.loading.value = false;
  }
}
