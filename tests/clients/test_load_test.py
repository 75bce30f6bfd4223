"""The rehearsal's counts of the band, and a whole rehearsal against a server with a scripted engine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from antiphon_client import load_test
from antiphon_client.load_test import FRAME, Ear, Heard
from antiphon_engines.api import ImageRequest, TextRequest
from support.scripted_engine import ScriptedEngine
from support.server import PATIENCE, running

FIRST = int(load_test.START_UP * 48_000 / FRAME)
"""The first frame that counts."""


class Listening:
    def __init__(self) -> None:
        self.heard = Heard()
        self.ear = Ear(self.heard)

    def frame(self, index: int, *, before: float = 0.3) -> None:
        """Frame `index` comes `before` seconds before it sounds."""
        at_ms = 700_000.0 + index * 40
        self.ear.on_frame(index * FRAME, at_ms, at_ms - before * 1000)


def test_frames_in_time_are_no_gap() -> None:
    listening = Listening()
    for index in range(FIRST + 20):
        listening.frame(index)
    heard = listening.heard
    assert (heard.frames, heard.gaps, heard.late, heard.missing_ms) == (20, 0, 0, 0)
    assert heard.margins_ms == pytest.approx([300.0] * 20)


def test_what_is_missing_or_late_is_a_gap() -> None:
    listening = Listening()
    for index in range(FIRST + 5):
        listening.frame(index)
    listening.frame(FIRST + 8)  # three are missing
    listening.frame(FIRST + 9, before=-0.01)
    listening.frame(FIRST + 10, before=-0.02)  # still the same silence
    listening.frame(FIRST + 11)
    listening.frame(FIRST + 12, before=-0.01)
    heard = listening.heard
    assert (heard.gaps, heard.late, heard.missing_ms) == (3, 3, pytest.approx(120.0))


def test_the_start_up_does_not_count() -> None:
    listening = Listening()
    for index in range(FIRST):
        listening.frame(index, before=-1.0)
    assert listening.heard == Heard()


class Wishes:
    """A clock: a second is over when two texts and two pictures have been asked for, however long that takes."""

    def __init__(self, engine: ScriptedEngine) -> None:
        self._engine = engine

    def monotonic(self) -> float:
        asked = [type(request) for request in self._engine.requests.values()]
        return min(asked.count(TextRequest), asked.count(ImageRequest)) / 2


async def test_a_rehearsal_sees_what_people_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_test, "READING", 0.01)
    monkeypatch.setattr(load_test, "LOOKING", 0.01)
    async with running(tmp_path) as server:
        room = await server.new_room()
        monkeypatch.setattr(load_test, "time", Wishes(server.engine))
        async with asyncio.timeout(PATIENCE):
            seen = await load_test.rehearse(room["links"]["owner"], 1.0, writers=1, painters=1, jam=False)
    assert seen.heard is None
    assert seen.tokens >= 3
    assert len(seen.first_tokens_ms) >= 1
    assert len(seen.pictures_ms) >= 1
