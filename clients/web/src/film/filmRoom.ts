// The film of a room: its shots as signals, playing in step with everybody, and what people change of it.

import { signal } from "@preact/signals";
import { type Doc, Map as YMap } from "yjs";
import { keyBetween } from "../canvas/order";
import { storyOf } from "../room/document/document";
import type { Room } from "../room/room";
import { FilmPictures } from "./pictures";
import { type Clip, FPS, lengthOf, reel, type ShotFields } from "./reel";
import { type SheetShot, sheetOf } from "./sheet";
import { ShotPainter } from "./shotPainter";
import { StoryPlaces } from "./storyPlaces";
import { faster, NOTICE_MS, positionAt, readTransport, STOPPED, type Transport } from "./transport";
import { type CharacterVoice, isSound, type Lines, linesOf, VOICE_OF, voicesOf } from "./voices";

const TRANSPORT = "transport";
/** Begins the key of a person's look. */
const CAST = "cast:";
/** Shots are read against the text at most so often while somebody types. */
const READ_MS = 120;
/** A hand on the timeline tells the others at most so often. */
const SCRUB_MS = 60;

export class FilmRoom {
  readonly shots = signal<readonly SheetShot[]>([]);
  readonly clips = signal<readonly Clip[]>([]);
  readonly transport = signal<Transport>(STOPPED);
  /** Id of the shot that is being edited. */
  readonly selected = signal<string | null>(null);
  readonly making = signal(false);
  /** How many shots the last press made; null: none was pressed, or it failed. */
  readonly made = signal<number | null>(null);
  /** Name -> fields of the look that people chose. */
  readonly cast = signal<Readonly<Record<string, ShotFields>>>({});
  readonly pictures: FilmPictures;
  readonly painter: ShotPainter;
  /** By name: how the characters speak. */
  readonly voices = signal<ReadonlyMap<string, CharacterVoice>>(new Map());
  readonly lines = signal<Lines>(new Map());
  /** Everybody who says something in the film, in the order of their first words. */
  readonly speakers = signal<readonly string[]>([]);
  private unfollow = () => {};
  private readonly stop: () => void;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private scrubbed = 0;
  private scrubTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly room: Room) {
    this.pictures = new FilmPictures(room);
    this.painter = new ShotPainter(room, (shot, picture) => this.change(shot, { picture }));
    this.stop = room.doc.subscribe((doc) => this.follow(doc));
  }

  close(): void {
    this.stop();
    this.unfollow();
    clearTimeout(this.timer);
    clearTimeout(this.scrubTimer);
  }

  get canEdit(): boolean {
    return this.room.members.canEdit;
  }

  /** Seconds into the film, now. */
  position(): number {
    return positionAt(this.transport.value, this.room.serverNow(), lengthOf(this.clips.value));
  }

  // Playing --------------------------------------------------------------------------------------------

  play(speed = 1): void {
    const frames = lengthOf(this.clips.peek());
    const here = this.position();
    const over = speed > 0 && here >= (frames - 1) / FPS - 1e-6;
    this.write({ playing: true, from: over ? 0 : here, at: this.room.serverNow() + NOTICE_MS, speed });
  }

  halt(): void {
    this.write({ playing: false, from: this.position(), at: this.room.serverNow(), speed: 1 });
  }

  toggle(): void {
    if (this.transport.peek().playing) this.halt();
    else this.play();
  }

  /** J and L: backwards and forwards, faster with each press. */
  shuttle(direction: 1 | -1): void {
    this.play(faster(this.transport.peek(), direction));
  }

  /** Everybody sees this second. */
  seek(seconds: number): void {
    const last = Math.max(0, (lengthOf(this.clips.peek()) - 1) / FPS);
    const from = Math.min(Math.max(seconds, 0), last);
    const { playing, speed } = this.transport.peek();
    this.write({ playing, from, at: this.room.serverNow(), speed: playing ? speed : 1 });
  }

  /** The same while a hand moves: the last place always arrives. */
  scrub(seconds: number): void {
    clearTimeout(this.scrubTimer);
    const wait = this.scrubbed + SCRUB_MS - performance.now();
    const now = () => {
      this.scrubbed = performance.now();
      this.seek(seconds);
    };
    if (wait <= 0) now();
    else this.scrubTimer = setTimeout(now, wait);
  }

  /** To a frame before or after. */
  step(frames: number): void {
    this.halt();
    this.seek((Math.floor(this.position() * FPS + 1e-6) + frames) / FPS);
  }

  // Editing --------------------------------------------------------------------------------------------

  /** Shots for all of the text that has none. Throws ApiError. */
  async make(): Promise<void> {
    this.making.value = true;
    this.made.value = null;
    try {
      if (!(await this.room.whenSettled())) return;
      const answer = await this.room.http.json<{ made: string[] }>("film/make", { method: "POST" });
      this.made.value = answer.made.length;
    } finally {
      this.making.value = false;
    }
  }

  /** Undefined takes a field away. */
  change(id: string, fields: Record<string, unknown>): void {
    const found = this.root.get(id) as YMap<unknown> | undefined;
    if (!found?.set) return;
    this.room.doc.value.transact(() => {
      for (const [name, value] of Object.entries(fields)) {
        if (value === undefined) found.delete(name);
        else found.set(name, value);
      }
    });
  }

  /** The look of a person; undefined takes a field away. */
  dress(name: string, fields: Record<string, unknown>): void {
    const key = CAST + name;
    this.room.doc.value.transact(() => {
      if (!(this.root.get(key) instanceof YMap)) this.root.set(key, new YMap());
      this.change(key, fields);
    });
  }

  /** The look that the name gives. */
  undress(name: string): void {
    this.root.delete(CAST + name);
  }

  /** Another voice or speed of a character. */
  speakAs(name: string, change: Partial<CharacterVoice>): void {
    const { voice = "", speed = 1 } = this.voices.peek().get(name) ?? {};
    this.root.set(VOICE_OF + name, { voice, speed, ...change });
  }

  remove(id: string): void {
    this.root.delete(id);
    if (this.selected.peek() === id) this.selected.value = null;
  }

  /** Before the shot before it, or behind the one after it. */
  move(id: string, by: 1 | -1): void {
    const shots = this.shots.peek();
    const here = shots.findIndex((shot) => shot.id === id);
    const there = here + by;
    if (here < 0 || there < 0 || there >= shots.length) return;
    this.change(id, { z: this.keyBehind(by < 0 ? there - 1 : there) });
  }

  /** Makes two shots of the one at a second of the film. */
  split(seconds: number): void {
    const frame = Math.floor(seconds * FPS + 1e-6);
    const at = this.clips.peek().findIndex((clip) => frame > clip.start && frame < clip.start + clip.frames);
    const clip = this.clips.peek()[at];
    const found = clip && (this.root.get(clip.id) as YMap<unknown> | undefined);
    if (!clip || !found) return;
    const first = (frame - clip.start) / FPS;
    const { transition: _how, over: _long, ...kept } = found.toJSON() as Record<string, unknown>;
    const id = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) =>
      (byte % 36).toString(36),
    ).join("");
    const rest = { ...kept, seconds: clip.frames / FPS - first, z: this.keyBehind(at) };
    this.room.doc.value.transact(() => {
      found.set("seconds", first);
      this.root.set(id, new YMap(Object.entries(rest)));
    });
    this.selected.value = id;
  }

  // Inside ---------------------------------------------------------------------------------------------

  private get root(): YMap<unknown> {
    return this.room.doc.value.getMap("film");
  }

  /** An order key behind the shot with this number; -1: before all. Two people may have made the same key. */
  private keyBehind(place: number): string {
    const keys = this.shots.peek().map((shot) => word(shot.fields.z));
    const low = keys[place] ?? "";
    return keyBetween(low, keys.find((key) => key > low) ?? "");
  }

  private write(transport: Transport): void {
    if (this.canEdit) this.root.set(TRANSPORT, { ...transport });
  }

  private follow(doc: Doc): void {
    this.unfollow();
    const root = doc.getMap("film") as YMap<unknown>;
    const story = storyOf(doc);
    const onFilm = (events: { path: (string | number)[]; changes: { keys: Map<string, unknown> } }[]) => {
      const all = events.flatMap(({ path, changes }) =>
        path.length > 0 ? ["shot"] : [...changes.keys.keys()],
      );
      if (all.includes(TRANSPORT)) this.transport.value = readTransport(root.get(TRANSPORT));
      if (all.some((key) => key !== TRANSPORT)) this.later();
    };
    const onStory = () => this.later();
    root.observeDeep(onFilm);
    story.observe(onStory);
    this.unfollow = () => {
      root.unobserveDeep(onFilm);
      story.unobserve(onStory);
    };
    this.transport.value = readTransport(root.get(TRANSPORT));
    this.read();
  }

  private later(): void {
    this.timer ??= setTimeout(() => this.read(), READ_MS);
  }

  private read(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const doc = this.room.doc.peek();
    const entries = Object.entries(doc.getMap("film").toJSON()).filter(
      (entry): entry is [string, ShotFields] =>
        entry[0] !== TRANSPORT && !isSound(entry[0]) && typeof entry[1] === "object",
    );
    const found = entries.filter(([key]) => !key.startsWith(CAST));
    const looks = entries.filter(([key]) => key.startsWith(CAST));
    this.cast.value = Object.fromEntries(looks.map(([key, look]) => [key.slice(CAST.length), look]));
    found.sort(([a, one], [b, two]) => (word(one.z) < word(two.z) || (one.z === two.z && a < b) ? -1 : 1));
    const root = doc.getMap("film") as YMap<unknown>;
    this.voices.value = voicesOf(root);
    this.lines.value = linesOf(root);
    const shots = sheetOf(found, new StoryPlaces(doc), this.lines.peek());
    this.shots.value = shots;
    const spoken = shots.filter(({ fields }) => fields.kind === "speech" && word(fields.text).trim() !== "");
    this.speakers.value = [...new Set(spoken.map(({ fields }) => word(fields.who)).filter(Boolean))];
    this.clips.value = reel(
      shots.map((shot) => shot.fields),
      this.cast.peek(),
    );
  }
}

const word = (value: unknown): string => (typeof value === "string" ? value : "");
