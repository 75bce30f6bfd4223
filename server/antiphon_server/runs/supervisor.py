"""Supervises every live run of a room, from its submission to its end.

A `LiveRun` handles the engine's output. The supervisor decides who may stop or steer a run, reports its state, and
drops events that arrive after its end.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from antiphon_engines.api import (
    EngineUnavailable,
    QueueFull,
    Request,
    TextRequest,
    kind_of,
)
from antiphon_engines.ipc.events import Done, Failed, Queued, RunEvent, Started, Steered, SteerRejected
from antiphon_proto.errors import AntiphonError, Conflict, Denied, ErrorCode
from antiphon_proto.messages import Error, Steer, Stop
from antiphon_proto.messages import Steered as SteeredMessage
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import Member
from antiphon_server.core.rights import Right, may
from antiphon_server.core.run_registry import RunEntry
from antiphon_server.document.change import DocumentBroken
from antiphon_server.runs.engine import Engine
from antiphon_server.runs.live_run import LiveRun

MAX_STEERS: Final = 32
"""Steers of one run that the engine has not answered yet; one more is refused."""


class RunSupervisor:
    """`engine` None: there is none."""

    def __init__(self, room: RoomContext, engine: Engine | None) -> None:
        self._room = room
        self._engine = engine
        self._live: dict[str, LiveRun] = {}

    @property
    def engine(self) -> Engine:
        """Raises EngineUnavailable."""
        if self._engine is None:
            raise EngineUnavailable("this server has no engine")
        return self._engine

    def require_engine(self) -> None:
        """Raises EngineUnavailable."""
        assert self.engine

    def hold(self, live: LiveRun) -> None:
        """This run is live from now on."""
        self._live[live.run.info.id] = live
        self._room.wake()

    def holds(self, live: LiveRun) -> bool:
        """Whether it is still live."""
        return self._live.get(live.run.info.id) is live

    def live(self) -> list[LiveRun]:
        return list(self._live.values())

    def submit(self, live: LiveRun, request: Request) -> None:
        """Hand a run that is held to the engine. Raises AntiphonError; the run is held still."""
        info = live.run.info
        live.modality = kind_of(request)
        live.names_model = isinstance(request, TextRequest) and bool(request.model)
        self.engine.submit(
            info.id, info.epoch, share=info.participant, request=request, sink=partial(self._on_event, live)
        )

    def models_changed(self) -> None:
        """Runs that wait will be done by whichever model serves now; those that have begun end on theirs."""
        for live in self.live():
            model = self._room.model(live.modality) if live.run.info.state == "queued" else None
            if model is not None and not live.names_model:
                live.run.update(model=model.name)
        self._room.wake()

    def refuse(self, live: LiveRun) -> None:
        """The engine would not have it: it never was."""
        del self._live[live.run.info.id]
        self._room.runs.discard(live.run.info.id)

    # Requests -----------------------------------------------------------------------------------------

    def stop(self, member: Member, stop: Stop) -> None:
        """Stop a run; its output so far stays. Raises NotFound (also of another's private one), Denied, or Conflict
        when it is over."""
        self.halt(self._own_live(member, stop.run))

    def steer(self, member: Member, steer: Steer) -> None:
        """Change a run while it streams. Its output so far stays, the engine goes on from there; `steered` tells the
        sender from which token, an error why not. Previews of the former course are stale from now on."""
        run = self._own_live(member, steer.run)
        live = self._live[run.info.id]
        if len(live.asked) >= MAX_STEERS:
            raise QueueFull("too many changes of this run are under way")
        epoch = run.info.epoch + 1
        passed_on = live.steer(steer, epoch)
        self._room.forget_previews(run.info.id)
        run.update(epoch=epoch)
        live.asked[epoch] = member.id, steer
        if not passed_on:
            self._on_steered(live, epoch)
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

    def fail(self, live: LiveRun, error: AntiphonError) -> None:
        """End a live run with an error of the server's."""
        if self._engine is not None:
            self._engine.cancel(live.run.info.id)
        self._finish(live, Failed(str(error.code), error.message))

    # The stream ---------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Bring output since the last tick into the document, and close runs that have ended."""
        for live in list(self._live.values()):
            try:
                settled = live.settle()
            except DocumentBroken as error:
                live.ended, settled = Failed(ErrorCode.INTERNAL, error.message), True
            if live.ended is not None and settled and self.holds(live):
                self._finish(live, live.ended)

    def _on_event(self, live: LiveRun, event: RunEvent) -> None:
        run = live.run
        if not self.holds(live):
            return
        match event:
            case Queued(position, expected_start_ms):
                run.update(position=position, expected_start_ms=expected_start_ms)
            case Started(model):
                # Another may serve by now than when it was asked for.
                run.update(state="running", position=0, expected_start_ms=0, model=model or run.info.model)
                live.on_started()
            case Done() | Failed():
                live.ended = event
            case Steered(epoch):
                self._on_steered(live, epoch)
            case SteerRejected(message, epoch):
                live.epoch = max(live.epoch, epoch)
                if (asked := live.asked.pop(epoch, None)) is not None:
                    error = Error(ErrorCode.INVALID, message, re="steer", ref=run.info.id)
                    self._room.tell(asked[0], error)
            case _:
                live.on_output(event)
        self._room.wake()

    def _on_steered(self, live: LiveRun, epoch: int) -> None:
        live.epoch = max(live.epoch, epoch)
        if (asked := live.asked.pop(epoch, None)) is not None:
            participant, steer = asked
            live.run.update(**live.on_steered(steer))
            self._room.tell(participant, SteeredMessage(live.run.info.id, epoch, live.made))

    def _finish(self, live: LiveRun, end: Done | Failed) -> None:
        if isinstance(end, Failed):
            # A worker of another version may say less; whoever asked is told something in any case.
            code = str(end.code) or str(ErrorCode.ENGINE_FAILED)
            message = end.message[:2000] or "the engine failed and said nothing"
            self._close(live.run, state="failed", error_code=code, error=message)
        else:
            self._close(live.run, state="done")

    def _close(self, run: RunEntry, **changes: object) -> None:
        live = self._live.pop(run.info.id, None)
        run.update(epoch=run.info.epoch + 1, position=0, expected_start_ms=0, thinned="", **changes)
        self._room.forget_previews(run.info.id)
        if live is not None:
            live.on_closed()
        self._room.wake()

    def _own_live(self, member: Member, run_id: str) -> RunEntry:
        run = self._room.runs.known(run_id, member.id)
        shared = run.info.task == "jam" and may(member.role, Right.CONDUCT)  # one band for the whole room
        by_itself = run.info.task == "performer" and run.info.participant == run.info.author
        if (
            run.info.participant != member.id
            and not (shared or by_itself)
            and not may(member.role, Right.MODERATE)
        ):
            raise Denied("this run belongs to another participant")
        if not run.live:
            raise Conflict(f"this run is over ({run.info.state})")
        return run
