// Values that the browser keeps between visits. Storage may be missing or full (private windows): then nothing is
// kept.

import type { Mode, Role } from "../../protocol/messages";

export interface RecentRoom {
  room: string;
  title: string;
  role: Role;
  token: string;
  seenMs: number;
  /** Its token no longer opens the room: any other token replaces it. */
  ended?: boolean;
}

const RANK: Record<Role, number> = { viewer: 0, editor: 1, owner: 2 };
const MAX_RECENT = 24;

function read<T>(area: () => Storage, key: string, fallback: T): T {
  try {
    const text = area().getItem(key);
    return text === null ? fallback : (JSON.parse(text) as T);
  } catch {
    return fallback;
  }
}

function write(area: () => Storage, key: string, value: unknown): void {
  try {
    if (value === null) area().removeItem(key);
    else area().setItem(key, JSON.stringify(value));
  } catch {
    // A full or forbidden storage costs convenience, not work.
  }
}

const browser = () => localStorage;
const tab = () => sessionStorage;

export const loadName = (): string => read(browser, "antiphon.name", "");
export const saveName = (name: string): void => write(browser, "antiphon.name", name);

export const loadMode = (): Mode => read(browser, "antiphon.mode", "write");
export const saveMode = (mode: Mode): void => write(browser, "antiphon.mode", mode);

export const loadFillInPlace = (): boolean => read(browser, "antiphon.fillInPlace", true);
export const saveFillInPlace = (on: boolean): void => write(browser, "antiphon.fillInPlace", on);

export const loadTextModel = (): string => read(browser, "antiphon.textModel", "");
export const saveTextModel = (name: string): void => write(browser, "antiphon.textModel", name || null);

export const loadUnsent = (room: string): Record<string, string> => read(tab, `antiphon.unsent.${room}`, {});
export const saveUnsent = (room: string, words: Record<string, string>): void =>
  write(tab, `antiphon.unsent.${room}`, Object.keys(words).length > 0 ? words : null);

export const loadAids = (): { spellcheck: boolean; focus: boolean; signs: boolean } => ({
  spellcheck: true,
  focus: false,
  signs: true,
  ...read<object>(browser, "antiphon.writing", {}),
});
export const saveAids = (aids: object): void => write(browser, "antiphon.writing", aids);

/** Words of this person's dictionary; readers validate them. */
export const loadWords = (): unknown => read<unknown>(browser, "antiphon.dictionary", []);
export const saveWords = (words: readonly string[]): void => write(browser, "antiphon.dictionary", words);

export const loadView = (): "text" | "both" | "canvas" | "film" => read(browser, "antiphon.view", "text");
export const saveView = (view: "text" | "both" | "canvas" | "film"): void =>
  write(browser, "antiphon.view", view);

/** The settings of a person's last AI frame; readers validate them. */
export const loadPainting = (): Record<string, string | number> => read(browser, "antiphon.painting", {});
export const savePainting = (settings: object): void => write(browser, "antiphon.painting", settings);

export type JamView = "closed" | "beside" | "whole";
export const loadJam = (): JamView => read(browser, "antiphon.jam", "closed");
export const saveJam = (view: JamView): void => write(browser, "antiphon.jam", view);

export const loadLinks = (room: string): Record<string, string> =>
  read(browser, `antiphon.links.${room}`, {});
export const saveLinks = (room: string, links: Record<string, string>): void =>
  write(browser, `antiphon.links.${room}`, links);

export function recentRooms(): RecentRoom[] {
  const rooms = read<RecentRoom[]>(browser, "antiphon.recent", []);
  return Array.isArray(rooms) ? rooms : [];
}

/** Remembers a visit. A stronger role's token is never replaced by a weaker one's. */
export function rememberRoom(visit: RecentRoom): void {
  const others = recentRooms().filter((room) => room.room !== visit.room);
  const known = recentRooms().find((room) => room.room === visit.room);
  const stronger = known && !known.ended && RANK[known.role] > RANK[visit.role] ? known : visit;
  const entry = { ...visit, role: stronger.role, token: stronger.token };
  write(browser, "antiphon.recent", [entry, ...others].slice(0, MAX_RECENT));
}

export function tokenEnded(room: string, token: string): void {
  const rooms = recentRooms().map((known) =>
    known.room === room && known.token === token ? { ...known, ended: true } : known,
  );
  write(browser, "antiphon.recent", rooms);
}

export function forgetRoom(room: string): void {
  write(
    browser,
    "antiphon.recent",
    recentRooms().filter((recent) => recent.room !== room),
  );
}

/** The token of this tab for a room: the link's, else the tab's own, else the one remembered. */
export function tokenFor(room: string, fromLink: string): string {
  const key = `antiphon.token.${room}`;
  const token =
    fromLink || read(tab, key, "") || (recentRooms().find((recent) => recent.room === room)?.token ?? "");
  if (token) write(tab, key, token);
  return token;
}

/** Keeps the token for this tab. */
export const keepToken = (room: string, token: string): void => write(tab, `antiphon.token.${room}`, token);

/**
 * A value that a reload keeps, and no other tab has. It is taken out of the tab's storage while the tab lives and put back
 * when the page goes: a duplicated tab copies a storage without it. The session secret is one: with it a reload is the
 * same participant, and a duplicated tab becomes a participant of its own.
 */
export class TabValue {
  private readonly key: string;
  current: string | null;

  constructor(name: "session" | "tab", room: string) {
    this.key = `antiphon.${name}.${room}`;
    this.current = this.claim();
    addEventListener("pagehide", this.leave);
    addEventListener("pageshow", this.back);
  }

  close(): void {
    removeEventListener("pagehide", this.leave);
    removeEventListener("pageshow", this.back);
    this.leave();
  }

  private readonly leave = (): void => write(tab, this.key, this.current);

  private readonly back = (event: PageTransitionEvent): void => {
    if (event.persisted) this.claim();
  };

  private claim(): string | null {
    const secret = read<string | null>(tab, this.key, null);
    write(tab, this.key, null);
    return secret;
  }
}
