"""Sound of a score, made by the audio engines' renderer in a process of its own: one or a few at a time, bounded."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Final, Literal

import msgspec

from antiphon_engines.api import EngineUnavailable
from antiphon_proto.errors import RateLimited, TooLarge
from antiphon_server.child_process import run_child
from antiphon_server.fair_queue import FairQueue
from antiphon_server.jam.score import Score, Track

SoundFile = Literal["wav", "flac"]
_WAITING: Final = 4
"""Exports that may wait for a place; beyond it they are refused at once."""
_NICE: Final = "import os, sys; os.nice(10); from antiphon_engines.audio.render import main; sys.exit(main())"
"""Live playing has priority."""


class Renderer:
    """`at_once` processes at a time, each with `seconds` by the clock, for `longest` seconds of sound."""

    def __init__(self, cache_dir: Path, at_once: int, seconds: float, longest: float) -> None:
        self._cache_dir = cache_dir
        full = RateLimited("too many sound files are made at once; try again in a moment")
        self._queue = FairQueue(at_once, _WAITING, full)
        self._seconds = seconds
        self._longest = longest

    async def render(self, score: Score, kind: SoundFile, address: str = "") -> bytes:
        """The file, for an address. Raises TooLarge, RateLimited, or EngineUnavailable when it cannot be made here."""
        if score.length_ms > 1000 * self._longest:
            seconds = round(score.length_ms / 1000)
            raise TooLarge(f"{seconds} s of sound; a file holds {self._longest:g} s: choose `from` and `to`")
        async with self._queue.place(address):
            with tempfile.TemporaryDirectory(prefix="antiphon-") as folder:
                path = Path(folder) / f"jam.{kind}"
                await self._run(score, kind, path)
                return await asyncio.to_thread(path.read_bytes)

    async def _run(self, score: Score, kind: SoundFile, path: Path) -> None:
        job = {
            "path": str(path),
            "cache_dir": str(self._cache_dir),
            "format": kind,
            "seconds": score.length_ms / 1000,
            "tracks": [_track(track) for track in score.tracks],
            "takes": [
                {"start": max(0.0, take.start_ms / 1000), "packets": take.packets} for take in score.takes
            ],
        }
        try:
            ended = await run_child(("-c", _NICE), msgspec.msgpack.encode(job), self._seconds)
        except TimeoutError:
            raise EngineUnavailable(f"the sound took more than {self._seconds:g} seconds to make") from None
        if ended.status != 0:
            lines = ended.err.decode(errors="replace").strip().splitlines()
            reason = lines[-1][:500] if lines else "no reason given"
            raise EngineUnavailable(f"the sound cannot be made: {reason}")


def _track(track: Track) -> dict[str, object]:
    notes = [
        (max(0.0, note.start_ms / 1000), note.duration_ms / 1000, note.pitch, note.velocity)
        for note in track.notes
    ]
    return {"program": track.program, "notes": notes, "volume": 0.8}
