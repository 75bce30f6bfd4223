"""An audio engine without a model: frame after frame of nothing, each in its window."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from antiphon_engines.api import (
    Audio,
    AudioFacts,
    AudioRequest,
    AudioSteer,
    EngineInfo,
    InvalidRequest,
    Job,
    Output,
    Performed,
    Piece,
    PlayedNote,
    Request,
    Segment,
    Window,
)
from antiphon_proto.document.jam import SAMPLE_RATE, BandControls, BandNote, Transport

FACTS = AudioFacts("notes", ("mode",), ("bass",), lead=0.25)
AHEAD = 0.1
"""Seconds before its deadline at which a frame's window opens."""


def band_info(max_jobs: int = 2, max_batch: int = 1) -> EngineInfo:
    return EngineInfo("audio", "band", "cpu", "fake", max_jobs, max_batch, audio=FACTS)


def band_request(start: float, *, frame: int = 2400, lead: float = 0.25) -> AudioRequest:
    playing = Segment(0, Transport(playing=True))
    return AudioRequest(BandControls(), (playing,), seed=1, start=start, lead=lead, frame=frame)


@dataclass(eq=False)
class FakeSession:
    request: AudioRequest
    unit: str = "frame"
    made: int = 0
    paused: bool = False
    piece: Piece | None = None

    @property
    def window(self) -> Window:
        """Of the next frame; never while the band pauses."""
        sounds = self.request.start + self.made * self.request.frame / SAMPLE_RATE
        due = sounds - self.request.lead
        return Window(math.inf, math.inf) if self.paused else Window(due - AHEAD, due)


class FakeBand:
    """`heard` are the notes that came, `steered` the changes; a steer without segments to play pauses the band."""

    kind: ClassVar[str] = "audio"

    def __init__(
        self, clock: Callable[[], float], on_step: Callable[[str, int], None], info: EngineInfo | None = None
    ) -> None:
        self.info = info or band_info()
        self.heard: list[PlayedNote] = []
        self.steered: list[Any] = []
        self.sessions: list[FakeSession] = []
        self._clock = clock
        self._on_step = on_step

    def admit(self, request: Request) -> FakeSession:
        if not isinstance(request, AudioRequest):
            raise InvalidRequest("this engine plays")
        self.sessions.append(FakeSession(request))
        return self.sessions[-1]

    def step(self, jobs: Sequence[Job]) -> list[list[Output]]:
        sessions = [job for job in jobs if isinstance(job, FakeSession)]
        windows = [session.window for session in sessions]
        assert all(window.opens < math.inf for window in windows), "a band that pauses was stepped"
        self._on_step(jobs[0].unit, len(jobs))
        return [self._play(session, window) for session, window in zip(sessions, windows, strict=True)]

    def steer(self, job: Job, change: Any) -> None:
        assert isinstance(job, FakeSession)
        self.steered.append(change)
        if isinstance(change, AudioSteer) and isinstance(change.segments, tuple):
            job.paused = not change.segments[-1].transport.playing

    def push(self, job: Job, notes: Sequence[PlayedNote]) -> None:
        self.heard += notes

    def release(self, job: Job) -> None:
        if job in self.sessions:
            self.sessions.remove(job)

    def close(self) -> None:
        self.sessions.clear()

    def _play(self, session: FakeSession, window: Window) -> list[Output]:
        frame = session.request.frame
        index, session.made = session.made, session.made + 1
        late = max(0.0, self._clock() - window.due)
        note = BandNote(index * 48, 48, "bass", 40, 80)
        return [Audio(index * frame, frame, b"opus", late), Performed((note,))]
