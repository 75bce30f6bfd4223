"""Every live run of a room, whatever it makes: from the engine's first word about it to its end.

A run's `Work` knows what to do with what the engine brings; this knows who may stop or steer it, tells how it stands,
and sees to it that nothing which comes after its end counts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

from antiphon_engines.api import (
    EngineUnavailable,
    Output,
    PlayedNote,
    QueueFull,
    Request,
    TextRequest,
    kind_of,
)
from antiphon_engines.api import Steer as EngineSteer
from antiphon_engines.ipc.events import Done, Failed, Queued, RunEvent, Started, Steered, SteerRejected
from antiphon_proto.errors import AntiphonError, Conflict, Denied, ErrorCode
from antiphon_proto.messages import Error, Steer, Stop
from antiphon_proto.messages import Steered as SteeredMessage
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import AI, Member
from antiphon_server.core.rights import Right, may
from antiphon_server.core.run_registry import RunEntry
from antiphon_server.document.authorship import Owner
from antiphon_server.document.document import DocumentBroken

MAX_STEERS: Final = 32
"""Steers of one run that the engine has not answered yet; one more is refused."""


class Engine(Protocol):
    """The part of `EngineHost` that a room needs."""

    def submit(
        self,
        run: str,
        epoch: int,
        *,
        share: str,
        request: Request,
        sink: Callable[[RunEvent], None],
        weight: float = 1.0,
    ) -> None: ...

    def steer(self, run: str, change: EngineSteer, epoch: int = 0) -> None: ...

    def push(self, run: str, notes: Sequence[PlayedNote]) -> None: ...

    def cancel(self, run: str) -> None: ...


class Work(ABC):
    """A live run at work."""

    def __init__(self, run: RunEntry) -> None:
        self.run = run
        self.ended: Done | Failed | None = None
        """What the engine said last."""
        self.modality = ""
        """Of the engine that it waits for; empty while it was given to none."""
        self.names_model = False
        """It waits for the model that its asker named, whichever serves."""
        self.epoch = run.info.epoch
        """Of the last steer that the engine has answered: what comes now was made under it."""
        self.asked: dict[int, tuple[str, Steer]] = {}
        """Epoch -> who steered, and how: what the engine has not answered yet, oldest first."""

    @property
    def owner(self) -> Owner:
        return Owner(AI.id, self.run.info.id)

    @abstractmethod
    def started(self) -> None:
        """The engine has begun."""

    @abstractmethod
    def take(self, output: Output | RunEvent) -> None:
        """Something came of the engine."""

    @abstractmethod
    def settle(self) -> bool:
        """At the tick: bring into the document what can be brought; whether nothing waits any more."""

    @property
    @abstractmethod
    def made(self) -> int:
        """Tokens or denoising steps that have come so far."""

    @abstractmethod
    def steer(self, steer: Steer, epoch: int) -> bool:
        """Pass a change on to the engine; whether the engine has it and will answer. Raises PeerError."""

    @abstractmethod
    def steered(self, steer: Steer) -> dict[str, object]:
        """A change is in force; returns what changes of the run's info."""

    @abstractmethod
    def closed(self) -> None:
        """The run is over, for whatever reason."""


class Stage:
    """`engine` None: there is none."""

    def __init__(self, room: RoomContext, engine: Engine | None) -> None:
        self._room = room
        self._engine = engine
        self._works: dict[str, Work] = {}

    @property
    def engine(self) -> Engine:
        """Raises EngineUnavailable."""
        if self._engine is None:
            raise EngineUnavailable("this server has no engine")
        return self._engine

    def require_engine(self) -> None:
        """Raises EngineUnavailable."""
        assert self.engine

    def hold(self, work: Work) -> None:
        """This run is live from now on."""
        self._works[work.run.info.id] = work
        self._room.wake()

    def holds(self, work: Work) -> bool:
        """Whether it is still live."""
        return self._works.get(work.run.info.id) is work

    def live(self) -> list[Work]:
        return list(self._works.values())

    def submit(self, work: Work, request: Request) -> None:
        """Hand a run that is held to the engine. Raises AntiphonError; the run is held still."""
        info = work.run.info
        work.modality = kind_of(request)
        work.names_model = isinstance(request, TextRequest) and bool(request.model)
        self.engine.submit(
            info.id, info.epoch, share=info.participant, request=request, sink=partial(self._heard, work)
        )

    def models_changed(self) -> None:
        """Runs that wait will be done by whichever model serves now; those that have begun end on theirs."""
        for work in self.live():
            model = self._room.model(work.modality) if work.run.info.state == "queued" else None
            if model is not None and not work.names_model:
                work.run.update(model=model.name)
        self._room.wake()

    def refuse(self, work: Work) -> None:
        """The engine would not have it: it never was."""
        del self._works[work.run.info.id]
        self._room.runs.discard(work.run.info.id)

    # Requests -----------------------------------------------------------------------------------------

    def stop(self, member: Member, stop: Stop) -> None:
        """Stop a run; what it has made stays. Raises NotFound (also of another's private one), Denied, or Conflict when
        it is over."""
        self.halt(self._own_live(member, stop.run))

    def steer(self, member: Member, steer: Steer) -> None:
        """Change a run while it streams. What it has written stays, the engine goes on from there; whoever steers
        is told from where (`steered`), or why not. Previews of the former course are stale from now on."""
        run = self._own_live(member, steer.run)
        work = self._works[run.info.id]
        if len(work.asked) >= MAX_STEERS:
            raise QueueFull("too many changes of this run are under way")
        epoch = run.info.epoch + 1
        passed_on = work.steer(steer, epoch)
        self._room.forget_previews(run.info.id)
        run.update(epoch=epoch)
        work.asked[epoch] = member.id, steer
        if not passed_on:
            self._steered(work, epoch)
        self._room.wake()

    def halt(self, run: RunEntry) -> None:
        """Stop a live run at once: its epoch rises, and nothing that still comes of it counts."""
        if self._engine is not None:
            self._engine.cancel(run.info.id)
        self._close(run, state="stopped")

    def halt_all(self, participant: str | None = None) -> None:
        """Stop every live run, or those of one participant."""
        for run in self._room.runs.live():
            if run.live and participant in (None, run.info.participant):
                self.halt(run)

    def fail(self, work: Work, error: AntiphonError) -> None:
        """End a live run with what went wrong on our side."""
        if self._engine is not None:
            self._engine.cancel(work.run.info.id)
        self._finish(work, Failed(str(error.code), error.message))

    # The stream ---------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Bring what came since the last tick into the document, and end what has ended."""
        for work in list(self._works.values()):
            try:
                settled = work.settle()
            except DocumentBroken as error:
                work.ended, settled = Failed(ErrorCode.INTERNAL, error.message), True
            if work.ended is not None and settled and self.holds(work):
                self._finish(work, work.ended)

    def _heard(self, work: Work, event: RunEvent) -> None:
        run = work.run
        if not self.holds(work):
            return
        match event:
            case Queued(position, expected_start_ms):
                run.update(position=position, expected_start_ms=expected_start_ms)
            case Started(model):
                # Another may serve by now than when it was asked for.
                run.update(state="running", position=0, expected_start_ms=0, model=model or run.info.model)
                work.started()
            case Done() | Failed():
                work.ended = event
            case Steered(epoch):
                self._steered(work, epoch)
            case SteerRejected(message, epoch):
                work.epoch = max(work.epoch, epoch)
                if (asked := work.asked.pop(epoch, None)) is not None:
                    error = Error(ErrorCode.INVALID, message, re="steer", ref=run.info.id)
                    self._room.tell(asked[0], error)
            case _:
                work.take(event)
        self._room.wake()

    def _steered(self, work: Work, epoch: int) -> None:
        work.epoch = max(work.epoch, epoch)
        if (asked := work.asked.pop(epoch, None)) is not None:
            participant, steer = asked
            work.run.update(**work.steered(steer))
            self._room.tell(participant, SteeredMessage(work.run.info.id, epoch, work.made))

    def _finish(self, work: Work, end: Done | Failed) -> None:
        if isinstance(end, Failed):
            # A worker of another version may say less; whoever asked is told something in any case.
            code = str(end.code) or str(ErrorCode.ENGINE_FAILED)
            message = end.message[:2000] or "the engine failed and said nothing"
            self._close(work.run, state="failed", error_code=code, error=message)
        else:
            self._close(work.run, state="done")

    def _close(self, run: RunEntry, **changes: object) -> None:
        work = self._works.pop(run.info.id, None)
        run.update(epoch=run.info.epoch + 1, position=0, expected_start_ms=0, thinned="", **changes)
        self._room.forget_previews(run.info.id)
        if work is not None:
            work.closed()
        self._room.wake()

    def _own_live(self, member: Member, run_id: str) -> RunEntry:
        run = self._room.runs.known(run_id, member.id)
        shared = run.info.task == "jam" and may(member.role, Right.CONDUCT)  # one band for the whole room
        if run.info.participant != member.id and not shared and not may(member.role, Right.MODERATE):
            raise Denied("this run is somebody else's")
        if not run.live:
            raise Conflict(f"this run is over ({run.info.state})")
        return run
