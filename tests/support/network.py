"""A bad network: everything between a browser and the server goes through here, and can be slow, hang or be cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

_CHUNK = 1400
"""Bytes that travel together: about a packet, so that a cut falls inside messages."""


class Network:
    """A TCP proxy on a loopback port. `url` is the server as seen through it."""

    def __init__(self, target: str) -> None:
        self.lead_to(target)
        self.delay = 0.0
        """Seconds that each chunk takes, one after the other."""
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""

    def lead_to(self, target: str) -> None:
        """From now on new connections go to the server at this address."""
        parts = urlsplit(target)
        assert parts.hostname is not None
        self._target = parts.hostname, parts.port

    def hang(self) -> None:
        """Nothing gets through any more, and nobody is told."""
        self._flowing.clear()

    def flow(self) -> None:
        self._flowing.set()

    def cut(self) -> None:
        """Ends every connection at once, in the middle of whatever was on its way."""
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            self._writers |= {writer, far_writer}
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._carry(reader, far_writer))
                    both.create_task(self._carry(far_reader, writer))
            finally:
                for each in (writer, far_writer):
                    self._writers.discard(each)
                    each.transport.abort()
        except OSError:
            writer.transport.abort()
        finally:
            self._tasks.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(_CHUNK):
                if self.delay:
                    await asyncio.sleep(self.delay)
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.transport.abort()

    async def close(self) -> None:
        self.delay = 0.0
        self.flow()
        while self._tasks:
            self.cut()
            await asyncio.wait(self._tasks, timeout=0.1)


@asynccontextmanager
async def network(target: str) -> AsyncIterator[Network]:
    made = Network(target)
    server = await asyncio.start_server(made._serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
        await made.close()
