"""The worker's one loop: receive, admit, step, report. Everything that touches an engine happens on its thread."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, cast

from antiphon_engines.api import (
    LOADING,
    Absent,
    Audio,
    AudioRequest,
    AudioSteer,
    Deferred,
    Divisible,
    Done,
    Engine,
    EngineUnavailable,
    Failed,
    Fills,
    Image,
    ImageRequest,
    Listening,
    Made,
    Modality,
    Performed,
    Preview,
    Request,
    Spoken,
    Steer,
    Step,
    TextRequest,
    Token,
    kind_of,
)
from antiphon_engines.ipc.channel import (
    Cancel,
    Changed,
    Configure,
    Ping,
    Pong,
    Push,
    Recall,
    Report,
    Shutdown,
    SteerBand,
    SteerPicture,
    SteerRun,
    Submit,
    Traced,
    UseModel,
)
from antiphon_engines.ipc.events import Progressed, Queued, RunEvent, Started, Steered, SteerRejected
from antiphon_engines.scheduling.scheduler import Scheduler
from antiphon_engines.scheduling.ticket import State, Ticket
from antiphon_engines.scheduling.unit_choice import Batch, Idle
from antiphon_engines.worker.accounting import Accounting, units_in
from antiphon_engines.worker.encoders import Encoder
from antiphon_engines.worker.handover import Handover
from antiphon_engines.worker.inbox import Inbox, Joined, Missing, News, Retold, Written
from antiphon_engines.worker.model_switch import ModelSwitch
from antiphon_engines.worker.report_queue import ReportQueue
from antiphon_proto.errors import AntiphonError, ErrorCode, PeerError
from antiphon_proto.params import ImageSteer, TextSteer

logger = logging.getLogger(__name__)
_STEERED_BY: Final[dict[type[Steer], type[Request]]] = {
    TextSteer: TextRequest,
    ImageSteer: ImageRequest,
    AudioSteer: AudioRequest,
}
MAX_BROKEN: Final = 3
"""Failures of the engine in a row after which the worker ends: a fresh process is the only cure left."""
LONGEST_REST: Final = 60.0
"""Seconds of one wait, at most: queues take no arbitrary timeouts."""
REFRESH: Final = 1.0
"""Seconds between two looks at the expected starts while the queue itself does not change."""


class EngineBroken(AntiphonError):
    """The engine failed again and again; the worker must end."""

    code = ErrorCode.ENGINE_FAILED


class WorkerLoop:
    """Runs until a Shutdown. `send` writes reports to the gateway at once; `clock` gives seconds."""

    def __init__(
        self,
        engines: Mapping[str, Engine],
        scheduler: Scheduler,
        inbox: Inbox,
        send: Callable[[Sequence[Report]], None],
        clock: Callable[[], float],
        absent: Sequence[Absent] = (),
        models: Mapping[Modality, str] = MappingProxyType({}),
        load: Callable[[Modality, str], Absent | None] | None = None,
        *,
        encoder: Encoder,
        beside: Callable[[Modality], int] = lambda modality: 0,
    ) -> None:
        """`models` are the specs of the models that serve; `load` begins to load another one, or says why it cannot.
        `encoder` writes the files of pictures; its maker closes it. `beside`: how many earlier engines stay when
        another takes over."""
        self.engines = {kind: Handover(engine) for kind, engine in engines.items()}
        """By kind; the maker of the loop closes them."""
        self._switch = ModelSwitch(models, load)
        self._absent: dict[str, Absent] = {each.modality: each for each in absent}
        for each in absent:
            if each.loading:
                scheduler.expect(each.modality)
        self._scheduler = scheduler
        self._inbox = inbox
        self._send = send
        self._clock = clock
        self._encoder = encoder
        self._beside = beside
        self._reports = ReportQueue()
        self._notices: list[Pong | Changed | Traced] = []
        self._told: dict[int, Queued] = {}
        self._queue_changed = False
        self._looked_at = 0.0
        self._told_infos = tuple(engine.info for engine in self.engines.values())
        self._idle = Idle(math.inf)
        self._broken = 0
        self._accounting = Accounting()

    def run(self) -> None:
        """Raises EngineBroken when the engine keeps failing; all reports have been sent then."""
        try:
            while (commands := self._receive()) is not None:
                self._accounting.begins(self._clock())
                for command in commands:
                    self._obey(command)
                self._give_up_broken()
                self._admit()
                match self._scheduler.pick(self._clock()):
                    case Batch() as batch:
                        self._idle = Idle(-math.inf)
                        self._step(batch)
                    case Idle() as rest:
                        self._idle = rest
                self._give_up()
                self._report_queue()
                self._report_changes()
                self._emit()
                self._accounting.ends(self._clock())
        except EngineBroken:
            self._reports.settle()  # finished pictures are not lost with the engine
            raise
        finally:
            self._emit()

    # Receive --------------------------------------------------------------------------------------------

    def _receive(self) -> list[News] | None:
        """Handle the gateway's messages since the last step; None when it said to leave. With nothing to step, wait for
        more, or until the next band's time has come."""
        began = self._clock()
        rest = max(0.0, self._idle.until - began)
        commands = self._inbox.drain(None if rest == math.inf else min(rest, LONGEST_REST))
        if rest:
            self._accounting.rested(self._idle, began, self._clock())
        return None if any(isinstance(command, Shutdown) for command in commands) else commands

    def _obey(self, command: News) -> None:
        match command:
            case Joined(engine, spec):
                if not self._switch.arrived(engine.info.modality, spec):
                    engine.close()  # another was asked for meanwhile
                    return
                if engine.kind in self.engines:
                    self.engines[engine.kind].take_over(engine, beside=self._beside(engine.info.modality))
                else:
                    self.engines[engine.kind] = Handover(engine)
                self._scheduler.attach(engine.kind, engine.info)
                self._absent.pop(engine.info.modality, None)
                self._queue_changed = True
                self._report_engines()
            case UseModel(modality, model):
                self._switch.use(modality, model)
                if self._switch.loads(modality) and modality not in self.engines:
                    self._absent[modality] = Absent(modality, model, LOADING, loading=True)
                    self._scheduler.expect(modality)
                self._report_engines()
            case Retold() | Written():
                pass  # changes and messages are told at the end of the turn
            case Missing(absent, spec):
                if not self._switch.failed(absent, spec):
                    return
                if absent.modality in self.engines:
                    self._report_engines()  # the serving models go on
                    return
                self._absent[absent.modality] = absent
                for waiting in self._scheduler.dismiss(absent.modality):
                    self._finish(waiting, Failed(ErrorCode.UNAVAILABLE, f"{absent.name}: {absent.reason}"))
                self._report_engines()
            case Submit():
                self._submit(command)
            case (
                SteerRun(number, change, epoch)
                | SteerPicture(number, change, epoch)
                | SteerBand(number, change, epoch)
            ):
                ticket = self._scheduler.get(number)
                if ticket is not None:
                    self._steer(ticket, change, epoch)
            case Push(number, notes):
                ticket = self._scheduler.get(number)
                if ticket is not None and ticket.job is not None:
                    cast(Listening, self.engines[ticket.engine]).push(ticket.job, notes)
            case Cancel(number):
                self._reports.drop(number)
                ticket = self._scheduler.cancel(number)
                if ticket is not None:
                    self._accounting.run(ticket, "cancelled", self._clock())
                    self._forget(ticket)
            case Ping(sequence):
                stats = self._accounting.stats(len(self._scheduler.active), self._scheduler.waiting)
                self._notices.append(Pong(sequence, stats))
            case Recall(sequence):
                self._notices.append(self._accounting.recall(sequence))
            case Configure() | Shutdown():
                raise AssertionError(f"{type(command).__name__} is not for the loop")

    def _submit(self, command: Submit) -> None:
        ticket = Ticket(
            number=command.ticket,
            run=command.run,
            epoch=command.epoch,
            share=command.share,
            weight=command.weight,
            engine=kind_of(command.request),
            request=command.request,
            submitted_at=self._clock(),
        )
        try:
            missing = self._absent.get(ticket.engine)
            if missing is not None and not missing.loading:
                raise EngineUnavailable(f"{missing.name}: {missing.reason}")
            self._scheduler.submit(ticket)
            self._accounting.run(ticket, "queued", self._clock())
            self._queue_changed = True
        except (PeerError, EngineUnavailable) as error:
            self._report(ticket, Failed(error.code, error.message))

    def _steer(self, ticket: Ticket, change: Steer, epoch: int) -> None:
        if not isinstance(ticket.request, _STEERED_BY[type(change)]):
            self._report(ticket, SteerRejected(f"this change is not for {ticket.engine} runs", epoch))
            return
        if ticket.job is None:
            ticket.steers.append((change, epoch))
            return
        try:
            self.engines[ticket.engine].steer(ticket.job, change)
            ticket.steered(change)
            self._accounting.run(ticket, "steered", self._clock())
            if epoch:
                self._report(ticket, Steered(epoch))
        except AntiphonError as error:
            self._report(ticket, SteerRejected(error.message, epoch))
        except Exception as error:
            self._engine_failed([ticket], error)

    # Admit ----------------------------------------------------------------------------------------------

    def _admit(self) -> None:
        while ticket := self._scheduler.admit(self._clock()):
            self._queue_changed = True
            self._told.pop(ticket.number, None)
            self._accounting.run(ticket, "started", self._clock())
            try:
                serving = self.engines[ticket.engine].admits(ticket.request)
            except EngineUnavailable as error:
                self._finish(ticket, Failed(error.code, error.message))
                continue
            self._report(ticket, Started(serving.info.name))
            # The gateway must know who was started before the engine sees it: a request that kills the process
            # must not be given to the next one.
            self._emit()
            self._accounting.enters(self._clock())
            try:
                ticket.job = self.engines[ticket.engine].admit(ticket.request)
                self._accounting.leaves(self._clock())
            except AntiphonError as error:
                self._finish(ticket, Failed(error.code, error.message))
            except Exception as error:
                self._engine_failed([ticket], error)
            else:
                steers, ticket.steers = ticket.steers, []
                for change, epoch in steers:
                    if ticket.state is State.ACTIVE:
                        self._steer(ticket, change, epoch)

    # Step -----------------------------------------------------------------------------------------------

    def _step(self, batch: Batch) -> None:
        jobs = [ticket.job for ticket in batch.tickets if ticket.job is not None]
        engine = self.engines[batch.engine]
        if batch.budget is not None:
            cast(Divisible, engine).budget(batch.budget)
        began = self._clock()
        self._accounting.enters(began)
        try:
            results = engine.step(jobs)
            if len(results) != len(jobs):
                raise RuntimeError(f"{len(jobs)} jobs were stepped, {len(results)} results came back")
        except Exception as error:
            self._accounting.stepped(batch, began, self._clock())
            self._accounting.leaves(self._clock())
            self._engine_failed(batch.tickets, error)
            return
        now = self._clock()
        self._accounting.leaves(now)
        self._accounting.stepped(batch, began, now)
        self._broken = 0
        produced = [units_in(outputs) for outputs in results]
        self._scheduler.account(batch, now - began, produced, now)
        self._accounting.made(batch, results, produced)
        for ticket, outputs in zip(batch.tickets, results, strict=True):
            self._deliver(ticket, outputs)

    def _give_up(self) -> None:
        for ticket, reason in self._scheduler.hopeless(self._clock()):
            self._finish(ticket, Failed(ErrorCode.UNAVAILABLE, reason))

    def _give_up_broken(self) -> None:
        """Files that could not be written fail their runs, whether these go on or were over but for them."""
        for number, error in self._reports.broken():
            logger.error("a picture could not be written", exc_info=error)
            reason = f"the picture could not be written: {type(error).__name__}: {str(error)[:200]}"
            failed = Failed(ErrorCode.ENGINE_FAILED, reason)
            if (ticket := self._scheduler.get(number)) is not None:
                self._finish(ticket, failed)
            else:
                self._reports.add(number, failed)

    def _deliver(self, ticket: Ticket, outputs: Sequence[Made]) -> None:
        for output in outputs:
            match output:
                case Deferred(write):
                    # Where it has to wait for others, the device is late.
                    self._accounting.enters(self._clock())
                    self._reports.add(ticket.number, self._encoder.submit(write))
                    self._accounting.leaves(self._clock())
                case Token() | Fills() | Preview() | Image() | Audio() | Performed() | Spoken():
                    self._report(ticket, output)
                case Step(step, of):
                    ticket.planned = of
                    left = self._scheduler.remaining(ticket, self._clock())
                    thinned = ticket.watched and self._scheduler.thinned
                    self._report(ticket, Progressed(step, of, round(left * 1000), thinned))
                case Done() | Failed():
                    self._finish(ticket, output)
                    return

    def _finish(self, ticket: Ticket, end: Done | Failed) -> None:
        self._report(ticket, end)
        self._accounting.run(ticket, "done" if isinstance(end, Done) else "failed", self._clock())
        self._scheduler.finish(ticket, State.DONE if isinstance(end, Done) else State.FAILED)
        self._forget(ticket)

    def _forget(self, ticket: Ticket) -> None:
        """A run is over: free the engine's state of it."""
        self._queue_changed = True
        self._told.pop(ticket.number, None)
        job, ticket.job = ticket.job, None
        if job is not None:
            try:
                self.engines[ticket.engine].release(job)
            except Exception as error:
                self._engine_failed([], error)

    def _engine_failed(self, tickets: Sequence[Ticket], error: Exception) -> None:
        """The engine raised an exception, which no engine should: fail the runs it was given, and give up when it goes
        on."""
        logger.error("the engine failed", exc_info=error)
        self._broken += 1
        reason = f"the model failed: {type(error).__name__}: {str(error)[:200]}"
        for ticket in tickets:
            self._finish(ticket, Failed(ErrorCode.ENGINE_FAILED, reason))
        if self._broken >= MAX_BROKEN:
            raise EngineBroken(reason)

    def _report_engines(self) -> None:
        self._told_infos = tuple(engine.info for engine in self.engines.values())
        switch = self._switch
        absent = tuple(self._absent.values())
        self._notices.append(Changed(self._told_infos, absent, switch.coming, switch.models))

    def _report_changes(self) -> None:
        """An engine may change by itself: a plan takes over, or fails and leaves its place to torch."""
        if tuple(engine.info for engine in self.engines.values()) != self._told_infos:
            self._report_engines()

    # Report ---------------------------------------------------------------------------------------------

    def _report_queue(self) -> None:
        """Tell those who wait where they stand, when that has changed noticeably."""
        now = self._clock()
        if not self._queue_changed and now - self._looked_at < REFRESH:
            return
        self._queue_changed = False
        self._looked_at = now
        for ticket, estimate in self._scheduler.estimates(now):
            place = Queued(estimate.position, round(estimate.seconds * 1000))
            if place.is_news_after(self._told.get(ticket.number)):
                self._told[ticket.number] = place
                self._report(ticket, place)

    def _report(self, ticket: Ticket, event: RunEvent) -> None:
        self._reports.add(ticket.number, event)

    def _emit(self) -> None:
        reports: list[Report] = [*self._reports.drain(), *self._notices]
        if reports:
            self._notices = []
            self._send(reports)
