"""Helpers for tests that run an EngineHost with a real worker process."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from antiphon_engines.config import WorkerConfig
from antiphon_engines.host.host import FACTORY, EngineHost, HostState
from antiphon_engines.ipc.events import Done, Failed, RunEvent, Token
from antiphon_engines.settings import HostSettings
from support.fake_engine import request
from support.patience import PATIENCE

QUICK = HostSettings(backoff_first=0.01, backoff_cap=0.05)


class Recorder:
    """A run's sink: keeps the results and lets a test wait for them."""

    def __init__(self) -> None:
        self.events: list[RunEvent] = []
        self._news = asyncio.Event()

    def __call__(self, event: RunEvent) -> None:
        self.events.append(event)
        self._news.set()

    @property
    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]

    @property
    def text(self) -> str:
        return "".join(event.info.text for event in self.events if isinstance(event, Token))

    @property
    def end(self) -> Done | Failed | None:
        last = self.events[-1] if self.events else None
        return last if isinstance(last, Done | Failed) else None

    async def until(self, condition: Callable[[Recorder], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition(self):
                self._news.clear()
                await self._news.wait()

    async def saw(self, kind: type[RunEvent], count: int = 1) -> None:
        await self.until(lambda self: sum(isinstance(event, kind) for event in self.events) >= count)

    async def ended(self) -> Done | Failed:
        await self.until(lambda self: self.end is not None)
        assert self.end is not None
        return self.end


def process_gone(pid: int) -> asyncio.Future[None]:
    """Done when the process has ended; needs a running loop. Linux: a pidfd becomes readable at the end."""
    loop = asyncio.get_running_loop()
    gone: asyncio.Future[None] = loop.create_future()
    handle = os.pidfd_open(pid)

    def ended() -> None:
        loop.remove_reader(handle)
        os.close(handle)
        if not gone.done():
            gone.set_result(None)

    loop.add_reader(handle, ended)
    return gone


class Watched:
    """`async with Watched(...) as watched:` starts a host and closes it; remembers every state.

    `factory` is a name in `support.fake_engine`, or "module:function"; FACTORY is the real registry.
    """

    def __init__(
        self,
        factory: str,
        cache_dir: Path,
        settings: HostSettings = QUICK,
        **config: object,
    ) -> None:
        self.states: list[HostState] = []
        self._news = asyncio.Event()
        self.host = EngineHost(
            WorkerConfig(str(cache_dir), **config),  # type: ignore[arg-type]
            on_state=self._on_state,
            settings=settings,
            factory=factory if ":" in factory else f"support.fake_engine:{factory}",
        )

    async def __aenter__(self) -> Watched:
        await self.host.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.host.close()

    async def becomes(self, condition: Callable[[HostState], bool], patience: float = PATIENCE) -> HostState:
        """Wait until the present state is such; earlier states do not count."""
        async with asyncio.timeout(patience):
            while not condition(self.host.state):
                self._news.clear()
                await self._news.wait()
        return self.host.state

    @property
    def statuses(self) -> list[str]:
        """Without repetitions in a row."""
        names = [state.status for state in self.states]
        return [name for name, before in zip(names, [None, *names], strict=False) if name != before]

    def submit(
        self,
        run: str,
        sink: Recorder,
        instruction: str = "",
        *,
        share: str = "ann",
        tokens: int = 8,
        before: str = "",
        epoch: int = 0,
    ) -> None:
        """A run for the fake engine."""
        wanted = request(instruction, tokens=tokens, before=before)
        self.host.submit(run, epoch, share=share, request=wanted, sink=sink)

    async def until(self, condition: Callable[[HostState], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not any(condition(state) for state in self.states):
                self._news.clear()
                await self._news.wait()

    async def ready_again(self, times: int) -> None:
        """Wait until the host has become ready `times` times."""
        async with asyncio.timeout(PATIENCE):
            while self.statuses.count("ready") < times:
                self._news.clear()
                await self._news.wait()

    def kill_worker(self, number: signal.Signals = signal.SIGKILL) -> None:
        """As the kernel's out-of-memory killer would."""
        assert self.host.worker_pid is not None, "there is no worker to kill"
        os.kill(self.host.worker_pid, number)

    def worker_gone(self) -> asyncio.Future[None]:
        """Done when the present worker process has ended."""
        assert self.host.worker_pid is not None, "there is no worker"
        return process_gone(self.host.worker_pid)

    def _on_state(self, state: HostState) -> None:
        self.states.append(state)
        self._news.set()


__all__ = ["FACTORY", "PATIENCE", "QUICK", "Recorder", "Watched", "process_gone"]
