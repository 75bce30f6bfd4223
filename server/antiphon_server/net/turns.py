"""Fair turns on the event loop: messages of one connection do not delay those of others.

Messages of all connections are handled in slices of `SLICE` seconds; between two slices everything else of the loop has
its turn (timers, answers, accepted connections). Within a slice those go first who, and whose room and address, have
used least of the loop lately. Heavy users wait longer, but not forever: the place of a waiter follows from its time of
arrival and its use until then.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

SLICE: Final = 0.005
"""Seconds of messages that are handled before the rest of the loop has its turn. One message may take longer."""
_MEMORY: Final = 2.0
"""Seconds after which past use counts for about a third."""
_WEIGHT: Final = 8.0
"""Seconds of delay in the queue for each second of recent use."""
_ACCOUNTS: Final = 20_000
"""Addresses and rooms whose use is known; the one that was used longest ago makes room."""


class Loop(Protocol):
    """The part of an event loop that turns need."""

    def time(self) -> float: ...

    def call_soon(self, callback: Callable[[], None], /) -> object: ...

    def create_future(self) -> asyncio.Future[None]: ...


class Account:
    """Seconds of loop time used, with exponential decay."""

    __slots__ = ("_at", "_used")

    def __init__(self) -> None:
        self._used = self._at = 0.0

    def used(self, now: float) -> float:
        age = now - self._at
        return self._used * 2.718281828 ** (-age / _MEMORY) if self._used else 0.0

    def charge(self, seconds: float, now: float) -> None:
        self._used = self.used(now) + seconds
        self._at = now


class Claim:
    """One connection's claim to turns. `accounts` are its own, its address's, and, once it is in one, its room's."""

    __slots__ = ("accounts", "expected")

    def __init__(self, accounts: list[Account]) -> None:
        self.accounts = accounts
        self.expected = 0.0005
        """Seconds that its next message will take, by those before."""


class Turns:
    """One of a gateway. `cost` reads the clock that work is measured by."""

    def __init__(self, loop: Loop, cost: Callable[[], float] = time.perf_counter) -> None:
        self._loop = loop
        self._cost = cost
        self._accounts: OrderedDict[str, Account] = OrderedDict()
        self._waiting: list[tuple[float, int, Claim, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._spent = 0.0
        """Of the slice that is under way."""
        self._planned = 0.0
        """Expected use of those who may go ahead and have not begun."""
        self._scheduled = False
        self.longest = 0.0
        """Seconds of the longest piece of work so far."""

    def claim(self, address: str) -> Claim:
        return Claim([Account(), self._account(f"address {address}")])

    def enter(self, claim: Claim, room: str) -> None:
        """The connection is in a room from now on."""
        claim.accounts.append(self._account(f"room {room}"))

    async def turn(self, claim: Claim) -> None:
        """Return when it is this connection's turn: at once while the slice has room and nobody waits."""
        if not self._waiting and self._spent + self._planned < SLICE:
            return
        now = self._loop.time()
        place = now + _WEIGHT * sum(account.used(now) for account in claim.accounts)
        future = self._loop.create_future()
        heapq.heappush(self._waiting, (place, next(self._numbers), claim, future))
        self._schedule()
        await future

    @contextmanager
    def spending(self, claim: Claim) -> Iterator[None]:
        """Work of this connection, without an `await` in it."""
        started = self._cost()
        try:
            yield
        finally:
            seconds = self._cost() - started
            now = self._loop.time()
            for account in claim.accounts:
                account.charge(seconds, now)
            claim.expected += (seconds - claim.expected) / 4
            self.longest = max(self.longest, seconds)
            self._spent += seconds
            self._schedule()

    def _account(self, key: str) -> Account:
        account = self._accounts.pop(key, None) or Account()
        self._accounts[key] = account
        if len(self._accounts) > _ACCOUNTS:
            self._accounts.popitem(last=False)
        return account

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._next_slice)

    def _next_slice(self) -> None:
        self._scheduled = False
        self._spent = self._planned = 0.0
        while self._waiting and self._planned < SLICE:
            _, _, claim, future = heapq.heappop(self._waiting)
            if not future.done():
                future.set_result(None)
                self._planned += claim.expected
        if self._planned or self._waiting:
            self._schedule()
