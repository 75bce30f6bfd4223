"""The audio engine: bands that stream, a frame at a time, each with its clock. It knows nothing of how music is made.

A frame is made in a window: once people can no longer change its input, and `lead` seconds before it sounds. A frame
that can no longer arrive before it sounds is skipped, so that a stall is a gap and never a delay."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import ClassVar, Final, cast

import msgspec
from msgspec import UNSET

from antiphon_engines.api import (
    Accelerating,
    Audio,
    AudioRequest,
    AudioSteer,
    EngineInfo,
    Failed,
    InvalidRequest,
    Job,
    Output,
    Performed,
    Piece,
    PlayedNote,
    QueueFull,
    Request,
    Steer,
    Window,
    retold,
)
from antiphon_engines.audio.opus import FRAMES, OpusEncoder
from antiphon_engines.audio.performer_api import Musician, Player
from antiphon_engines.audio.timeline import Timeline
from antiphon_proto.document.jam import SAMPLE_RATE, BandControls
from antiphon_proto.errors import ErrorCode

logger = logging.getLogger(__name__)
RING_OUT: Final = SAMPLE_RATE // 2
"""Samples for which frames go on after the transport has stopped."""
_WORK: Final = 0.1
"""Seconds that a frame is given at least between the opening of its window and its due time."""
_AHEAD: Final = 0.35
"""Seconds before its due time from which on a frame may be made at the earliest: frames that are made cannot be
changed."""
_MAX_LEAD: Final = 30.0


class Session:
    """One band's stream: a job of the engine."""

    unit = "frame"
    piece: Piece | None = None

    def __init__(
        self, request: AudioRequest, timeline: Timeline, player: Player, encoder: OpusEncoder
    ) -> None:
        self.timeline, self.player, self.encoder = timeline, player, encoder
        self.controls = request.controls
        self.frame, self._start, self._lead = request.frame, request.start, request.lead
        self.pts = 0
        """Everything before it is committed."""
        self.open = True

    @property
    def window(self) -> Window:
        pts = self.next()
        if pts is None:
            return Window(math.inf, math.inf)
        due = self._sounds(pts) - self._lead
        free = self._sounds(pts + self.frame) - self.player.reach(pts)
        return Window(max(min(free, due - _WORK), due - _AHEAD), due)

    def next(self) -> int | None:
        """Where the next frame begins: here, while there is something to hear; else where the music goes on."""
        played = self.timeline.played_until(self.pts)
        if played is not None and self.pts < played + RING_OUT:
            return self.pts
        return self.timeline.playing_from(self.pts)

    def heard(self, now: float) -> float:
        """The sample that sounds at `now`."""
        return (now - self._start) * SAMPLE_RATE

    def late(self, now: float) -> float:
        """Seconds by which the frame at `pts` misses its time to leave, if it leaves now."""
        return max(0.0, now - (self._sounds(self.pts) - self._lead))

    def catch_up(self, now: float) -> None:
        """Skip the frames that would sound before they could arrive."""
        pts = self.next()
        if pts is None:
            return
        self.pts = pts
        if self._sounds(pts) < now:
            behind = now + self._lead - self._sounds(pts)
            self.pts = pts + math.ceil(behind * SAMPLE_RATE / self.frame) * self.frame

    def _sounds(self, sample: int) -> float:
        return self._start + sample / SAMPLE_RATE


class AudioEngine:
    """Any musician behind the scheduler. `clock` is CLOCK_MONOTONIC in seconds."""

    kind: ClassVar[str] = "audio"

    def __init__(
        self,
        musician: Musician,
        max_jobs: int,
        clock: Callable[[], float] = time.monotonic,
        acceleration: Accelerating | None = None,
    ) -> None:
        """`acceleration` is the musician's."""
        self._musician, self._clock, self._acceleration = musician, clock, acceleration
        self._sessions: list[Session] = []
        self._info = EngineInfo(
            modality="audio",
            name=musician.name,
            device=musician.device,
            backend=musician.backend,
            max_jobs=max_jobs,
            max_batch=max_jobs,
            note=musician.note,
            audio=msgspec.structs.replace(musician.facts, pre_skip=OpusEncoder(FRAMES[0]).pre_skip),
        )

    @property
    def info(self) -> EngineInfo:
        """With the backend that runs it now."""
        building = self._acceleration.building if self._acceleration is not None else ()
        self._info = retold(self._info, self._musician.backend, building)
        return self._info

    def listen(self, changed: Callable[[], None]) -> None:
        """Have `changed` called, on another thread, when `info` may have changed."""
        if self._acceleration is not None:
            self._acceleration.listen(changed)

    def admit(self, request: Request) -> Job:
        if not isinstance(request, AudioRequest):
            raise InvalidRequest("this engine plays music")
        if len(self._sessions) >= self.info.max_jobs:
            raise QueueFull(f"{self.info.max_jobs} bands play already")
        if request.frame not in FRAMES:
            raise InvalidRequest(f"a frame has {', '.join(map(str, FRAMES))} samples")
        if not (math.isfinite(request.start) and 0 <= request.lead <= _MAX_LEAD):
            raise InvalidRequest("the stream's start or lead is out of range")
        _check(request.controls)
        timeline = Timeline(request.segments)
        session = Session(
            request, timeline, self._musician.open(request, timeline), OpusEncoder(request.frame)
        )
        self._sessions.append(session)
        return session

    def step(self, jobs: Sequence[Job]) -> Sequence[Sequence[Output]]:
        return [self._play(cast(Session, job)) for job in jobs]

    def _play(self, session: Session) -> list[Output]:
        """The session's next frame and the notes that it commits to; nothing while there is nothing to hear."""
        session.catch_up(self._clock())
        pts = session.next()
        if pts is None:
            return []
        session.pts = pts
        try:
            chunk = session.player.play(pts, session.frame)
            opus = session.encoder.encode(chunk.pcm)
        except Exception as error:
            # One band's fault must not silence the others.
            logger.exception("a band has failed")
            return [
                Failed(
                    ErrorCode.ENGINE_FAILED, f"the band failed: {type(error).__name__}: {str(error)[:200]}"
                )
            ]
        audio = Audio(pts, session.frame, opus, session.late(self._clock()))
        session.pts = pts + session.frame
        if chunk.notes or chunk.chords or chunk.sound:
            return [Performed(chunk.notes, chunk.chords, chunk.sound), audio]
        return [audio]

    def steer(self, job: Job, change: Steer) -> None:
        session = cast(Session, job)
        if not isinstance(change, AudioSteer):
            raise InvalidRequest("this change is not for a band")
        if change.controls is not UNSET:
            _check(change.controls)
        if change.segments is not UNSET:
            session.timeline.replace(change.segments, session.pts)
        if change.controls is not UNSET:
            session.controls = change.controls
        session.player.steer(session.controls, session.heard(self._clock()))

    def push(self, job: Job, notes: Sequence[PlayedNote]) -> None:
        cast(Session, job).player.on_notes(notes)

    def release(self, job: Job) -> None:
        session = cast(Session, job)
        if session in self._sessions:
            self._sessions.remove(session)
            session.player.close()

    def close(self) -> None:
        for session in list(self._sessions):
            self.release(session)
        self._musician.close()


def _check(controls: BandControls) -> None:
    """Raises InvalidRequest for controls that are out of their bounds."""
    numbers = [controls.density, controls.brightness, controls.reaction, controls.temperature]
    numbers += [*controls.volumes.values(), *controls.pans.values()]
    numbers += [*(prompt.weight for prompt in controls.prompts)]
    if not all(number is None or math.isfinite(number) for number in numbers):
        raise InvalidRequest("the band's controls hold an invalid number")
    try:
        msgspec.convert(msgspec.to_builtins(controls), BandControls)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"the band's controls: {error}") from error
