"""Sound from notes, offline: `python -m antiphon_engines.audio.render` reads one job on standard input, as JSON or
MessagePack, and writes the file that it names. For exports; a process of its own, so that the gateway loads no
synthesiser and a job can be ended at any time.

The file appears whole or not at all. Standard output gets one line of JSON, {"seconds", "peak"}. Exit status 0 when it
is written; 2 for a job that cannot be, with one line on standard error that says why.
"""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct

from antiphon_engines.api import EngineUnavailable, InvalidRequest
from antiphon_engines.audio.packet_mix import Take, Takes
from antiphon_engines.audio.performer_api import Pcm
from antiphon_engines.audio.symbolic import loader
from antiphon_engines.audio.symbolic.styles import DRUM_KIT, KITS, preset_of
from antiphon_engines.audio.synthesiser import SoundFont, Synthesiser
from antiphon_proto.jam import CHANNELS, SAMPLE_RATE, Pitch, Program, Unit

MAX_SECONDS: Final = 3 * 3600.0
MAX_TRACKS: Final = 128
MAX_NOTES: Final = 500_000
MAX_TAKES: Final = 100_000
MAX_JOB: Final = 64 * 1024 * 1024
"""Bytes of a job."""
_BLOCK: Final = SAMPLE_RATE
_FORMATS: Final = {"wav": ("wav", "pcm_f32le", "flt"), "flac": ("flac", "flac", "s32")}
"""Container, codec and sample format of each kind of file; `pcm` is bare float32, interleaved, little-endian."""

Seconds = Annotated[float, Meta(ge=0.0, le=MAX_SECONDS)]


class RenderNote(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Times are seconds from the beginning of the file."""

    start: Seconds
    duration: Seconds
    pitch: Pitch
    velocity: Annotated[int, Meta(ge=1, le=127)]


class Track(Struct, frozen=True, forbid_unknown_fields=True):
    """One instrument's part; `program` 128 is a drum kit, `pan` 0 left and 1 right."""

    program: Program
    notes: Annotated[tuple[RenderNote, ...], Meta(max_length=MAX_NOTES)]
    volume: Unit = 1.0
    pan: Unit = 0.5
    kit: Program = 0
    """The drum kit, where `program` asks for one."""


class RenderJob(Struct, frozen=True, forbid_unknown_fields=True):
    """The input of `python -m antiphon_engines.audio.render`."""

    path: Annotated[str, Meta(min_length=1, max_length=4096)]
    cache_dir: Annotated[str, Meta(min_length=1, max_length=4096)]
    tracks: Annotated[tuple[Track, ...], Meta(max_length=MAX_TRACKS)]
    takes: Annotated[tuple[Take, ...], Meta(max_length=MAX_TAKES)] = ()
    """Sound that is there already; it makes the file no longer."""
    format: Literal["wav", "flac", "pcm"] = "wav"
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
    times = [time for track in job.tracks for note in track.notes for time in (note.start, note.duration)]
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


def blocks(job: RenderJob, synthesiser: Synthesiser) -> Iterator[Pcm]:
    """The sound, block by block."""
    for channel, track in enumerate(job.tracks):
        drums = track.program == DRUM_KIT
        preset = preset_of(track.kit if drums else track.program, drums=drums)
        synthesiser.program(channel, KITS[0] if preset is None else preset, drums=drums)
        synthesiser.volume(channel, track.volume)
        synthesiser.pan(channel, track.pan)
    events, at = _events(job), 0
    takes = Takes(job.takes)
    for start in range(0, math.ceil(length(job) * SAMPLE_RATE), _BLOCK):
        moves: dict[int, list[tuple[int, int, int]]] = {}
        while at < len(events) and events[at][0] < start + _BLOCK:
            sample, _, channel, pitch, velocity = events[at]
            moves.setdefault(sample - start, []).append((channel, pitch, velocity))
            at += 1
        keys = {offset: partial(_press, synthesiser, presses) for offset, presses in moves.items()}
        yield takes.mix(synthesiser.render(_BLOCK, keys), start)


def _events(job: RenderJob) -> list[tuple[int, int, int, int, int]]:
    """(sample, 0 for releases and 1 for presses, channel, pitch, velocity), in order.

    A key that is pressed again while it sounds is released first, and the release of the first press does not end the
    second.
    """
    out = []
    for channel, track in enumerate(job.tracks):
        keys: dict[int, list[RenderNote]] = {}
        for note in track.notes:
            keys.setdefault(note.pitch, []).append(note)
        for pitch, notes in keys.items():
            notes.sort(key=lambda note: note.start)
            following = [note.start for note in notes[1:]]
            for note, again in zip(notes, [*following, math.inf], strict=True):
                end = min(note.start + note.duration, again)
                out.append((round(note.start * SAMPLE_RATE), 1, channel, pitch, note.velocity))
                out.append((round(end * SAMPLE_RATE), 0, channel, pitch, 0))
    return sorted(out)


def _press(synthesiser: Synthesiser, presses: Sequence[tuple[int, int, int]]) -> None:
    for channel, pitch, velocity in presses:
        if velocity:
            synthesiser.on(channel, pitch, velocity)
        else:
            synthesiser.off(channel, pitch)


def render(job: RenderJob) -> Rendered:
    """Write the file. Raises EngineUnavailable without a synthesiser, InvalidRequest where the disk says no."""
    font = SoundFont(loader.soundfont(), Path(job.cache_dir))
    path = Path(job.path)
    unfinished = ""
    try:
        number, unfinished = tempfile.mkstemp(prefix=f".{path.name[:64]}-", dir=path.parent)
        with os.fdopen(number, "wb") as file:
            written, peak = _write(file, job, blocks(job, font.synthesiser()))
        os.replace(unfinished, path)
    except OSError as error:
        raise InvalidRequest(f"cannot write {path.name}: {error.strerror or error}") from error
    finally:
        if unfinished:
            Path(unfinished).unlink(missing_ok=True)
    return Rendered(written / SAMPLE_RATE, round(peak, 4))


def _write(file: BinaryIO, job: RenderJob, sound: Iterator[Pcm]) -> tuple[int, float]:
    """Samples that were written, and their peak. A last block is cut to the length."""
    left, peak = math.ceil(length(job) * SAMPLE_RATE), 0.0
    total = left
    with _Sink(file, job.format) as sink:
        for pcm in sound:
            part = pcm[:left]
            peak = max(peak, float(np.abs(part).max(initial=0.0)))
            sink.write(part)
            left -= len(part)
    return total, peak


class _Sink:
    """A sound file that grows."""

    def __init__(self, file: BinaryIO, form: str) -> None:
        self._file = file
        self._container: Any = None
        if form == "pcm":
            return
        import av

        container, codec, samples = _FORMATS[form]
        self._av: Any = av
        self._container = av.open(file, "w", format=container)
        self._stream = self._container.add_stream(codec, rate=SAMPLE_RATE)
        self._stream.layout = "stereo"
        self._stream.format = samples
        self._samples = samples
        self._pts = 0

    def __enter__(self) -> _Sink:
        return self

    def __exit__(self, *_: object) -> None:
        if self._container is not None:
            self._container.mux(self._stream.encode(None))
            self._container.close()

    def write(self, pcm: Pcm) -> None:
        if self._container is None:
            self._file.write(pcm.astype("<f4").tobytes())
            return
        packed = pcm
        if self._samples == "s32":
            packed = (np.clip(pcm.astype(np.float64), -1, 1) * (2**31 - 1)).astype(np.int32)
        frame = self._av.AudioFrame.from_ndarray(
            np.ascontiguousarray(packed).reshape(1, len(pcm) * CHANNELS),
            format=self._samples,
            layout="stereo",
        )
        frame.sample_rate, frame.pts = SAMPLE_RATE, self._pts
        self._pts += len(pcm)
        self._container.mux(self._stream.encode(frame))


def main() -> int:
    """One job from standard input."""
    try:
        data = sys.stdin.buffer.read(MAX_JOB + 1)
        if len(data) > MAX_JOB:
            raise InvalidRequest(f"a job may have {MAX_JOB >> 20} MB")
        done = render(parse(data))
    except (InvalidRequest, EngineUnavailable) as error:
        print(error.message, file=sys.stderr)
        return 2
    print(json.dumps({"seconds": done.seconds, "peak": done.peak}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
