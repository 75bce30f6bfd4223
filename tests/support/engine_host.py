"""Helpers for tests that run an EngineHost with a real worker process."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from antiphon_engines.config import WorkerConfig
from antiphon_engines.events import Done, Failed, RunEvent, Token
from antiphon_engines.host import FACTORY, EngineHost, HostState
from antiphon_engines.settings import HostSettings

PATIENCE = 60.0
"""Seconds that a test waits for an event before it is a failure; never a measure of anything."""
QUICK = HostSettings(backoff_first=0.01, backoff_cap=0.05)


class Recorder:
    """A run's sink: keeps what came and lets a test wait for it."""

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

    @property
    def statuses(self) -> list[str]:
        """Without repetitions in a row."""
        names = [state.status for state in self.states]
        return [name for name, before in zip(names, [None, *names], strict=False) if name != before]

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

    def _on_state(self, state: HostState) -> None:
        self.states.append(state)
        self._news.set()


__all__ = ["FACTORY", "PATIENCE", "QUICK", "Recorder", "Watched"]
