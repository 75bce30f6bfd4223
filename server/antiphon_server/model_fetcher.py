"""A better text model beside the one that serves: fetched, tried and put in its place while the server runs.

With `text_model = "auto"` this begins by itself; a model that somebody chooses and that is not prepared comes in the
same way. One at a time; a failure is told with its reason, and the model that serves goes on. Fetching and
trying are processes of their own, of which this is the owner.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final, Protocol

from msgspec.structs import replace

from antiphon_engines import automatic
from antiphon_engines.api import EngineUnavailable
from antiphon_engines.automatic import Obstacle
from antiphon_proto.messages import Better

log = logging.getLogger(__name__)
_TRIES: Final = 3
"""Probes of a model before it counts as too slow: the machine may be busy with something else."""
_BETWEEN_TRIES: Final = 30.0
_STEP: Final = 0.01
"""Of the whole: how much further a download must be to be told."""
_LOGGED: Final = 0.25
_LINE: Final = 64 * 1024


class Children(Protocol):
    """Runs `python -m MODULE ARGUMENTS`, and yields the objects that it prints, one a line."""

    def __call__(self, module: str, *arguments: str) -> AsyncIterator[dict[str, Any]]:
        """Run a module of the engines as a child process and yield its lines of JSON."""
        ...


class ModelFetcher:
    """`use` has a model serve that is ready; `changed` is called whenever `better` has changed."""

    def __init__(
        self,
        cache_dir: Path,
        threads: int,
        *,
        use: Callable[[str], None],
        changed: Callable[[], None],
        children: Children | None = None,
        pause: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self._cache_dir = cache_dir
        self._threads = threads
        self._use = use
        self._changed = changed
        self._children = children or run_lines
        self._pause = pause
        self._task: asyncio.Task[None] | None = None
        self._logged = -1.0
        self.better: Better | None = None
        """The state of the current fetch, or the reason of the last failure; None when there is neither."""

    @property
    def busy(self) -> bool:
        """Whether a model is being fetched or tried."""
        return self._task is not None and not self._task.done()

    def begin(self, name: str, *, tries: bool) -> None:
        """Bring the model of that name of the catalogue, instead of the current fetch. `tries`: it has to show
        its speed first."""
        if self.busy and self.better is not None and self.better.name == name:
            return
        self.withdraw()
        self._tell(Better(name, automatic.size_of(name), "waits"))
        self._task = asyncio.create_task(self._bring(name, tries, self._task), name="model-fetcher")

    def withdraw(self) -> None:
        """Cancel the current fetch; its finished parts stay on the disk."""
        if self.busy:
            assert self._task is not None
            self._task.cancel()
        self._tell(None)

    def serves(self, name: str) -> None:
        """The model of that name serves, or is being loaded: there is nothing to say of it any more."""
        if not self.busy and self.better is not None and self.better.name == name:
            self.better = None

    def stay(self, name: str, obstacle: Obstacle) -> None:
        """Say why a better model does not serve."""
        better = self.better
        if better is None or better.name != name:
            better = Better(name, automatic.size_of(name), "stays")
        log.warning("%s does not serve: %s", name, obstacle.text)
        self._tell(
            replace(
                better,
                stage="stays",
                fraction=0.0,
                reason=obstacle.text[:200],
                reason_key=obstacle.key,
                reason_values=tuple(value[:200] for value in obstacle.values),
            )
        )

    async def close(self) -> None:
        """Cancel the fetch and wait for its end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _bring(self, name: str, tries: bool, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])  # it ends its process first
        try:
            obstacle = await self._fetch(name)
            if obstacle is None and tries:
                obstacle = await self._probe(name)
            if obstacle is not None:
                self.stay(name, obstacle)
                return
            self._use(name)
        except EngineUnavailable as error:
            self.stay(name, Obstacle(error.message, "failed", (error.message,)))
        except Exception as error:
            log.exception("%s could not be brought", name)
            reason = f"{type(error).__name__}: {error}"
            self.stay(name, Obstacle(reason, "failed", (reason,)))

    async def _fetch(self, name: str) -> Obstacle | None:
        if await asyncio.to_thread(automatic.is_prepared, self._cache_dir, name):
            return None
        obstacle = automatic.disk_obstacle(self._cache_dir) or automatic.memory_obstacle()
        if obstacle is not None:
            return obstacle
        self._logged = -1.0
        async for told in self._children("antiphon_engines.prepare_process", str(self._cache_dir), name):
            if "error" in told:
                return Obstacle(told["error"], "failed", (told["error"],))
            self._further("verifies" if told["stage"] == "verify" else "fetches", float(told["fraction"]))
        return None

    async def _probe(self, name: str) -> Obstacle | None:
        if automatic.is_fast(self._cache_dir, name, self._threads):
            return automatic.memory_obstacle()
        obstacle: Obstacle | None = None
        for number in range(_TRIES):
            if (lacking := automatic.memory_obstacle()) is not None:
                return lacking
            if number:
                await self._pause(_BETWEEN_TRIES)
            self._further("tries", 0.0)
            arguments = (str(self._cache_dir), name, str(self._threads))
            async for told in self._children("antiphon_engines.probe", *arguments):
                if "error" in told:
                    return Obstacle(told["error"], "failed", (told["error"],))
                obstacle = automatic.note_speed(
                    self._cache_dir, name, self._threads, float(told["tokens_per_second"])
                )
                if obstacle is None:
                    return None
        return obstacle

    def _further(self, stage: str, fraction: float) -> None:
        better = self.better
        assert better is not None
        if better.stage == stage and better.fraction <= fraction < better.fraction + _STEP:
            return
        if stage == "fetches" and not self._logged <= fraction < self._logged + _LOGGED:
            self._logged = fraction
            log.info("%s: fetched %d %% of %d MB", better.name, 100 * fraction, better.megabytes)
        elif stage == "tries":
            log.info("%s: measuring how fast it writes here", better.name)
        self._tell(replace(better, stage=stage, fraction=fraction))

    def _tell(self, better: Better | None) -> None:
        if better != self.better:
            self.better = better
            self._changed()


async def run_lines(module: str, *arguments: str) -> AsyncIterator[dict[str, Any]]:
    """See `Children`. The process is gone when this ends, whatever ends it. Raises EngineUnavailable when it dies."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", module, *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=_LINE,
        start_new_session=True,
    )
    assert process.stdout is not None
    failed = False
    try:
        async for line in process.stdout:
            told = json.loads(line)
            failed = failed or "error" in told
            yield told
        status = await process.wait()
    finally:
        if process.returncode is None:
            _end(process)
            await process.wait()
    if status != 0 and not failed:
        raise EngineUnavailable(f"its process ended with status {status}")


def _end(process: asyncio.subprocess.Process) -> None:
    """With its child processes: pip fetches in a process of its own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
