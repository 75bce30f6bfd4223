"""An engine host without a worker: it writes the test's text, one token at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from antiphon_engines.api import (
    Absent,
    Audio,
    AudioFacts,
    AudioRequest,
    EngineInfo,
    EngineUnavailable,
    ImageFacts,
    ImageRequest,
    Modality,
    Performed,
    PlayedNote,
    Request,
    SpeechFacts,
    SpeechRequest,
    Steer,
    TextRequest,
    kind_of,
)
from antiphon_engines.config import WorkerConfig
from antiphon_engines.host.host import HostState
from antiphon_engines.ipc.channel import Stats, Traced
from antiphon_engines.ipc.events import (
    Done,
    Fills,
    Image,
    Preview,
    Progressed,
    Queued,
    RunEvent,
    Spoken,
    Started,
    Steered,
    Token,
)
from antiphon_engines.ipc.trace import Named, Record, RestRecord, RunRecord, UnitRecord
from antiphon_proto.document.jam import BandNote
from antiphon_proto.errors import NotFound
from antiphon_proto.messages import TokenInfo
from support.fake_speaker import VOICES, FakeSpeaker
from support.picture_files import picture

Sink = Callable[[RunEvent], None]
INFO = EngineInfo("text", "scripted", "cpu", "test", max_jobs=8, max_batch=8)
IMAGE_INFO = EngineInfo(
    "image",
    "brush",
    "cpu",
    "test",
    max_jobs=4,
    max_batch=4,
    image=ImageFacts(64, 48, 3, 1.0, 1_000_000, ("lcm",)),
)
AUDIO_INFO = EngineInfo(
    "audio",
    "combo",
    "cpu",
    "test",
    max_jobs=4,
    max_batch=4,
    audio=AudioFacts("notes", ("prompts", "density"), ("bass", "drums"), 0.1, 312),
)
SPEECH_INFO = EngineInfo(
    "speech",
    "fake-voices",
    "cpu",
    "test",
    max_jobs=4,
    max_batch=1,
    speech=SpeechFacts(VOICES[:2]),
)
JPEG = picture("JPEG", (16, 12))
PNG = picture("PNG", (64, 48))


class ScriptedEngine:
    """Implements `gateway.Engine`. Every run writes `reply`, word by word, or paints three steps, and ends; with `hold`
    set it is started and goes on only when the test calls `write` or `preview`, `deliver` and `finish`, as bands always
    do (`sound`)."""

    def __init__(
        self,
        config: WorkerConfig | None = None,
        on_state: Callable[[HostState], None] | None = None,
        *,
        failure: str = "",
    ) -> None:
        self.reply = " a scripted reply"
        self.fills = ("took", "took hold of")
        """Found for a gap, one after the other."""
        self.hold = False
        self.queueing = False
        """Whether runs wait until the test calls `go`."""
        self.requests: dict[str, Request] = {}
        self.steered: list[tuple[str, Steer]] = []
        self.obeys = True
        """Whether steers are answered."""
        self.pushed: list[PlayedNote] = []
        self.cancelled: list[str] = []
        self.state = HostState("stopped")
        self.stats = Stats()
        self.used: list[tuple[Modality, str]] = []
        self._on_state = on_state
        self._failure = failure
        self._sinks: dict[str, Sink] = {}
        self._written: dict[str, int] = {}
        self._fresh: set[str] = set()
        """Runs that the loop has not come to yet: whoever tells one something before that begins it."""
        self._settled = asyncio.Event()

    @property
    def held(self) -> int:
        return len(self._sinks)

    @property
    def waiting(self) -> int:
        return 0

    @property
    def models(self) -> dict[Modality, str]:
        return {}

    def use(self, modality: Modality, model: str) -> None:
        """Loaded at once, unless its folder is called `broken`."""
        self.used.append((modality, model))
        if model.endswith("broken"):
            problem = Absent(modality, model, "its file is damaged")
            self.become(replace(self.state, coming=(problem,)))
            return
        self.become(
            replace(self.state, coming=(Absent(modality, model, "it is being loaded", loading=True),))
        )
        engines = tuple(
            replace(engine, name=Path(model).name) if engine.modality == modality else engine
            for engine in self.state.engines
        )
        self.become(replace(self.state, engines=engines, coming=()))

    async def start(self) -> None:
        self.become(
            HostState("failed", message=self._failure)
            if self._failure
            else HostState("ready", (INFO, IMAGE_INFO, AUDIO_INFO))
        )

    def speaks(self) -> None:
        """From now on lines are spoken, by English voices that hum."""
        self.become(HostState("ready", (INFO, IMAGE_INFO, AUDIO_INFO, SPEECH_INFO)))

    async def wait_ready(self) -> None:
        await self._settled.wait()
        if self.state.status != "ready":
            raise EngineUnavailable(self.state.message)

    async def close(self) -> None:
        self._sinks.clear()
        self.become(HostState("stopped"))

    async def trace(self) -> Traced:
        """Every run has taken one unit of 10 ms, one after the other; none is held by a band."""
        records: list[Record] = []
        names = []
        for ticket, run in enumerate(self.requests, start=1):
            kind = kind_of(self.requests[run])
            names.append(Named(ticket, run, kind))
            records += [
                RunRecord(float(ticket), ticket, "queued"),
                RunRecord(ticket + 0.1, ticket, "started"),
                UnitRecord(ticket + 0.2, 0.01, kind, "unit", (ticket,), 1, "turn", 0.012, None, None),
                RestRecord(ticket + 0.3, 0.1, 0),
                RunRecord(ticket + 0.5, ticket, "done"),
            ]
        return Traced(1, tuple(records), tuple(names))

    def become(self, state: HostState) -> None:
        """Change state, as a worker that dies or comes back does."""
        self.state = state
        self._settled.set()
        if self._on_state is not None:
            self._on_state(state)

    def submit(
        self, run: str, epoch: int, *, share: str, request: Request, sink: Sink, weight: float = 1.0
    ) -> None:
        if self.state.status != "ready":
            raise EngineUnavailable(self.state.message)
        self.requests[run] = request
        self._sinks[run] = sink
        self._written[run] = 0
        self._fresh.add(run)
        asyncio.get_running_loop().call_soon(self._begin, run)

    def steer(self, run: str, change: Steer, epoch: int = 0) -> None:
        if run not in self._sinks:
            raise NotFound("the run is over")
        self.steered.append((run, change))
        if epoch and self.obeys:
            asyncio.get_running_loop().call_soon(self._tell, run, Steered(epoch))

    def push(self, run: str, notes: Sequence[PlayedNote]) -> None:
        if run in self._sinks:
            self.pushed += notes

    def cancel(self, run: str) -> None:
        if self._sinks.pop(run, None) is not None:
            self.cancelled.append(run)

    def write(self, run: str, text: str) -> None:
        """One token of a run."""
        self._tell(run, Token(TokenInfo(self._written[run], text, 7, -0.5)))
        self._written[run] += 1

    def fill(self, run: str, *words: str) -> None:
        """What was found for a gap so far."""
        self._tell(run, Fills(words))

    def preview(self, run: str, step: int, jpeg: bytes = JPEG) -> None:
        """One step of a picture."""
        self._tell(run, Progressed(step, 3, 0))
        self._tell(run, Preview(step, 3, jpeg, 16, 12))

    def deliver(self, run: str) -> None:
        """A picture is finished; `finish` ends its run."""
        self._tell(run, Image(PNG, 64, 48, 7))

    def sound(self, run: str, pts: int, *notes: BandNote, opus: bytes = b"opus") -> None:
        """A frame of a band, and its committed beats."""
        if notes:
            self._tell(run, Performed(notes))
        self._tell(run, Audio(pts, 1920, opus))

    def queue(self, run: str, position: int, expected_ms: int) -> None:
        """A run waits for a place."""
        self._tell(run, Queued(position, expected_ms))

    def go(self, run: str) -> None:
        """A run has its place."""
        self._tell(run, Started())

    def finish(self, run: str) -> None:
        self._tell(run, Done("end"))
        self._sinks.pop(run, None)

    def _begin(self, run: str) -> None:
        if run not in self._fresh:
            return
        self._fresh.discard(run)
        if self.queueing:
            return
        self._tell(run, Started())
        if self.hold or run not in self._sinks or isinstance(self.requests[run], AudioRequest):
            return
        if isinstance(request := self.requests[run], SpeechRequest):
            voice = next(one for one in VOICES if one.id == request.voice)
            sound = FakeSpeaker().speak(request.text, voice, request.speed)
            self._tell(run, Spoken(sound.pcm.tobytes(), sound.rate, sound.mouth))
            self.finish(run)
            return
        if isinstance(self.requests[run], ImageRequest):
            for step in (1, 2, 3):
                self.preview(run, step)
            self.deliver(run)
            self.finish(run)
            return
        request = self.requests[run]
        if isinstance(request, TextRequest) and request.task == "fill":
            for count in range(1, len(self.fills) + 1):
                self.fill(run, *self.fills[:count])
            self.finish(run)
            return
        words = self.reply.split(" ")
        for word in (words[0], *(f" {word}" for word in words[1:])):
            if word:
                self.write(run, word)
        self.finish(run)

    def _tell(self, run: str, event: RunEvent) -> None:
        self._begin(run)
        if (sink := self._sinks.get(run)) is not None:
            sink(event)
