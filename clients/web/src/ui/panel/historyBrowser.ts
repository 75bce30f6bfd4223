// Browsing the room's history: its entries, the chosen point, and the text at that point.

import { computed, signal } from "@preact/signals";
import type { Comparison, Group, Missing, PastState } from "../../room/http/historyApi";
import { ApiError } from "../../room/http/httpApi";
import type { Room } from "../../room/room";
import { requestProblem } from "../parts/serverText";

/** The slider must rest for this long before a point is loaded. */
const REST_MS = 120;
/** New edits appear in the list after this time. */
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
  /** The chosen point; null: the present. */
  readonly seq = signal<number | null>(null);
  readonly moment = signal<PastState | null>(null);
  readonly comparison = signal<Comparison | null>(null);
  readonly comparing = signal(false);
  /** Whether a point of the past is shown. */
  readonly away = computed(() => this.seq.value !== null);
  private before: number | null = null;
  private wanted = new AbortController();
  private resting: ReturnType<typeof setTimeout> | undefined;
  private refreshing: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly room: Room) {}

  /** Loads the newest page; older ones are loaded again on request. */
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

  /** Keeps the list up to date while it is visible; returns how to stop. */
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

  /** Shows a point. */
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

  /** Restores the chosen point: an edit that can be undone. */
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
      this.problem.value = requestProblem(error);
      return false;
    }
  }

  /** Only the newest request counts. */
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
