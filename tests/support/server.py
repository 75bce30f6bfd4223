"""A real server for tests: in this process with a scripted engine (`running`), or as `antiphon serve` (`serving`)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from antiphon_engines.config import WorkerConfig
from antiphon_server.app import OnState, Serving, serve
from antiphon_server.config import Settings
from antiphon_server.gateway import Engine, Gateway
from support.patience import PATIENCE
from support.scripted_engine import ScriptedEngine

TEXT_ALONE = ("--image-model=none", "--music-model=none", "--speech-model=none")
"""Arguments of a server that neither paints, plays nor speaks: half a minute less on a slow machine."""
NOTHING_TO_LOAD = ("--text-model=http://127.0.0.1:9/v1#nobody", *TEXT_ALONE)
"""And of one whose worker is ready at once: a remote engine connects at its first request."""


class LiveServer:
    """A server in this process."""

    def __init__(self, serving: Serving, engine: ScriptedEngine, stop: asyncio.Event) -> None:
        self.url = serving.url
        self.gateway: Gateway = serving.gateway
        self.engine = engine
        self.stop = stop
        """Set it to begin the drain."""

    @property
    def ws_url(self) -> str:
        return f"ws{self.url[4:]}/ws"

    def yjs_url(self, room: str, token: str) -> str:
        return f"ws{self.url[4:]}/yjs/{room}?token={token}"

    async def new_room(self) -> dict[str, Any]:
        """The answer of `POST /api/rooms`: "room", "links", "tokens"."""
        return await new_room(self.url)


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token; none for an empty one."""
    return {"Authorization": f"Bearer {token}"} if token else {}


async def new_room(url: str) -> dict[str, Any]:
    async with aiohttp.ClientSession() as http, http.post(f"{url}/api/rooms") as answer:
        assert answer.status == 201, await answer.text()
        body: dict[str, Any] = await answer.json()
        return body


@asynccontextmanager
async def running(data_dir: Path, *, engine_failure: str = "", **settings: Any) -> AsyncIterator[LiveServer]:
    """The real app on a free port; it is drained on the way out, and its errors are raised here.
    `engine_failure`: the engine cannot start, for that reason."""
    stop = asyncio.Event()
    ready: asyncio.Future[Serving] = asyncio.get_running_loop().create_future()
    engines: list[ScriptedEngine] = []

    def make(config: WorkerConfig, on_state: OnState) -> Engine:
        engines.append(ScriptedEngine(config, on_state, failure=engine_failure))
        return engines[0]

    chosen = Settings(port=0, data_dir=data_dir, **settings)
    task = asyncio.create_task(serve(chosen, stop, ready.set_result, make_engine=make))
    try:
        waits: set[asyncio.Future[Any]] = {task, ready}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            await task
        yield LiveServer(ready.result(), engines[0], stop)
    finally:
        stop.set()
        await task


class ServedProcess:
    """`antiphon serve` as a process of its own. `ready` is its ready line."""

    def __init__(self, process: asyncio.subprocess.Process, ready: dict[str, Any]) -> None:
        self.process = process
        self.ready = ready
        self.url: str = ready["url"]

    async def new_room(self) -> dict[str, Any]:
        return await new_room(self.url)

    def kill(self) -> None:
        """As a power cut: no drain, no flush."""
        self.process.kill()

    async def terminate(self) -> int:
        """SIGTERM; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()


@asynccontextmanager
async def serving(
    data_dir: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    command: tuple[str, ...] = (sys.executable, "-P", "-m", "antiphon_server"),
) -> AsyncIterator[ServedProcess]:
    """Start `antiphon serve` on a free port and wait until it is ready; it is ended on the way out. It has no watchdog
    unless `environment` says so."""
    process = await asyncio.create_subprocess_exec(
        *command,
        "serve",
        "--port=0",
        f"--data-dir={data_dir}",
        "--log-format=json",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "ANTIPHON_WATCHDOG": "0", **(environment or {})},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(2 * PATIENCE):
            line = await process.stdout.readline()
        if not line:
            raise RuntimeError(f"antiphon serve ended with status {await process.wait()} before it was ready")
        ready = json.loads(line)
        assert ready["event"] == "ready"
        yield ServedProcess(process, ready)
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(PATIENCE):
                    await process.wait()
            except TimeoutError:
                process.kill()
        await process.wait()
        # Lets the transport of the pipe see its end, so that nothing is left for the garbage collector to warn about.
        await process.stdout.read()


__all__ = [
    "NOTHING_TO_LOAD",
    "PATIENCE",
    "TEXT_ALONE",
    "LiveServer",
    "ServedProcess",
    "bearer",
    "new_room",
    "running",
    "serving",
]
