"""Requests that a caller waits for, and their outcome: accepted, refused, or lost with the connection.

The server handles the messages of a connection in order and sends a refusal before it handles the next one. So every
request is followed by a ping: a refusal that comes before the answer to that ping is the request's, and where none came
the server has taken it. Refusals name a request by its tag and a reference, which need not be unique: of several
requests of one name the oldest is meant.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from antiphon_client.errors import NoAnswer, RequestRefused
from antiphon_proto.messages import Error, Message, Ping

LOST = "the connection was lost before the server answered; the request may be in force"


class Exchange:
    """One request. `taken`: the server has handled it. `refusal`: why it did not."""

    def __init__(self, message: Message, ref: str, ping: Ping) -> None:
        self.message = message
        self.ping = ping
        """Sent behind it."""
        self.key = str(message.__struct_config__.tag), ref
        self.taken = False
        self.refusal: RequestRefused | None = None

    @property
    def over(self) -> bool:
        """Whether the server has taken or refused it."""
        return self.taken or self.refusal is not None


class Exchanges:
    """All requests of a session that are waited for, oldest first."""

    def __init__(self) -> None:
        self._open: list[Exchange] = []
        self._number = 0

    def begin(self, message: Message, ref: str) -> Exchange:
        """An exchange for `message`, which is about to be sent. `ref`: as the server names it in a refusal."""
        self._number += 1
        # Below zero: no clock shows that, so that it is nobody else's ping.
        exchange = Exchange(message, ref, Ping(-float(self._number)))
        self._open.append(exchange)
        return exchange

    def end(self, exchange: Exchange) -> None:
        """The caller no longer waits for it."""
        self._open.remove(exchange)

    def on_pong(self, sent_ms: float) -> bool:
        """Whether this answers a ping of ours: the server has handled all that was sent before that."""
        for exchange in self._open:
            if exchange.ping.sent_ms == sent_ms and exchange.refusal is None:
                exchange.taken = True
        return sent_ms < 0

    def on_error(self, error: Error) -> bool:
        """Whether a request that is waited for was refused by this."""
        for exchange in self._open:
            if exchange.key == (error.re, error.ref) and not exchange.over:
                exchange.refusal = RequestRefused(error.code, error.message)
                return True
        return False

    def on_reconnect(self, is_waiting: Callable[[Message], bool]) -> None:
        """A new connection: requests sent over the old one get no answer. `is_waiting`: it has not been sent yet."""
        for exchange in self._open:
            if not exchange.over and not is_waiting(exchange.message):
                exchange.refusal = RequestRefused("unavailable", LOST)


@asynccontextmanager
async def answered_within(seconds: float | None) -> AsyncIterator[None]:
    """Raises NoAnswer when the block takes longer; None: it may take for ever."""
    try:
        async with asyncio.timeout(seconds) as scope:
            yield
    except TimeoutError:
        if not scope.expired():
            raise
        raise NoAnswer(
            f"the server did not answer within {seconds:g} s; the request may be in force"
        ) from None
