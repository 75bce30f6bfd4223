"""Which connections are open: their number per address is bounded, and a drain reaches every one of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from antiphon_proto.errors import CloseCode, RateLimited
from antiphon_server.net.outbox import Outbox


class Connections:
    """At most `total` connections, `per_address` of one address."""

    def __init__(self, total: int, per_address: int) -> None:
        self._total = total
        self._per_address = per_address
        self._addresses: Counter[str] = Counter()
        self._open: set[Outbox] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._draining = False

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def admitted(self, outbox: Outbox, address: str) -> Iterator[None]:
        """The time that a connection is open. Raises RateLimited when there are too many."""
        if self._draining or len(self._open) >= self._total:
            raise RateLimited("the server is full")
        if self._addresses[address] >= self._per_address:
            raise RateLimited("too many connections from this address")
        self._addresses[address] += 1
        self._open.add(outbox)
        self._empty.clear()
        try:
            yield
        finally:
            self._open.discard(outbox)
            self._addresses[address] -= 1
            if not self._addresses[address]:
                del self._addresses[address]
            if not self._open:
                self._empty.set()

    async def emptied(self) -> None:
        """Return when no connection is open."""
        await self._empty.wait()

    async def drain(self, timeout: float) -> None:
        """Close all connections and wait for them, at most `timeout` seconds; then cut the rest."""
        self._draining = True
        for outbox in tuple(self._open):
            outbox.close(CloseCode.DRAINING, "the server restarts")
        try:
            async with asyncio.timeout(timeout):
                await self.emptied()
        except TimeoutError:
            for outbox in tuple(self._open):
                outbox.abort()

    def backlog(self) -> int:
        """Bytes that wait for slow clients."""
        return sum(outbox.backlog for outbox in self._open)
