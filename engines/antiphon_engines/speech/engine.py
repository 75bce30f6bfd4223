"""The speech engine: a unit is a sentence of a line, or the loading of what speaks it.

A speaker that computes on the device does so in the scheduler's turn. Programs and servers run on threads of their own,
and a step only looks whether a sentence has come, so that they hold nobody up. What has not spoken for `IDLE` seconds
frees its memory."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import ClassVar, Final

from antiphon_engines.api import (
    Done,
    EngineInfo,
    Failed,
    InvalidRequest,
    Job,
    Output,
    Piece,
    QueueFull,
    Request,
    SpeechFacts,
    SpeechRequest,
    Spoken,
    Steer,
    Voice,
    Window,
)
from antiphon_engines.speech.speaker import Sound, Speaker, SpeakerFailed, Unspeakable
from antiphon_proto.errors import AntiphonError, ErrorCode

logger = logging.getLogger(__name__)
IDLE: Final = 300.0
PATIENCE: Final = 0.02
"""Seconds that a step waits for a sentence that is made elsewhere."""
_BESIDE: Final = 2
"""Sentences that programs and servers make at a time."""
_BUCKET: Final = 20
"""Characters: sentences of about one length count as one kind of unit, so that its cost is known."""


class SpeechJob:
    """A line under way. Implements `Job`."""

    def __init__(self, request: SpeechRequest, speaker: Speaker, voice: Voice, pieces: Sequence[str]) -> None:
        self.speaker = speaker
        self.voice = voice
        self.speed = request.speed
        self.pieces = deque(pieces)
        self.future: Future[Sound] | None = None
        self.unit = ""
        self.turn()

    def turn(self) -> None:
        """Name the next unit."""
        size = len(self.pieces[0]) // _BUCKET * _BUCKET if self.pieces else 0
        name = self.speaker.name
        self.unit = f"speak:{name}:{size}" if self.speaker.awake else f"load:{name}"

    @property
    def window(self) -> Window | None:
        return None

    @property
    def piece(self) -> Piece | None:
        return None


class SpeechEngine:
    """Implements `Engine` for several speakers, each with voices of its own. `idle`: seconds until memory is freed."""

    kind: ClassVar[str] = "speech"

    def __init__(
        self, speakers: Sequence[Speaker], *, weights: str = "", max_jobs: int = 4, idle: float = IDLE
    ) -> None:
        self._speakers = tuple(speakers)
        self._voices = {voice.id: (speaker, voice) for speaker in speakers for voice in speaker.voices}
        self._jobs: set[SpeechJob] = set()
        self._idle = idle
        self._timer: threading.Timer | None = None
        self._pool = ThreadPoolExecutor(_BESIDE, "speech")
        first = speakers[0]
        self._info = EngineInfo(
            modality="speech",
            name=first.name,
            device="cpu",
            backend=first.backend,
            max_jobs=max_jobs,
            max_batch=1,
            speech=SpeechFacts(tuple(voice for _, voice in self._voices.values()), weights),
        )

    @property
    def info(self) -> EngineInfo:
        return self._info

    def admit(self, request: Request) -> SpeechJob:
        if not isinstance(request, SpeechRequest):
            raise InvalidRequest("this engine speaks lines")
        known = self._voices.get(request.voice)
        if known is None:
            raise InvalidRequest(f"there is no voice {request.voice[:64]!r} here")
        speaker, voice = known
        if not any(letter.isalnum() for letter in request.text):
            raise Unspeakable("there are no words in this line")
        if len(self._jobs) >= self._info.max_jobs:
            raise QueueFull(f"{len(self._jobs)} lines are spoken already")
        if self._timer is not None:
            self._timer.cancel()
        job = SpeechJob(request, speaker, voice, speaker.units(request.text, voice))
        self._jobs.add(job)
        return job

    def step(self, jobs: Sequence[Job]) -> Sequence[Sequence[Output]]:
        made: list[Sequence[Output]] = []
        for job in jobs:
            assert isinstance(job, SpeechJob)
            made.append(self._step(job))
            for other in self._jobs:
                other.turn()
        return made

    def steer(self, job: Job, change: Steer) -> None:
        raise InvalidRequest("a line that is spoken cannot be changed; stop it and begin another")

    def release(self, job: Job) -> None:
        if isinstance(job, SpeechJob):
            if job.future is not None:
                job.future.cancel()
            self._jobs.discard(job)
        if not self._jobs and any(speaker.awake for speaker in self._speakers):
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(self._idle, self._rest)
            self._timer.daemon = True
            self._timer.start()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for speaker in self._speakers:
            speaker.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _step(self, job: SpeechJob) -> list[Output]:
        try:
            if not job.speaker.awake:
                job.speaker.wake()
                return []
            sound = self._sound(job)
        except (Unspeakable, SpeakerFailed) as error:
            return [Failed(error.code, error.message)]
        except AntiphonError as error:
            return [Failed(ErrorCode.ENGINE_FAILED, error.message)]
        if sound is None:
            return []
        job.pieces.popleft()
        made = Spoken(sound.pcm.astype("<i2").tobytes(), sound.rate, sound.mouth)
        return [made] if job.pieces else [made, Done("end")]

    def _sound(self, job: SpeechJob) -> Sound | None:
        """The next sentence; None while it is made elsewhere."""
        if job.speaker.on_device:
            return job.speaker.speak(job.pieces[0], job.voice, job.speed)
        if job.future is None:
            job.future = self._pool.submit(job.speaker.speak, job.pieces[0], job.voice, job.speed)
        wait([job.future], PATIENCE)
        if not job.future.done():
            return None
        future, job.future = job.future, None
        return future.result()

    def _rest(self) -> None:
        """On the timer's thread. A job that was admitted meanwhile loads again."""
        if not self._jobs:
            logger.info("nobody has spoken for %.0f s: the voices leave the memory", self._idle)
            for speaker in self._speakers:
                speaker.rest()
