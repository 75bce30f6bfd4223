// The jam of a room in this page: it builds the document part, clock, sound, players, loops and band, and connects
// them.

import { computed, effect, signal } from "@preact/signals";
import { systemClock } from "../connection/clock";
import type { RunInfo, TransportChange } from "../protocol/messages";
import type { JamMessage } from "../room/jamChannel";
import type { Room } from "../room/room";
import { isActive } from "../room/runs";
import { AudioOutput } from "./audioOutput";
import { BandFeed } from "./band/bandFeed";
import { Looper } from "./loops/looper";
import { Recorder, type Take } from "./loops/recorder";
import { PianoRoll } from "./pianoRoll";
import { me, Players, personOwner } from "./players";
import { Score } from "./score";
import { DRUMS } from "./synth/synthPort";
import { barAt, beatAt, beatOfBar, inForce, MAX_LOOP_NOTES, type Transport, type When } from "./transport";

const TICK_MS = 50;
/** The first samples of the server's clock come quickly, the later ones keep up with its drift. */
const FIRST_PINGS = 16;
const FIRST_PING_MS = 120;
const PING_MS = 1000;
/** A key let go just after the end of a recording still belongs to it. */
const GRACE_BEATS = 0.2;

export interface PendingRequests {
  id: number;
  change: TransportChange;
  /** Server time; null until the server has answered. */
  atMs: number | null;
  serial: number;
}

export interface Place {
  bar: number;
  /** Of the bar, from 0. */
  beat: number;
  playing: boolean;
}

export class Jam {
  readonly sound = new AudioOutput();
  readonly roll = new PianoRoll();
  readonly score = signal<Score>(undefined as unknown as Score);
  readonly pending = signal<readonly PendingRequests[]>([]);
  readonly place = signal<Place>({ bar: 0, beat: 0, playing: false });
  readonly recorder = signal<Recorder | null>(null);
  /** A recording that waits for the transport to run. */
  readonly armed = signal<Take | null>(null);
  /** Given when a recording ended without a note. */
  onEmptyTake: () => void = () => {};
  /** A name for a new loop. */
  nameLoop: (program: number) => string = () => "";
  readonly people: Players;
  readonly feed: BandFeed;
  readonly band = computed<RunInfo | null>(
    () => [...this.room.runs.all.value.values()].find((run) => run.task === "jam" && isActive(run)) ?? null,
  );
  private readonly countingIn = signal(false);
  private readonly looper: Looper;
  private readonly stops: (() => void)[] = [];
  private tickTimer: ReturnType<typeof setInterval> | null = null;
  private pingTimer: ReturnType<typeof setTimeout> | null = null;
  private pings = 0;

  constructor(readonly room: Room) {
    const { sound } = this;
    const timeAt = (serverMs: number) => sound.timeAt(serverMs - room.clockOffset.value);
    const serverNow = () => room.serverNow();
    this.score.value = new Score(room.doc.peek());
    this.people = new Players({
      score: () => this.score.peek(),
      synth: sound.synth,
      serverNow,
      timeAt,
      soon: () => sound.soon,
      send: (events) => room.jam.play(events),
      onKey: (who, atMs, pitch, velocity) => this.key(who, atMs, pitch, velocity),
      after: (ms, callback) => void setTimeout(callback, ms),
    });
    this.looper = new Looper({ synth: sound.synth, serverNow, timeAt });
    this.feed = new BandFeed({
      serverNow,
      timeAt,
      post: (message, transfer) => sound.toBand(message, transfer),
    });
    sound.onBandStats = (stats) => this.feed.onStats(stats);
  }

  /** Starts to listen and to keep time. */
  open(): void {
    const { room } = this;
    room.jam.listener = (message) => this.receive(message);
    if (room.jam.stream) this.feed.follow(room.jam.stream);
    this.stops.push(
      room.doc.subscribe((doc) => {
        this.score.peek().destroy();
        this.score.value = new Score(doc);
      }),
      effect(() => {
        const score = this.score.value;
        const clicking = score.settings.value.metronome || this.armed.value !== null || this.countingIn.value;
        this.looper.set(score.timeline.value, score.loops.value, clicking, score.soloed.value);
        this.dropKept();
      }),
      effect(() => this.voices()),
      effect(() => {
        if (!this.band.value) this.bandStopped();
      }),
    );
    addEventListener("blur", this.blurred);
    addEventListener("pagehide", this.blurred);
    this.tickTimer = setInterval(() => this.tick(), TICK_MS);
    this.ping();
  }

  close(): void {
    this.people.releaseAll();
    this.room.jam.listener = null;
    removeEventListener("blur", this.blurred);
    removeEventListener("pagehide", this.blurred);
    if (this.tickTimer) clearInterval(this.tickTimer);
    if (this.pingTimer) clearTimeout(this.pingTimer);
    for (const stop of this.stops) stop();
    this.score.peek().destroy();
    this.feed.close();
    this.sound.close();
  }

  /** The transport in force now. */
  transport(): Transport {
    return inForce(this.score.peek().timeline.peek(), this.room.serverNow());
  }

  /** The beat that is heard now. */
  beat(): number {
    return beatAt(this.transport(), this.room.serverNow());
  }

  /** Server time of an event's `timeStamp`. */
  serverTime(timeStamp: number): number {
    return performance.timeOrigin + timeStamp + this.room.clockOffset.value;
  }

  conduct(change: TransportChange, when: When): void {
    let id = 0;
    let refused = false;
    id = this.room.jam.conduct(change, when, (answer) => {
      refused = answer === null;
      this.pending.value = this.pending.peek().flatMap((each) => {
        if (each.id !== id) return [each];
        return answer ? [{ ...each, atMs: answer.at_ms, serial: answer.serial }] : [];
      });
    });
    if (!refused) this.pending.value = [...this.pending.peek(), { id, change, atMs: null, serial: 0 }];
  }

  /** Record a loop: at once when the transport runs, else it is started. */
  record(take: Take): void {
    this.sound.join();
    this.armed.value = take;
    if (!this.transport().playing) this.conduct({ playing: true }, "now");
  }

  cancelRecording(): void {
    this.armed.value = null;
    this.recorder.value = null;
  }

  /** Stops all that sounds here, and our keys for everybody. */
  panic(): void {
    this.people.releaseAll();
    this.silenceOthers();
    this.sound.synth.silenceAll();
  }

  private receive(message: JamMessage | null): void {
    if (!message) {
      this.silenceOthers();
      this.feed.follow(null);
      return;
    }
    switch (message.tag) {
      case "played":
        if (message.participant !== this.room.members.me.peek()?.id) this.people.onPlayed(message);
        break;
      case "band_stream":
        this.feed.follow(message);
        break;
      case "audio":
        this.feed.onPacket(message);
        break;
      case "band_notes":
        this.roll.band(message.notes, message.chords);
        break;
      case "audio_gap":
        this.silenceOthers();
        break;
    }
  }

  private key(who: string, atMs: number, pitch: number, velocity: number): void {
    const beat = beatAt(inForce(this.score.peek().timeline.peek(), atMs), atMs);
    const id = who === me ? (this.room.members.me.peek()?.id ?? me) : who;
    this.roll.key(who, beat, pitch, velocity, this.score.peek().player(id).program === DRUMS);
    const recorder = this.recorder.peek();
    if (who !== me || !recorder) return;
    if (velocity > 0) recorder.press(beat, pitch, velocity);
    else recorder.release(beat, pitch);
  }

  private silenceOthers(): void {
    for (const id of this.room.members.all.peek().keys()) {
      this.people.silence(id);
      this.roll.lift(this.beat(), id);
    }
  }

  /** Everybody's instrument and volume; those who left are forgotten. */
  private voices(): void {
    const mine = this.room.members.me.value?.id;
    const score = this.score.value;
    score.players.value;
    for (const person of this.room.members.all.value.values()) {
      const { program, volume, pan } = score.player(person.id);
      // Who is muted, or not solo, still hears themselves.
      if (person.id === mine) this.sound.synth.voice(me, { program, volume, pan });
      else if (person.online && person.kind !== "ai")
        this.sound.synth.voice(personOwner(person.id), score.heard(person.id));
      else this.people.forget(person.id);
    }
  }

  private bandStopped(): void {
    this.room.jam.stream = null;
    this.feed.follow(null);
    this.roll.clearBand();
  }

  private tick(): void {
    this.looper.tick(document.hidden);
    this.feed.align();
    this.dropKept();
    this.follow();
  }

  private follow(): void {
    const transport = this.transport();
    const beat = this.beat();
    const take = this.armed.peek();
    if (take && transport.playing) {
      this.armed.value = null;
      this.recorder.value = new Recorder(take, transport, beat, this.score.peek().settings.peek().count_in);
    }
    const recorder = this.recorder.peek();
    this.countingIn.value = recorder !== null && beat < recorder.from;
    if (recorder && (beat >= recorder.to + GRACE_BEATS || !transport.playing)) this.finish(recorder);
  }

  /** Called once per animation frame, so that the beat lights change with the picture. */
  updatePlace(): void {
    const transport = this.transport();
    const beat = this.beat();
    const bar = barAt(transport, beat + 1e-6);
    const now: Place = {
      bar,
      beat: Math.floor(beat + 1e-6 - beatOfBar(transport, bar)),
      playing: transport.playing,
    };
    const was = this.place.peek();
    if (now.bar !== was.bar || now.beat !== was.beat || now.playing !== was.playing) this.place.value = now;
  }

  private finish(recorder: Recorder): void {
    this.recorder.value = null;
    const notes = recorder.finish();
    if (notes.length === 0) {
      this.onEmptyTake();
      return;
    }
    const score = this.score.peek();
    const { over, program, bars } = recorder.take;
    const under = score.loops.peek().find((loop) => loop.id === over);
    if (under) score.setLoopNotes(under.id, [...under.notes, ...notes].slice(0, MAX_LOOP_NOTES));
    else score.addLoop({ name: this.nameLoop(program), program, bars, beats: this.transport().beats, notes });
  }

  /** Changes that are in force are pending no longer. */
  private dropKept(): void {
    const kept = this.pending.peek();
    if (kept.length === 0) return;
    const { serial } = this.transport();
    const left = kept.filter((each) => each.atMs === null || each.serial > serial);
    if (left.length === kept.length) return;
    for (const { id } of kept) if (!left.some((each) => each.id === id)) this.room.jam.forget(id);
    this.pending.value = left;
  }

  private readonly blurred = (): void => this.people.releaseAll();

  private ping(): void {
    if (this.room.phase.peek().name === "open") this.room.ping();
    this.pings += 1;
    this.pingTimer = setTimeout(() => this.ping(), this.pings < FIRST_PINGS ? FIRST_PING_MS : PING_MS);
  }

  /** For the details: how the clocks are known. */
  clocks() {
    const { value, trip, count } = this.room.clockOffset;
    return {
      /** The server's clock minus the computer's, as far as the page knows. */
      offsetMs: value + systemClock.now() - Date.now(),
      tripMs: trip,
      samples: count,
      latencyMs: this.sound.latencyMs,
    };
  }
}
