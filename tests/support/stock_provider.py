"""A stock y-websocket client in a Node process of its own."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from antiphon_client import Address
from antiphon_server.bench import node_peers
from support.patience import PATIENCE

SCRIPT = Path(__file__).with_suffix(".mjs")


class StockProvider:
    def __init__(self, process: Process) -> None:
        self._process = process

    async def do(self, command: str, **arguments: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, **arguments}).encode() + b"\n")
        await self._process.stdin.drain()

    async def event(self, name: str) -> dict[str, Any]:
        """The next event of that name; others before it are passed over."""
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while line := await self._process.stdout.readline():
                said: dict[str, Any] = json.loads(line)
                if said["event"] == name:
                    return said
        raise AssertionError(f"the provider ended ({await self._process.wait()}) before it said {name!r}")

    async def read(self) -> dict[str, Any]:
        """Its `text`, `delta`, `canvas` and the names of the `users` it knows of."""
        await self.do("read")
        return await self.event("read")

    async def until(self, condition: Any) -> dict[str, Any]:
        """Read again and again until `condition(read)` holds."""
        async with asyncio.timeout(PATIENCE):
            while not condition(said := await self.read()):
                await asyncio.sleep(0.02)
        return said


@asynccontextmanager
async def stock_provider(address: Address, cache_dir: Path, name: str) -> AsyncIterator[StockProvider]:
    """Connected to the room of `address` through `/yjs/{room}`, synced."""
    server, _, room = address.yjs.rpartition("/")
    folder = await asyncio.to_thread(node_peers.install, cache_dir)
    process = await asyncio.create_subprocess_exec(
        node_peers.node_folder() / "node",
        SCRIPT,
        folder,
        server,
        room,
        name,
        *address.yjs_protocols,
        stdin=PIPE,
        stdout=PIPE,
    )
    provider = StockProvider(process)
    try:
        await provider.event("synced")
        yield provider
    finally:
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(PATIENCE):
            await process.wait()
