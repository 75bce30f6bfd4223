"""Every TCP connection of the server: counted, bounded, and closed in a stated order when there are too many.

A connection is unknown until a request on it has shown a valid token; then it is known. When all places are taken, the
oldest unknown connection is closed for a new one (first an idle one, then one with a running request), then the oldest
idle known one. So open connections cannot keep members or health checks out: a client with a token is admitted by its
next attempt. A WebSocket of a member never yields, and members are fewer than connections (`members`), which leaves the
reserve.

Headers have a deadline of their own (aiohttp's `keepalive_timeout`), a silent WebSocket has `hello_timeout`, and here a
peer that takes none of its answer for `stall` seconds is cut off.
"""

from __future__ import annotations

import asyncio
import logging
import resource
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, Literal, cast

from antiphon_proto.errors import RateLimited

log = logging.getLogger(__name__)

_SWEEP: Final = 5.0
_FILES: Final = 200
"""Descriptors for everything but connections: the store, assets, workers, pipes."""
_RESERVE: Final = 0.05
"""Part of the connections that members cannot take up."""

Kind = Literal["idle stranger", "busy stranger", "idle known", "busy known"]
_YIELD: Final[tuple[Kind, ...]] = ("idle stranger", "busy stranger", "idle known")
"""In this order."""


def open_files() -> int:
    """Raise the limit of open files to the system's maximum for this process; returns it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 1_000_000 if soft == resource.RLIM_INFINITY else soft


def fitting(wanted: int, files: int) -> int:
    """How many connections fit into so many open files, at most `wanted`; told where it is fewer."""
    room = max(files - _FILES, files // 2, 16)
    if room < wanted:
        log.warning(
            "%d connections at most: this process may open %d files; `ulimit -Hn` raises it", room, files
        )
    return min(wanted, room)


class _Group:
    """Sockets by kind, the one that has been of its kind for longest first."""

    def __init__(self) -> None:
        self.by_kind: dict[Kind, dict[Socket, None]] = {kind: {} for kind in (*_YIELD, "busy known")}

    def __len__(self) -> int:
        return sum(map(len, self.by_kind.values()))

    def strangers(self) -> int:
        return len(self.by_kind["idle stranger"]) + len(self.by_kind["busy stranger"])

    def oldest(self, kinds: tuple[Kind, ...]) -> Socket | None:
        return next((socket for kind in kinds for socket in self.by_kind[kind]), None)


class Sockets:
    """At most `total` connections; of one address at most `per_address`, and `strangers` that showed no token.

    `proxy` says whether an address is a trusted proxy's: many people come from there, so that it has no bound of its
    own; their requests are counted by the address that the proxy tells (`serving`).
    """

    def __init__(
        self,
        total: int,
        per_address: int,
        *,
        strangers: int = 256,
        requests: int = 256,
        stall: float = 60.0,
        proxy: Callable[[str], bool] = lambda address: False,
    ) -> None:
        self.total = total
        self._per_address = per_address
        self._strangers = strangers
        self._requests = requests
        self._stall = stall
        self._proxy = proxy
        self._all = _Group()
        self._addresses: dict[str, _Group] = {}
        self._by_inner: dict[object, Socket] = {}
        self._in_flight: Counter[str] = Counter()
        self.refused = 0
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._all)

    @property
    def members(self) -> int:
        """WebSockets that there is room for."""
        return max(1, int(self.total * (1 - _RESERVE)))

    def protocol(self, inner: asyncio.Protocol) -> Socket:
        """The protocol of a new connection, made by the listening server."""
        return Socket(self, inner)

    @contextmanager
    def serving(self, inner: object, address: str, websocket: bool) -> Iterator[None]:
        """The time that a request runs. Raises RateLimited when too many of this address do."""
        if not websocket:
            if self._in_flight[address] >= self._requests:
                raise RateLimited("too many requests at once from this address")
            self._in_flight[address] += 1
        socket = self._by_inner.get(inner)
        if socket is not None:
            self._move(socket, busy=True)
        try:
            yield
        finally:
            if not websocket:
                self._in_flight[address] -= 1
                if not self._in_flight[address]:
                    del self._in_flight[address]
            if socket is not None and socket.open:
                self._move(socket, busy=False)

    def known(self, inner: object) -> None:
        """A valid token came over this connection."""
        if (socket := self._by_inner.get(inner)) is not None and not socket.known:
            self._move(socket, known=True)

    async def run(self) -> None:
        """Cut off peers that take nothing; until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(_SWEEP)
            self.sweep(clock())

    def sweep(self, now: float) -> None:
        for socket in list(self._by_inner.values()):
            if socket.stalled(now) >= self._stall:
                socket.abort()

    def admit(self, socket: Socket) -> bool:
        """Make room for a new connection, if there is any; called by it."""
        own = self._addresses.get(socket.address) or _Group()
        if not self._proxy(socket.address):
            if own.strangers() >= self._strangers:
                self._evict(own, ("idle stranger", "busy stranger"))
            elif len(own) >= self._per_address and not self._evict(own, _YIELD):
                self.refused += 1
                return False
        if len(self._all) >= self.total and not self._evict(self._all, _YIELD):
            self.refused += 1
            return False
        own = self._addresses.setdefault(socket.address, own)
        for group in (self._all, own):
            group.by_kind[socket.kind][socket] = None
        self._by_inner[socket.inner] = socket
        return True

    def forget(self, socket: Socket) -> None:
        """The connection is gone."""
        if self._by_inner.pop(socket.inner, None) is None:
            return
        for group in (self._all, self._addresses[socket.address]):
            del group.by_kind[socket.kind][socket]
        self._drop_group(socket.address)

    def _evict(self, group: _Group, kinds: tuple[Kind, ...]) -> bool:
        oldest = group.oldest(kinds)
        if oldest is None:
            return False
        self.evicted += 1
        self.forget(oldest)
        oldest.abort()
        return True

    def _move(self, socket: Socket, *, busy: bool | None = None, known: bool | None = None) -> None:
        if socket.inner not in self._by_inner:
            return
        groups = (self._all, self._addresses[socket.address])
        for group in groups:
            del group.by_kind[socket.kind][socket]
        socket.busy = socket.busy if busy is None else busy
        socket.known = socket.known if known is None else known
        for group in groups:
            group.by_kind[socket.kind][socket] = None

    def _drop_group(self, address: str) -> None:
        if address in self._addresses and not self._addresses[address]:
            del self._addresses[address]


class Socket(asyncio.Protocol):
    """One connection: passes everything to the HTTP server's protocol, once it is admitted."""

    def __init__(self, book: Sockets, inner: asyncio.Protocol) -> None:
        self.inner = inner
        self.address = ""
        self.busy = False
        self.known = False
        self.open = False
        self._book = book
        self._transport: asyncio.Transport | None = None
        self._waiting = 0
        self._since: float | None = None

    @property
    def kind(self) -> Kind:
        if self.known:
            return "busy known" if self.busy else "idle known"
        return "busy stranger" if self.busy else "idle stranger"

    def stalled(self, now: float) -> float:
        """Seconds since the peer last took waiting bytes."""
        waiting = 0 if self._transport is None else self._transport.get_write_buffer_size()
        if not waiting or waiting != self._waiting or self._since is None:
            self._waiting, self._since = waiting, now if waiting else None
        return 0.0 if self._since is None else now - self._since

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        if self._book.admit(self):
            self.open = True
            self.inner.connection_made(transport)
        else:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._book.forget(self)
        if self.open:
            self.open = False
            self.inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.open:
            self.inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self.inner.eof_received() if self.open else None

    def pause_writing(self) -> None:
        if self.open:
            self.inner.pause_writing()

    def resume_writing(self) -> None:
        if self.open:
            self.inner.resume_writing()
