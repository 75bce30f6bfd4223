// Holds the band's samples by number until they are played. The reader asks for the sample that the clocks say is due:
// the buffer glides there (drift) or jumps (a new start), plays silence where a sample is missing, and counts what it
// did. Samples are 48 kHz stereo frames in one ring buffer.

/** 10.9 s: more than the band is ever ahead. */
const RING = 1 << 19;
const MASK = RING - 1;
/** Samples off the wanted place up to which the speed is bent instead of jumping. */
const GLIDE = 1440;
const MOST_BEND = 0.004;
/** Samples of the fade-in after a gap. */
const ATTACK = 128;
const DECAY = 0.995;

export interface JitterStats {
  /** Samples that sounded, and that should have and were not there. */
  played: number;
  missing: number;
  /** Number of gaps within the stream; pauses of the band do not count. */
  underruns: number;
  /** Frames that came after their time, and too far ahead to be kept. */
  late: number;
  overflow: number;
  jumps: number;
}

export class JitterBuffer {
  readonly stats: JitterStats = { played: 0, missing: 0, underruns: 0, late: 0, overflow: 0, jumps: 0 };
  private readonly left = new Float32Array(RING);
  private readonly right = new Float32Array(RING);
  private readonly here = new Uint8Array(RING);
  /** Where it is read; null before the first time. */
  private place: number | null = null;
  private end = 0;
  /** Where the buffer ran empty; it is counted once later samples show that the stream went on. */
  private dry: { from: number; counted: boolean } | null = null;
  private level = 0;
  private lastLeft = 0;
  private lastRight = 0;

  /** A decoded frame whose first sample is number `pts`. */
  write(pts: number, left: Float32Array, right: Float32Array): void {
    const low = this.place === null ? Math.max(0, pts) : Math.floor(this.place);
    if (pts < low) this.tooLate(pts, Math.min(pts + left.length, low));
    else this.dry = null;
    if (pts + left.length <= low) {
      this.stats.late += 1;
      return;
    }
    if (pts + left.length > low + RING) {
      this.stats.overflow += 1;
      return;
    }
    for (let index = Math.max(0, low - pts); index < left.length; index += 1) {
      const slot = (pts + index) & MASK;
      this.left[slot] = left[index] as number;
      this.right[slot] = right[index] as number;
      this.here[slot] = 1;
    }
    this.end = Math.max(this.end, pts + left.length);
  }

  /** The stream changes at `pts`: held samples from there on are dropped. */
  flush(pts: number): void {
    const low = Math.max(pts, this.place === null ? this.end - RING : Math.floor(this.place));
    for (let sample = low; sample < this.end; sample += 1) this.here[sample & MASK] = 0;
    this.end = Math.max(low, Math.min(this.end, pts));
  }

  /** Samples held ahead of the place that is read. */
  get ahead(): number {
    return this.place === null ? 0 : Math.max(0, this.end - this.place);
  }

  /** Fills a block of the output whose first sample should be stream sample `wanted`; `step` stream samples each. */
  read(left: Float32Array, right: Float32Array, wanted: number, step: number): void {
    let place = this.moved(wanted);
    const off = wanted - place;
    const bend = Math.max(-MOST_BEND, Math.min(MOST_BEND, off / 48_000));
    for (let index = 0; index < left.length; index += 1) {
      this.sample(place, left, right, index);
      place += step * (1 + bend);
    }
    this.forget(this.place ?? 0, place);
    this.place = place;
  }

  private moved(wanted: number): number {
    if (this.place !== null && Math.abs(wanted - this.place) <= GLIDE) return this.place;
    if (this.place !== null) {
      this.stats.jumps += 1;
      this.forget(this.place, wanted);
    }
    this.place = wanted;
    return wanted;
  }

  private sample(place: number, left: Float32Array, right: Float32Array, index: number): void {
    const whole = Math.floor(place);
    const slot = whole & MASK;
    const next = (whole + 1) & MASK;
    if (whole < 0 || whole >= this.end || !this.here[slot]) {
      if (whole >= 0 && whole < this.end) {
        if (this.level > 0) this.stats.underruns += 1;
        this.stats.missing += 1;
      } else if (this.level > 0) this.dry = { from: whole, counted: false };
      this.level = 0;
      // A sound that breaks off decays within a few milliseconds instead of clicking.
      this.lastLeft *= DECAY;
      this.lastRight *= DECAY;
    } else {
      const part = this.here[next] ? place - whole : 0;
      this.level = Math.min(1, this.level + 1 / ATTACK);
      const mix = (ring: Float32Array) =>
        this.level * ((ring[slot] as number) * (1 - part) + (ring[next] as number) * part);
      this.lastLeft = mix(this.left);
      this.lastRight = mix(this.right);
      this.stats.played += 1;
    }
    left[index] = this.lastLeft;
    right[index] = this.lastRight;
  }

  /** Samples [from, to) came after their time: if it had run dry for want of them, it broke off. */
  private tooLate(from: number, to: number): void {
    const { dry } = this;
    if (!dry || to <= dry.from) return;
    this.stats.missing += to - Math.max(from, dry.from);
    if (!dry.counted) this.stats.underruns += 1;
    dry.counted = true;
  }

  /** Drops old samples, so that the ring has room. */
  private forget(from: number, to: number): void {
    const first = Math.max(0, Math.floor(from));
    const last = Math.min(Math.floor(to), this.end, first + RING);
    for (let sample = first; sample < last; sample += 1) this.here[sample & MASK] = 0;
  }
}
