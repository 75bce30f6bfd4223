"""Sound from notes, offline: `python -m antiphon_engines.audio.render` reads one job on standard input, as JSON or
MessagePack, and writes the file that it names. For exports; a process of its own, so that the gateway loads no
synthesiser and a job can be ended at any time.

The file appears whole or not at all. Standard output gets a line of JSON now and then, {"done", "seconds"} in seconds
of sound, and at the end {"seconds", "peak"}. Exit status 0 when it is written; 2 for a job that cannot be, with one
line on standard error that says why.
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, BinaryIO, Final, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct
from msgspec.structs import replace

from antiphon_engines.api import EngineUnavailable, InvalidRequest
from antiphon_engines.audio.packet_mix import Take, Takes
from antiphon_engines.audio.performer_api import Pcm
from antiphon_engines.audio.sound_file import SoundFile, SoundFormat
from antiphon_engines.audio.symbolic import loader
from antiphon_engines.audio.symbolic.styles import DRUM_KIT, KITS, preset_of
from antiphon_engines.audio.synthesiser import SoundFont, Synthesiser, soft_clip
from antiphon_proto.document.jam import CHANNELS, SAMPLE_RATE, Pitch, Program, Unit

MAX_SECONDS: Final = 3 * 3600.0
MAX_TRACKS: Final = 128
MAX_NOTES: Final = 500_000
MAX_TAKES: Final = 100_000
MAX_LEVELS: Final = 100_000
MAX_JOB: Final = 64 * 1024 * 1024
"""Bytes of a job."""
_BLOCK: Final = SAMPLE_RATE
_TOLD: Final = 10
"""Blocks between two lines of progress."""

Seconds = Annotated[float, Meta(ge=0.0, le=MAX_SECONDS)]


class RenderNote(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Times are seconds from the beginning of the file."""

    start: Seconds
    duration: Seconds
    pitch: Pitch
    velocity: Annotated[int, Meta(ge=1, le=127)]


class RenderLevel(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """From `start` seconds on a track has another volume and place."""

    start: Seconds
    volume: Unit
    pan: Unit


class RenderTone(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """From `start` seconds on the band has another brightness."""

    start: Seconds
    brightness: Unit


class Track(Struct, frozen=True, forbid_unknown_fields=True):
    """One instrument's part; `program` 128 is a drum kit, `pan` 0 left and 1 right."""

    program: Program
    notes: Annotated[tuple[RenderNote, ...], Meta(max_length=MAX_NOTES)]
    volume: Unit = 1.0
    pan: Unit = 0.5
    kit: Program = 0
    """The drum kit, where `program` asks for one."""
    levels: Annotated[tuple[RenderLevel, ...], Meta(max_length=MAX_LEVELS)] = ()
    """Later volumes and places."""
    bus: Literal["people", "band"] = "people"
    """The brightness of `tones` is the band's."""
    name: Annotated[str, Meta(max_length=256)] = ""


class RenderJob(Struct, frozen=True, forbid_unknown_fields=True):
    """The input of `python -m antiphon_engines.audio.render`."""

    path: Annotated[str, Meta(min_length=1, max_length=4096)]
    cache_dir: Annotated[str, Meta(min_length=1, max_length=4096)]
    tracks: Annotated[tuple[Track, ...], Meta(max_length=MAX_TRACKS)]
    takes: Annotated[tuple[Take, ...], Meta(max_length=MAX_TAKES)] = ()
    """Sound that is there already; it makes the file no longer."""
    tones: Annotated[tuple[RenderTone, ...], Meta(max_length=MAX_LEVELS)] = ()
    format: SoundFormat = "wav"
    stems: bool = False
    """A zip of files, one for each track and one for the takes, each as long as the whole."""
    seconds: Seconds = 0.0
    """At least so long; it goes on until the last note has ended."""
    tail: Annotated[float, Meta(ge=0.0, le=30.0)] = 2.0
    """Seconds for which the last note may ring."""


class Rendered(Struct, frozen=True):
    """The output; `peak` is the largest sample, at most 1."""

    seconds: float
    peak: float


def parse(data: bytes) -> RenderJob:
    """The job that `data` is, JSON where it begins with a brace. Raises InvalidRequest."""
    decode: Callable[..., RenderJob] = msgspec.json.decode if data[:1] == b"{" else msgspec.msgpack.decode
    try:
        job = decode(data, type=RenderJob)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"this is no render job: {error}") from error
    return checked(job)


def checked(job: RenderJob) -> RenderJob:
    """The job, if it keeps the bounds. Raises InvalidRequest."""
    times = [time for track in job.tracks for note in track.notes for time in (note.start, note.duration)]
    times += [one.start for track in job.tracks for one in track.levels]
    times += [one.start for one in job.tones]
    if not all(map(math.isfinite, [*times, job.seconds, job.tail])):
        raise InvalidRequest("a time of the job is not a number")
    if sum(len(track.notes) for track in job.tracks) > MAX_NOTES:
        raise InvalidRequest(f"more than {MAX_NOTES:,} notes")
    if length(job) > MAX_SECONDS + job.tail:
        raise InvalidRequest(f"longer than {MAX_SECONDS / 3600:g} hours")
    return job


def length(job: RenderJob) -> float:
    """Seconds of the file."""
    ends = [note.start + note.duration for track in job.tracks for note in track.notes]
    return max([job.seconds, *ends]) + (job.tail if ends else 0.0)


def blocks(job: RenderJob, instruments: Callable[[], Synthesiser]) -> Iterator[Pcm]:
    """The sound, block by block. `instruments` makes silent ones: each bus has its own."""
    buses = [
        _Bus([track for track in job.tracks if track.bus == bus], instruments(), tones)
        for bus, tones in (("people", ()), ("band", job.tones))
        if any(track.bus == bus for track in job.tracks)
    ]
    takes = Takes(job.takes)
    for start in range(0, math.ceil(length(job) * SAMPLE_RATE), _BLOCK):
        sounds = [bus.render(start) for bus in buses]
        mixed = soft_clip(sum(sounds[1:], sounds[0])) if sounds else np.zeros((_BLOCK, CHANNELS), np.float32)
        yield takes.mix(mixed, start)


def stems(job: RenderJob, instruments: Callable[[], Synthesiser]) -> list[tuple[str, Iterator[Pcm]]]:
    """Each track alone, and the takes, with names."""
    alone = [
        (track.name or f"track {number}", replace(job, tracks=(track,), takes=()))
        for number, track in enumerate(job.tracks, 1)
    ]
    if job.takes:
        alone.append(("Band", replace(job, tracks=(), takes=job.takes)))
    whole = length(job)
    return [(name, blocks(replace(one, seconds=whole, tail=0.0), instruments)) for name, one in alone]


class _Bus:
    """Tracks on one synthesiser; blocks come in order."""

    def __init__(
        self, tracks: Sequence[Track], synthesiser: Synthesiser, tones: Sequence[RenderTone] = ()
    ) -> None:
        self._synthesiser, self._at = synthesiser, 0
        for channel, track in enumerate(tracks):
            drums = track.program == DRUM_KIT
            preset = preset_of(track.kit if drums else track.program, drums=drums)
            synthesiser.program(channel, KITS[0] if preset is None else preset, drums=drums)
            synthesiser.volume(channel, track.volume)
            synthesiser.pan(channel, track.pan)
        moves = [*_keys(tracks), *_levels(tracks)]
        moves += [(round(tone.start * SAMPLE_RATE), _TONE, 0, tone.brightness, 0.0) for tone in tones]
        self._moves = sorted(moves)

    def render(self, start: int) -> Pcm:
        due: dict[int, list[_Move]] = {}
        while self._at < len(self._moves) and self._moves[self._at][0] < start + _BLOCK:
            move = self._moves[self._at]
            due.setdefault(max(0, move[0] - start), []).append(move)
            self._at += 1
        events = {offset: partial(_make, self._synthesiser, moves) for offset, moves in due.items()}
        return self._synthesiser.render(_BLOCK, events)


_Move = tuple[int, int, int, float, float]
"""Sample, kind, channel, and two values of the kind."""
_RELEASE, _LEVEL, _TONE, _PRESS = range(4)
"""In the order in which moves of one sample are made."""


def _levels(tracks: Sequence[Track]) -> Iterator[_Move]:
    for channel, track in enumerate(tracks):
        for one in track.levels:
            yield round(one.start * SAMPLE_RATE), _LEVEL, channel, one.volume, one.pan


def _keys(tracks: Sequence[Track]) -> Iterator[_Move]:
    """A key that is pressed again while it sounds is released first, and the release of the first press does not end
    the second."""
    for channel, track in enumerate(tracks):
        keys: dict[int, list[RenderNote]] = {}
        for note in track.notes:
            keys.setdefault(note.pitch, []).append(note)
        for pitch, notes in keys.items():
            notes.sort(key=lambda note: note.start)
            following = [note.start for note in notes[1:]]
            for note, again in zip(notes, [*following, math.inf], strict=True):
                end = min(note.start + note.duration, again)
                yield round(note.start * SAMPLE_RATE), _PRESS, channel, pitch, note.velocity
                yield round(end * SAMPLE_RATE), _RELEASE, channel, pitch, 0


def _make(synthesiser: Synthesiser, moves: Sequence[_Move]) -> None:
    for _, kind, channel, first, second in moves:
        if kind == _RELEASE:
            synthesiser.off(channel, int(first))
        elif kind == _LEVEL:
            synthesiser.volume(channel, first)
            synthesiser.pan(channel, second)
        elif kind == _TONE:
            synthesiser.brightness(first)
        else:
            synthesiser.on(channel, int(first), int(second))


def render(job: RenderJob, told: Callable[[float], None] = lambda _: None) -> Rendered:
    """Write the file; `told` hears how many seconds of its sound are done. Raises EngineUnavailable without a
    synthesiser, InvalidRequest where the disk says no."""
    font = SoundFont(loader.soundfont(), Path(job.cache_dir))
    path = Path(job.path)
    unfinished = ""
    try:
        number, unfinished = tempfile.mkstemp(prefix=f".{path.name[:64]}-", dir=path.parent)
        with os.fdopen(number, "wb") as file:
            if job.stems:
                peak = _write_stems(file, job, font, path.parent, told)
            else:
                peak = _write(file, job, blocks(job, font.synthesiser), told)
        os.replace(unfinished, path)
    except OSError as error:
        raise InvalidRequest(f"cannot write {path.name}: {error.strerror or error}") from error
    finally:
        if unfinished:
            Path(unfinished).unlink(missing_ok=True)
    return Rendered(math.ceil(length(job) * SAMPLE_RATE) / SAMPLE_RATE, round(peak, 4))


def _write(file: BinaryIO, job: RenderJob, sound: Iterator[Pcm], told: Callable[[float], None]) -> float:
    """Returns the peak. The last block is cut to the length."""
    left, peak = math.ceil(length(job) * SAMPLE_RATE), 0.0
    total = left
    with SoundFile(file, job.format) as sink:
        for number, pcm in enumerate(sound):
            part = pcm[:left]
            peak = max(peak, float(np.abs(part).max(initial=0.0)))
            sink.write(part)
            left -= len(part)
            if number % _TOLD == 0:
                told((total - left) / SAMPLE_RATE)
    return peak


def _write_stems(
    file: BinaryIO, job: RenderJob, font: SoundFont, folder: Path, told: Callable[[float], None]
) -> float:
    """One after the other, so that only one is open; the progress is that of all. Returns the highest peak."""
    made = stems(job, font.synthesiser)
    peak = 0.0
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as pack,
        tempfile.TemporaryDirectory(dir=folder) as own,
    ):
        for number, (name, sound) in enumerate(made):
            one = Path(own) / "stem"
            share = partial(_share, told, number, len(made), length(job))
            with one.open("wb") as stem:
                peak = max(peak, _write(stem, job, sound, share))
            pack.write(one, f"{number + 1:02} {_plain_name(name)}.{job.format}")
    return peak


def _share(told: Callable[[float], None], number: int, count: int, whole: float, seconds: float) -> None:
    told((number * whole + seconds) / count)


def _plain_name(name: str) -> str:
    """As a file may be called everywhere."""
    return re.sub(r'[\x00-\x1f<>:"/\\|?*]', " ", name).strip(" .")[:80] or "track"


def _tell(whole: float, done: float) -> None:
    print(json.dumps({"done": round(done, 2), "seconds": round(whole, 2)}), flush=True)


def main() -> int:
    """One job from standard input."""
    try:
        data = sys.stdin.buffer.read(MAX_JOB + 1)
        if len(data) > MAX_JOB:
            raise InvalidRequest(f"a job may have {MAX_JOB >> 20} MB")
        job = parse(data)
        done = render(job, partial(_tell, length(job)))
    except (InvalidRequest, EngineUnavailable) as error:
        print(error.message, file=sys.stderr)
        return 2
    print(json.dumps({"seconds": done.seconds, "peak": done.peak}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
