"""Subjects of `antiphon bench audio` without a worker: the speed of each part of the band, and its reaction time.

`python -m antiphon_server.bench.audio_subjects CACHE SECONDS` prints one JSON object. The band plays on a clock that
this process owns, each frame at the moment at which its window opens, so reaction times do not depend on the machine.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from antiphon_engines.api import Audio, AudioRequest, AudioSteer, Failed, Performed, PlayedNote, Segment
from antiphon_engines.audio.engine import AudioEngine, Session
from antiphon_engines.audio.opus import OpusEncoder
from antiphon_engines.audio.render import RenderJob, RenderNote, Track, blocks
from antiphon_engines.audio.symbolic import loader
from antiphon_engines.audio.symbolic.band import EmbeddedMusician, chord_name
from antiphon_engines.audio.symbolic.controls import FOLLOW, KEY_LOCK, Controls
from antiphon_engines.audio.symbolic.guide import CHORDS
from antiphon_engines.audio.symbolic.performer import Performer
from antiphon_engines.audio.symbolic.tokens import TICKS_PER_BEAT
from antiphon_engines.audio.synthesiser import SoundFont
from antiphon_proto.document.jam import (
    PPQ,
    SAMPLE_RATE,
    BandChord,
    BandControls,
    BandNote,
    BandRole,
    Prompt,
    Transport,
)

TEMPO: Final = 120.0
ROLES: Final[frozenset[BandRole]] = frozenset({"lead", "bass", "chords", "drums"})
MELODY: Final = (60, 62, 64, 67, 69, 67, 64, 62)
ASKED: Final = (61, 66, 70)
"""F sharp major in C: no chord of the key follows it."""
_PER_BEAT: Final = 60 / TEMPO
_BAR: Final = 4 * _PER_BEAT


class _Live:
    """One band on a clock of its own."""

    def __init__(self, engine: AudioEngine, clock: list[float], controls: BandControls, seed: int) -> None:
        self._engine, self._clock = engine, clock
        clock[0] = -10.0
        transport = Transport(playing=True, tempo=TEMPO)
        request = AudioRequest(controls, (Segment(0, transport),), seed, start=0.0)
        job = engine.admit(request)
        assert isinstance(job, Session)
        self.session = job
        self.notes: list[BandNote] = []
        self.chords: list[BandChord] = []
        self.packets: list[bytes] = []

    def until(self, now: float) -> None:
        """Every frame whose window opens up to `now`."""
        while (opens := self.session.window.opens) <= now:
            self._clock[0] = max(self._clock[0], opens)
            for output in self._engine.step([self.session])[0]:
                match output:
                    case Performed(notes, chords):
                        self.notes += notes
                        self.chords += chords
                    case Audio():
                        self.packets.append(output.opus)
                    case Failed(message=message):
                        raise RuntimeError(message)
        self._clock[0] = max(self._clock[0], now)

    def play(self, now: float, pitch: int, seconds: float) -> None:
        """A key that is let go after so many seconds."""
        sample, end = round(now * SAMPLE_RATE), round((now + seconds) * SAMPLE_RATE)
        self._engine.push(
            self.session, [PlayedNote(sample, "bench", pitch, 90), PlayedNote(end, "bench", pitch, 0)]
        )

    def steer(self, controls: BandControls) -> None:
        self._engine.steer(self.session, AudioSteer(controls=controls))

    def close(self) -> None:
        self._engine.release(self.session)


def main(cache: str, seconds: float) -> dict[str, Any]:
    began = time.perf_counter()
    decoder = loader.load_decoder()
    model = time.perf_counter() - began
    before = _resident()
    began = time.perf_counter()
    font = SoundFont(loader.soundfont(), Path(cache))
    loading = {
        "model s": round(model, 2),
        "SoundFont s": round(time.perf_counter() - began, 2),
        "SoundFont MB": round(_resident() - before, 1),
    }
    clock = [0.0]
    engine = AudioEngine(EmbeddedMusician(decoder, font), 3, lambda: clock[0])
    speed = _speed(engine, clock, seconds)
    speed["model alone"] = _model_speed(decoder, seconds)
    speed["synthesiser alone, 32 notes at a time"] = _synthesiser_speed(font, seconds, cache)
    return {
        "loading": loading,
        "real-time factor, by processor time": speed,
        "opus": _opus(engine, clock, seconds),
        "reaction": _reaction(engine, clock, rounds=max(2, min(8, round(seconds / 8)))),
    }


def _factor(seconds: float, work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return round(seconds / max(1e-9, time.process_time() - began), 1)


def _speed(engine: AudioEngine, clock: list[float], seconds: float) -> dict[str, float]:
    """The whole band, a person playing along: model, synthesiser and Opus."""
    live = _Live(engine, clock, BandControls(roles=ROLES), seed=1)
    took: list[float] = []

    def play() -> None:
        for beat in range(int(seconds / _PER_BEAT)):
            live.play(beat * _PER_BEAT, MELODY[beat % len(MELODY)], 0.9 * _PER_BEAT)
            began = time.process_time()
            live.until(beat * _PER_BEAT)
            took.append((time.process_time() - began) / _PER_BEAT)

    factor = _factor(seconds, play)
    live.close()
    return {"band of four roles": factor, "band, its slowest beat": round(1 / max(1e-9, *took), 1)}


def _model_speed(decoder: Any, seconds: float) -> float:
    controls = Controls(roles=frozenset("MBCD"), beats_per_minute=TEMPO, follow=FOLLOW, key_lock=KEY_LOCK)
    performer = Performer(decoder.fork(), controls, seed=2)
    ticks = int(seconds / _PER_BEAT * TICKS_PER_BEAT)

    def play() -> None:
        for tick in range(0, ticks, 2):
            if tick % TICKS_PER_BEAT == 0:
                performer.on_note(tick, MELODY[tick // TICKS_PER_BEAT % len(MELODY)])
            performer.advance(tick, tick + 2)

    return _factor(seconds, play)


def _synthesiser_speed(font: SoundFont, seconds: float, cache: str) -> float:
    chords = tuple(
        RenderNote(float(start), 1.0, 48 + 2 * voice, 80)
        for start in range(int(seconds))
        for voice in range(16)
    )
    job = RenderJob("unused", cache, (Track(0, chords), Track(48, chords)), tail=0.0)
    return _factor(seconds, lambda: [pcm.sum() for pcm in blocks(job, font.synthesiser)])


def _opus(engine: AudioEngine, clock: list[float], seconds: float) -> dict[str, float]:
    live = _Live(engine, clock, BandControls(roles=ROLES), seed=3)
    live.until(seconds)
    sizes = [len(packet) for packet in live.packets]
    frame = live.session.frame
    live.close()
    noise = np.random.default_rng(0).normal(0, 0.1, (frame, 2)).astype(np.float32)
    encoder = OpusEncoder(frame)
    costs = []
    for _ in range(200):
        began = time.process_time()
        encoder.encode(noise)
        costs.append(time.process_time() - began)
    return {
        "ms of work per chunk": round(sum(costs) / len(costs) * 1000, 3),
        "ms per chunk": frame / SAMPLE_RATE * 1000,
        "bytes per second": round(sum(sizes) / (len(sizes) * frame / SAMPLE_RATE)),
    }


def _reaction(engine: AudioEngine, clock: list[float], rounds: int) -> dict[str, Any]:
    """Seconds from a chord that a person holds for a bar until the band plays a note of it under a chord that holds it
    all, and from a change of prompts or roles until the first sound that differs from the same band's music without it;
    three bars where it does not.

    Of the chord a difference would say nothing: any note of people changes the next draw.
    """
    answers: list[float] = []
    prompts: list[float] = []
    joined: list[float] = []
    quiet: list[float] = []
    strings = BandControls(roles=frozenset({"bass", "chords"}), prompts=(Prompt("rock"),))
    drums = BandControls(roles=frozenset({"drums"}), prompts=(Prompt("rock"),))
    before = BandControls(roles=ROLES, prompts=(Prompt("rock"),))
    bossa = BandControls(roles=ROLES, prompts=(Prompt("bossa"),))
    for round_ in range(rounds):
        at = 2 * _BAR + (round_ + 0.37) / rounds * _BAR
        plain = _take(engine, clock, before, round_, at, lambda live, now: None)
        struck = _take(engine, clock, before, round_, at, _strike)
        answers.append(_first_answer(struck, at) - at)
        changed = _take(engine, clock, before, round_, at, lambda live, now: live.steer(bossa))
        prompts.append(_first_difference(plain.notes, changed.notes, at + 3 * _BAR) - at)
        swapped = _take(engine, clock, strings, round_, at, lambda live, now: live.steer(drums)).notes
        joined.append(min((_sounds(note) - at for note in swapped if note.role == "drums"), default=3 * _BAR))
        quiet.append(max((_sounds(note) - at for note in swapped if note.role != "drums"), default=0.0))
    return {
        "bar s": _BAR,
        "rounds": rounds,
        "chord to answer s, median": round(median(answers), 3),
        "chord to answer s, most": round(max(answers), 3),
        "new prompts heard s, median": round(median(prompts), 3),
        "new prompts heard s, most": round(max(prompts), 3),
        "new role heard s, most": round(max(joined), 3),
        "switched off role silent s, most": round(max(quiet), 3),
    }


def _strike(live: _Live, now: float) -> None:
    for pitch in ASKED:
        live.play(now, pitch, _BAR)


def _take(
    engine: AudioEngine,
    clock: list[float],
    controls: BandControls,
    seed: int,
    at: float,
    change: Callable[[_Live, float], object],
) -> _Live:
    live = _Live(engine, clock, controls, seed)
    live.until(at)
    change(live, at)
    live.until(at + 3 * _BAR)
    live.close()
    return live


def _sounds(note: BandNote) -> float:
    return note.tick / PPQ * _PER_BEAT


def _first_answer(live: _Live, at: float) -> float:
    """When the first note of ASKED sounds under a chord that holds it all, three bars after `at` if there is none."""
    asked = frozenset(pitch % 12 for pitch in ASKED)
    answers = {
        chord_name(chord, Transport(tempo=TEMPO)) for chord in CHORDS if asked <= chord.pitch_classes()
    }
    for note in sorted(live.notes, key=_sounds):
        ruling = [chord.name for chord in live.chords if chord.tick <= note.tick]
        ours = note.role != "drums" and note.pitch % 12 in asked and _sounds(note) >= at
        if ours and ruling and ruling[-1] in answers:
            return _sounds(note)
    return at + 3 * _BAR


def _first_difference(one: Iterable[BandNote], other: Iterable[BandNote], end: float) -> float:
    """When the first note sounds that only one of them has, `end` if there is none; velocities do not count."""

    def bare(notes: Iterable[BandNote]) -> set[tuple[int, str, int]]:
        return {(note.tick, note.role, note.pitch) for note in notes}

    ticks = [tick for tick, _, _ in bare(one) ^ bare(other)]
    return min(ticks) / PPQ * _PER_BEAT if ticks else end


def _resident() -> float:
    """MB of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1]) if Path("/proc/self/statm").exists() else 0
    return pages * 4096 / 2**20


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], float(sys.argv[2]))))
