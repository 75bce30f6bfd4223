"""The gateway's side of an engine worker: starts it, watches it, restarts it, and carries runs to it and back.

Everything here runs on one event loop. `HostState.status`:

    stopped -> starting -> ready -> restarting -> ready ...
                  |                     |
                  +-----> failed <------+        and from everywhere `stopped` by close()

`failed` is final: the worker cannot be built for a reason that will not mend by itself.

It is as long as it is because every way of a worker's end changes the same state and the same runs.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from antiphon_engines.api import (
    LOADING,
    Absent,
    EngineInfo,
    EngineUnavailable,
    InvalidRequest,
    Modality,
    PlayedNote,
    QueueFull,
    Request,
    Steer,
)
from antiphon_engines.config import WorkerConfig
from antiphon_engines.host.backoff import Backoff
from antiphon_engines.host.held_runs import HeldRuns, Sink
from antiphon_engines.host.worker_process import WorkerProcess, spawn
from antiphon_engines.ipc.channel import (
    Cancel,
    Changed,
    ChannelError,
    Command,
    Configure,
    Events,
    Fatal,
    Ping,
    Pong,
    Progress,
    Push,
    Ready,
    Recall,
    Stats,
    Traced,
    UseModel,
    encode,
    steering,
)
from antiphon_engines.ipc.events import (
    Done,
    Failed,
    Image,
    Preview,
    Progressed,
    Queued,
    RunEvent,
    Started,
    Steered,
    SteerRejected,
    Token,
)
from antiphon_engines.settings import MAX_WEIGHT, MIN_WEIGHT, HostSettings, QueueBounds
from antiphon_proto.errors import ErrorCode, TooLarge

logger = logging.getLogger(__name__)
FACTORY: Final = "antiphon_engines.registry:engines"

__all__ = [
    "Done",
    "EngineHost",
    "Failed",
    "HostState",
    "Image",
    "Preview",
    "Progressed",
    "Queued",
    "RunEvent",
    "Started",
    "SteerRejected",
    "Steered",
    "Token",
]


class HostState(Struct, frozen=True):
    """The engine's state, for rooms."""

    status: Literal["starting", "ready", "restarting", "failed", "stopped"]
    engines: tuple[EngineInfo, ...] = ()
    """Known from the first `ready` on, also while it restarts."""
    message: str = ""
    """One line for people: the model that is loading, or why the worker died."""
    progress: float | None = None
    """Of loading, 0 to 1, where it can be told."""
    absent: tuple[Absent, ...] = ()
    """Engines that were asked for and that the worker does without, perhaps only until they are loaded."""
    coming: tuple[Absent, ...] = ()
    """Named by their specs, models that were asked to take another's place: loading, or why they could not."""


class _Death(Struct, frozen=True):
    """How a worker's life ended. `final` when the next one would end in the same way."""

    reason: str
    final: bool = False


class EngineHost:
    """One worker process and the runs it holds.

    `factory` is the dotted name ("module:function") of the function that builds the worker's engines from a
    WorkerConfig; only tests give another than the default."""

    def __init__(
        self,
        config: WorkerConfig,
        *,
        on_state: Callable[[HostState], None] | None = None,
        settings: HostSettings | None = None,
        factory: str = FACTORY,
    ) -> None:
        self._config = config
        self._settings = settings or HostSettings()
        self._on_state = on_state
        self._factory = factory
        self._bounds = QueueBounds(config.max_queue, min(self._settings.queue_per_share, config.max_queue))
        self._held = HeldRuns(self._bounds)
        self._backoff = Backoff(
            self._settings.backoff_first, self._settings.backoff_cap, self._settings.healthy_after
        )
        self._sequences = itertools.count(1)
        self._task: asyncio.Task[None] | None = None
        self._process: WorkerProcess | None = None
        self._settled = asyncio.Event()
        self._silent_ticks = 0
        self._ready_at: float | None = None
        self._recalls: dict[int, asyncio.Future[Traced]] = {}
        self.state = HostState("stopped", message="the engine has not been started")
        self.stats = Stats()
        """The worker's latest account of itself; zeros before the first heartbeat."""

    # Life -----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start the worker; returns at once. `on_state` and `wait_ready` tell when it is ready."""
        if self._task is not None:
            raise RuntimeError("an EngineHost is started once")
        self._change(HostState("starting", message="starting the engine worker"))
        self._task = asyncio.create_task(self._supervise(), name="engine-host")

    async def wait_ready(self) -> None:
        """Return when the engine is ready. Raises EngineUnavailable when it never will be."""
        while self.state.status != "ready":
            if self.state.status in ("failed", "stopped"):
                raise EngineUnavailable(self.state.message)
            await self._settled.wait()

    async def close(self) -> None:
        """Fail every held run, end the worker and wait until it is gone. Idempotent."""
        if self.state.status != "stopped":
            self._change(
                replace(self.state, status="stopped", message="the engine was stopped", progress=None)
            )
        self._held.fail_all(ErrorCode.UNAVAILABLE, "the engine was stopped")
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    # Runs -----------------------------------------------------------------------------------------------

    @property
    def held(self) -> int:
        """Runs from `submit` to their last event."""
        return len(self._held)

    @property
    def waiting(self) -> int:
        """Runs that were submitted and have not started."""
        return self._held.waiting

    @property
    def worker_pid(self) -> int | None:
        """Of the process that is there now, for `doctor`, metrics and tests of its death."""
        return None if self._process is None else self._process.pid

    def submit(
        self,
        run: str,
        epoch: int,
        *,
        share: str,
        request: Request,
        sink: Sink,
        weight: float = 1.0,
    ) -> None:
        """Hand over a run; `sink` gets its events on this event loop, never during this call.

        `share` is who is charged (the participant), with `weight` (0.01 to 100) against the others. While the worker
        starts or restarts, runs wait here. Raises EngineUnavailable, QueueFull, TooLarge, InvalidRequest for a bad
        weight, and Conflict for a run that is held.
        """
        if self.state.status in ("failed", "stopped"):
            raise EngineUnavailable(self.state.message)
        if not MIN_WEIGHT <= weight <= MAX_WEIGHT:
            raise InvalidRequest(f"a weight of {weight}; it must be {MIN_WEIGHT} to {MAX_WEIGHT}")
        self._check_backlog()
        held = self._held.add(run, epoch, share, weight, request, sink)
        try:
            for command in held.commands():
                encode(command)
        except ChannelError as error:
            self._held.drop(run)
            raise TooLarge(error.message) from None
        if self.state.status == "ready":
            self._send(held.commands())
        else:
            waiting = Queued(self._held.waiting, 0)
            asyncio.get_running_loop().call_soon(self._held.deliver, held.ticket, (waiting,))

    def steer(self, run: str, change: Steer, epoch: int = 0) -> None:
        """Change a run at its next step, which begins its `epoch`; `Steered` or `SteerRejected` answers (with epoch
        0 the latter alone).

        Raises NotFound when the run is over, and QueueFull when too many changes are under way.
        """
        self._check_backlog()
        held = self._held.steer(run, change, epoch)
        if self.state.status == "ready":
            self._send([steering(held.ticket, change, epoch)])

    def push(self, run: str, notes: Sequence[PlayedNote]) -> None:
        """Pass people's notes to a band. Notes for a band that has not started or is over go nowhere, and so do those
        that the worker could not take in time anyway: music that waits in a queue is of no use."""
        held = self._held.get(run)
        if held is None or not held.started or self.state.status != "ready" or self._process is None:
            return
        if self._process.unsent <= self._settings.max_unsent:
            self._send([Push(held.ticket, tuple(notes))])

    def cancel(self, run: str) -> None:
        """Stop a run. When this returns its sink is never called again; a run that is over is no error."""
        held = self._held.drop(run)
        if held is not None and self.state.status == "ready":
            self._send([Cancel(held.ticket)])

    @property
    def models(self) -> dict[Modality, str]:
        """Specs of the models that serve, or will when they have been loaded."""
        config = self._config
        return {
            "text": config.text_model,
            "image": config.image_model,
            "audio": config.music_model,
            "speech": config.speech_model,
        }

    def use(self, modality: Modality, model: str) -> None:
        """Load another model, by its spec, for all later runs; runs under way end on theirs. `on_state` tells how it
        goes; where it fails, the present model goes on serving. Raises EngineUnavailable."""
        if self.state.status != "ready":
            raise EngineUnavailable(self.state.message or "the engine is not ready")
        self._check_backlog()
        self._send([UseModel(modality, model)])
        # Told at once: an earlier failure is history.
        others = tuple(each for each in self.state.coming if each.modality != modality)
        wanted = Absent(modality, model, LOADING, loading=True)
        self._change(replace(self.state, coming=(*others, wanted)))

    async def trace(self) -> Traced:
        """The worker's recent records. Raises EngineUnavailable when there is none to ask, or it does not answer in
        time."""
        if self.state.status != "ready" or self._process is None:
            raise EngineUnavailable(self.state.message or "the engine is not ready")
        self._check_backlog()
        sequence = next(self._sequences)
        answer = self._recalls[sequence] = asyncio.get_running_loop().create_future()
        self._send([Recall(sequence)])
        try:
            async with asyncio.timeout(self._settings.recall_timeout):
                traced: Traced = await answer
                return traced
        except TimeoutError:
            raise EngineUnavailable("the engine did not answer in time") from None
        finally:
            del self._recalls[sequence]

    # The worker -----------------------------------------------------------------------------------------

    async def _supervise(self) -> None:
        try:
            while (delay := self._bury(await self._live())) is not None:
                await asyncio.sleep(delay)
        except Exception:
            logger.exception("the engine host failed")
            self._give_up("the engine host failed; see the server's log")

    async def _live(self) -> _Death:
        """One worker from start to end."""
        self._ready_at = None
        try:
            process = await spawn(self._factory)
        except OSError as error:
            return _Death(f"the engine worker cannot be started: {error}")
        self._process = process
        watch = asyncio.create_task(self._watch(process), name="engine-heartbeat")
        try:
            process.send(Configure(self._config, self._bounds))
            fatal = await self._serve(process)
        except ChannelError as error:
            process.kill(f"broke the channel: {error}")
            fatal = None
        finally:
            self._process = None
            watch.cancel()
            await process.stop(self._settings.close_grace)
            await asyncio.wait([watch])
        # A model that has been ready once is there: its present fault can mend.
        if fatal is not None:
            return _Death(fatal.message, final=fatal.final and not self.state.engines)
        return _Death(process.account())

    async def _serve(self, process: WorkerProcess) -> Fatal | None:
        """Carry reports until the worker closes the channel or says why it must."""
        while reports := await process.receive():
            self._silent_ticks = 0
            for report in reports:
                if isinstance(report, Fatal):
                    return report
                self._handle(report)
        return None

    def _handle(self, report: Changed | Events | Pong | Progress | Ready | Traced) -> None:
        match report:
            case Events(ticket, events):
                self._held.deliver(ticket, events)
            case Pong(_, stats):
                self.stats = stats
            case Traced(sequence):
                answer = self._recalls.get(sequence)
                if answer is not None and not answer.done():
                    answer.set_result(report)
            case Progress(message, fraction):
                self._change(replace(self.state, message=message, progress=fraction))
            case Changed(engines, absent, coming, models):
                names = {
                    "text": "text_model",
                    "image": "image_model",
                    "audio": "music_model",
                    "speech": "speech_model",
                }
                # The next worker begins with the models that serve now.
                self._config = replace(self._config, **{names[each]: spec for each, spec in models.items()})
                self._change(HostState("ready", engines, absent=absent, coming=coming))
            case Ready(engines, absent):
                self._ready_at = asyncio.get_running_loop().time()
                self._change(HostState("ready", engines, absent=absent))
                self._send(self._held.commands())

    async def _watch(self, process: WorkerProcess) -> None:
        """Ping; kill a worker that stays silent. Silence is counted in ticks of this loop and not by the clock, so
        that a gateway that was itself held up does not blame the worker."""
        settings = self._settings
        self._silent_ticks = 0
        sequence = 0
        while True:
            await asyncio.sleep(settings.heartbeat)
            self._silent_ticks += 1
            ready = self._ready_at is not None
            silence = self._silent_ticks * settings.heartbeat
            if silence > (settings.stuck_after if ready else settings.load_timeout):
                process.kill(f"was stuck: it said nothing for {silence:.0f} s")
                return
            if ready:
                sequence += 1
                process.send(Ping(sequence))

    def _bury(self, death: _Death) -> float | None:
        """Handle a worker's death: its runs, and the restart; returns the delay before the next worker."""
        now = asyncio.get_running_loop().time()
        delay = self._backoff.died(0.0 if self._ready_at is None else now - self._ready_at)
        reason = death.reason
        never_ready = not self.state.engines
        if death.final or (never_ready and self._backoff.failures >= self._settings.start_attempts):
            self._give_up(reason)
            return None
        logger.error("%s; next attempt in %.2f s", reason, delay)
        status: Literal["starting", "restarting"] = "starting" if never_ready else "restarting"
        self._change(replace(self.state, status=status, message=reason, progress=None))
        self._held.worker_died(reason, self._settings.run_deaths)
        return delay

    def _give_up(self, reason: str) -> None:
        if self.state.engines:  # before the first `ready`, its waiter reports it
            logger.error("%s", reason)
        self._change(HostState("failed", self.state.engines, reason, absent=self.state.absent))
        self._held.fail_all(ErrorCode.UNAVAILABLE, reason)

    # Small parts ----------------------------------------------------------------------------------------

    def _send(self, commands: Iterable[Command]) -> None:
        if self._process is not None:
            self._process.send(*commands)

    def _check_backlog(self) -> None:
        if self._process is not None and self._process.unsent > self._settings.max_unsent:
            raise QueueFull("the engine does not keep up with its commands; try again later")

    def _change(self, state: HostState) -> None:
        if state == self.state:
            return
        self.state = state
        if state.status in ("ready", "failed", "stopped"):
            self._settled.set()
        else:
            self._settled.clear()
        if self._on_state is not None:
            try:
                self._on_state(state)
            except Exception:
                logger.exception("the listener of the engine's state failed")
