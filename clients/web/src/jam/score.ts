// The jam's part of the shared document as signals, with methods that write it. Only the server writes `transport`.

import { computed, signal } from "@preact/signals";
import { type Doc, Map as YMap } from "yjs";
import type { BandRole } from "../protocol/messages";
import { type BandControls, type BandMode, ROLE_PANS, ROLES, readControls } from "./band/controls";
import { type Loop, type LoopNote, readLoop } from "./loops/loops";
import { CENTRE, isSolo, level, type Strip } from "./mixer";
import type { Voice } from "./synth/synth";
import { readTimeline, type Timeline } from "./transport";

export interface Player extends Strip {
  program: number;
}

export interface Settings {
  /** Bars after which people hear each other; 0: at once. */
  interval: number;
  metronome: boolean;
  /** Bars counted before a recording. */
  count_in: number;
}

const ID_BYTES = 9;
const PLAYER: Player = { program: 0, volume: 0.8, pan: CENTRE, muted: false, solo: false };
const FULL = 1;

export class Score {
  readonly timeline = signal<Timeline>(readTimeline(null));
  readonly settings = signal<Settings>({ interval: 0, metronome: false, count_in: 1 });
  readonly players = signal<ReadonlyMap<string, Player>>(new Map());
  readonly loops = signal<readonly Loop[]>([]);
  readonly controls = signal<BandControls>(readControls(null));
  /** Whether any strip of the mixer is solo: then only such are heard. */
  readonly soloed = computed(() => {
    const strips: Strip[] = [...this.players.value.values(), ...this.loops.value];
    return strips.some(isSolo) || ROLES.some((role) => isSolo(this.role(role)));
  });
  private readonly root: YMap<unknown>;

  constructor(private readonly doc: Doc) {
    this.root = doc.getMap("jam");
    this.root.observeDeep(this.read);
    this.read();
  }

  destroy(): void {
    this.root.unobserveDeep(this.read);
  }

  player(id: string): Player {
    return this.players.value.get(id) ?? PLAYER;
  }

  /** A role's strip of the mixer. */
  role(role: BandRole): Strip {
    const { volumes, pans, muted, solo } = this.controls.value;
    return {
      volume: volumes[role] ?? FULL,
      pan: pans[role] ?? ROLE_PANS[role],
      muted: muted[role] === true,
      solo: solo[role] === true,
    };
  }

  /** How others hear somebody. */
  heard(id: string): Voice {
    const player = this.player(id);
    return { program: player.program, volume: level(player, this.soloed.value), pan: player.pan };
  }

  setRoleStrip(role: BandRole, change: Partial<Strip>): void {
    const maps = { volume: "volumes", pan: "pans", muted: "muted", solo: "solo" } as const;
    this.doc.transact(() => {
      for (const [name, value] of Object.entries(change))
        this.child("band", maps[name as keyof Strip]).set(role, value);
    });
  }

  setPlayer(id: string, change: Partial<Player>): void {
    this.child("players").set(id, { ...this.player(id), ...change });
  }

  set<K extends keyof Settings>(key: K, value: Settings[K]): void {
    this.child("settings").set(key, value);
  }

  setMode(mode: BandMode): void {
    this.child("band").set("mode", mode);
  }

  setControl(key: "density" | "brightness" | "reaction" | "temperature", value: number | null): void {
    const band = this.child("band");
    if (value === null) band.delete(key);
    else band.set(key, value);
  }

  setPrompt(text: string, weight: number): void {
    this.doc.transact(() => {
      const prompts = this.child("band", "prompts");
      // The first change stores the defaults that are shown.
      if (prompts.size === 0) for (const [each, was] of this.controls.peek().prompts) prompts.set(each, was);
      prompts.set(text, weight);
    });
  }

  removePrompt(text: string): void {
    this.doc.transact(() => {
      this.setPrompt(text, 0);
      this.child("band", "prompts").delete(text);
    });
  }

  setRole(role: BandRole, on: boolean): void {
    this.child("band", "roles").set(role, on);
  }

  /** Null: as the model likes. */
  setRoleInstrument(role: BandRole, program: number | null): void {
    const instruments = this.child("band", "instruments");
    if (program === null) instruments.delete(role);
    else instruments.set(role, program);
  }

  /** A new loop; returns its id. Its author is written by the server. */
  addLoop(fields: Pick<Loop, "name" | "program" | "bars" | "beats" | "notes">): string {
    const random = crypto.getRandomValues(new Uint8Array(ID_BYTES));
    const id = `l_${[...random].map((byte) => byte.toString(36).padStart(2, "0")).join("")}`;
    const loop = new YMap<unknown>();
    const { notes, ...plain } = fields;
    const all = {
      ...plain,
      notes: notes.map((note) => [...note]),
      volume: 0.8,
      pan: CENTRE,
      muted: false,
      solo: false,
    };
    for (const [key, value] of Object.entries(all)) loop.set(key, value);
    this.child("loops").set(id, loop);
    return id;
  }

  setLoop(id: string, change: Partial<Pick<Loop, "name"> & Strip>): void {
    this.doc.transact(() => {
      for (const [key, value] of Object.entries(change)) this.loop(id)?.set(key, value);
    });
  }

  setLoopNotes(id: string, notes: readonly LoopNote[]): void {
    this.loop(id)?.set(
      "notes",
      notes.map((note) => [...note]),
    );
  }

  removeLoop(id: string): void {
    this.child("loops").delete(id);
  }

  private loop(id: string): YMap<unknown> | null {
    const loop = this.child("loops").get(id);
    return loop instanceof YMap ? loop : null;
  }

  /** A map inside the root, made when it is first written to. */
  private child(...path: string[]): YMap<unknown> {
    let map = this.root;
    for (const key of path) {
      let next = map.get(key);
      if (!(next instanceof YMap)) {
        next = new YMap<unknown>();
        map.set(key, next);
      }
      map = next as YMap<unknown>;
    }
    return map;
  }

  private readonly read = (): void => {
    const json = this.root.toJSON() as Record<string, unknown>;
    const entries = (key: string) =>
      Object.entries((json[key] ?? {}) as Record<string, Record<string, unknown>>);
    const { interval, metronome, count_in: countIn } = (json.settings ?? {}) as Record<string, unknown>;
    this.timeline.value = readTimeline(json.transport);
    this.settings.value = {
      interval: typeof interval === "number" ? interval : 0,
      metronome: metronome === true,
      count_in: typeof countIn === "number" ? countIn : 1,
    };
    this.players.value = new Map(
      entries("players").map(([id, raw]) => [
        id,
        {
          program: typeof raw?.program === "number" ? raw.program : PLAYER.program,
          volume: typeof raw?.volume === "number" ? raw.volume : PLAYER.volume,
          pan: typeof raw?.pan === "number" ? raw.pan : PLAYER.pan,
          muted: raw?.muted === true,
          solo: raw?.solo === true,
        },
      ]),
    );
    this.loops.value = entries("loops").map(([id, fields]) => readLoop(id, fields ?? {}));
    this.controls.value = readControls(json.band);
  };
}
