// The faults of passages as the server found them, kept by text: what was checked once is not asked for again.

import type { Finding, Passage, SpellingApi } from "../../room/http/spellingApi";

/** Passages that are kept; those that were not used for longest go first. */
const KEPT = 3000;
/** Bounds of one request, below the server's. */
const PASSAGES = 24;
const UNITS = 24_000;
/** After a failure the server is left in peace for so long, and longer each time, at most so long. */
const AGAIN_MS = 2000;
const LONGEST_MS = 60_000;

const keyOf = ({ language, text }: Passage): string => `${language} ${text}`;

export class Findings {
  private readonly known = new Map<string, readonly Finding[]>();
  /** Languages that the server does not check. */
  private readonly missing = new Set<string>();
  private asking = false;
  private wanted: readonly Passage[] = [];
  private pause = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly api: Pick<SpellingApi, "check">,
    /** More is known. */
    private readonly onKnown: () => void,
  ) {}

  /** The faults of a passage; null: not known yet. */
  of(passage: Passage): readonly Finding[] | null {
    if (this.missing.has(passage.language)) return [];
    const key = keyOf(passage);
    const found = this.known.get(key);
    if (!found) return null;
    this.known.delete(key);
    this.known.set(key, found);
    return found;
  }

  /** Whether a language is checked, as far as is known. */
  checks(language: string): boolean {
    return !this.missing.has(language);
  }

  /** Asks for these passages, those first that come first, and no longer for what was wanted before. */
  want(passages: readonly Passage[]): void {
    this.wanted = passages;
    if (!this.asking && this.timer === undefined) void this.ask();
  }

  close(): void {
    clearTimeout(this.timer);
    this.wanted = [];
  }

  private async ask(): Promise<void> {
    this.asking = true;
    try {
      for (let next = this.next(); next.length > 0; next = this.next()) {
        const found = await this.api.check(next);
        for (const [at, passage] of next.entries()) {
          const faults = found[at];
          if (faults === null) this.missing.add(passage.language);
          this.known.set(keyOf(passage), faults ?? []);
        }
        for (const key of this.known.keys()) {
          if (this.known.size <= KEPT) break;
          this.known.delete(key);
        }
        this.pause = 0;
        this.onKnown();
      }
    } catch {
      // Too fast, offline, or the server is restarting: underlines can wait.
      this.pause = Math.min(LONGEST_MS, this.pause * 2 || AGAIN_MS);
      this.timer = setTimeout(() => {
        this.timer = undefined;
        if (this.wanted.length > 0) void this.ask();
      }, this.pause);
    } finally {
      this.asking = false;
    }
  }

  private next(): Passage[] {
    const next = new Map<string, Passage>();
    let units = 0;
    for (const passage of this.wanted) {
      const key = keyOf(passage);
      if (this.known.has(key) || next.has(key) || this.missing.has(passage.language)) continue;
      if (next.size > 0 && units + passage.text.length > UNITS) break;
      next.set(key, passage);
      units += passage.text.length;
      if (next.size === PASSAGES) break;
    }
    return [...next.values()];
  }
}
