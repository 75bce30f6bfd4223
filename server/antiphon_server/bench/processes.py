"""Servers under measurement: started as a user would start them, with their use of memory and CPU from the kernel."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.config import DEFAULT_TEXT_MODEL

_READY_SECONDS = 120.0
METRICS_TOKEN = "bench"
"""Opens `/metrics` of the servers that are started here."""
_STOP_SECONDS = 15.0


class Usage:
    """CPU time and memory of one process (not of its children), from /proc."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self) -> float:
        """Resident set, MB (10**6 bytes)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def peak_rss_mb(self) -> float:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise OSError(f"process {self.pid} has no VmHWM")

    def has_mapped(self, word: str) -> bool:
        """Whether a file whose path holds `word` is mapped into the process (a loaded library, say)."""
        return word in Path(f"/proc/{self.pid}/maps").read_text()


_SMALL: Final = {"ANTIPHON_TEXT_MODEL": DEFAULT_TEXT_MODEL}
"""`auto` would fetch or load a large model during the measurement."""


@asynccontextmanager
async def antiphon_server(
    data_dir: Path, extra: Sequence[str] = (), log: Path | None = None
) -> AsyncIterator[tuple[str, Usage]]:
    """`antiphon serve` on a free port: its address and the usage of the gateway process. `log` takes its lines."""
    command = [
        sys.executable, "-P", "-m", "antiphon_server", "serve", "--port", "0", "--log-format", "json",
        "--data-dir", str(data_dir), *extra,
    ]  # fmt: skip
    # Without the watchdog the process is the gateway itself, whose use is measured.
    environment = {"ANTIPHON_METRICS_TOKEN": METRICS_TOKEN, "ANTIPHON_WATCHDOG": "0"}
    with (log or Path(os.devnull)).open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=PIPE, stderr=errors, env={**_SMALL, **os.environ, **environment}
        )
    try:
        async with asyncio.timeout(_READY_SECONDS):
            url = await _ready_url(process)
        yield url, Usage(process.pid)
    finally:
        await _stop(process)


async def _ready_url(process: Process) -> str:
    assert process.stdout is not None
    async for line in process.stdout:
        with contextlib.suppress(ValueError):
            said = json.loads(line)
            if isinstance(said, dict) and said.get("event") == "ready":
                return str(said["url"])
    raise EngineUnavailable(f"antiphon serve ended with {await process.wait()} before it was ready")


@asynccontextmanager
async def node_server(node: Path, script: Path, port: int) -> AsyncIterator[Usage]:
    """The stock Node y-websocket server on `port` of the loopback address."""
    process = await asyncio.create_subprocess_exec(
        node / "node", script, stdout=PIPE, stderr=DEVNULL,
        env={"HOST": "127.0.0.1", "PORT": str(port), "PATH": f"{node}:/usr/bin:/bin", "NODE_ENV": "production"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(_READY_SECONDS):
            if not await process.stdout.readline():
                raise EngineUnavailable("the Node server did not start")
        yield Usage(process.pid)
    finally:
        await _stop(process)


async def _stop(process: Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
