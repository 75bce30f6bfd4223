"""A participant's session in a room: the copy of its document and the server's state, over one connection that
reconnects by itself.

`Room` and its parts use it: it sends their requests in order, matches answers to callers, and passes messages on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Literal

from msgspec.structs import replace

from antiphon_client.address import Address
from antiphon_client.errors import ClientError, EditRefused, JoinRefused, RequestRefused
from antiphon_client.session.connection import Connection, bounded
from antiphon_client.session.exchanges import LOST, Exchanges, answered_within
from antiphon_client.session.listener import Listener
from antiphon_client.session.pending_runs import PendingRuns
from antiphon_client.session.replica import TRANSIENT, Replica
from antiphon_client.session.room_state import RoomState
from antiphon_client.session.run import ENDED, AnyRun
from antiphon_proto.messages import (
    VERSION,
    Ack,
    Digest,
    Error,
    GoAway,
    Hello,
    Message,
    Pass,
    Ping,
    Pong,
    Preview,
    Rebuild,
    Resync,
    Run,
    RunInfo,
    ServerMessage,
    Steer,
    Steered,
    Stop,
    Tokens,
    Update,
    Viewing,
    Welcome,
)
from antiphon_proto.schema import story_digest

log = logging.getLogger(__name__)

_ASKING = frozenset({"ask", "paint", "perform", "retry", "replace_token", "suggest"})
"""Requests that a run answers."""


class Session:
    """`listeners` get the server's messages. All methods belong to the event loop that joined."""

    def __init__(
        self,
        address: Address,
        *,
        name: str,
        agent: str,
        kind: Literal["human", "agent"] = "human",
        timeout: float = 30.0,
    ) -> None:
        """`timeout`: seconds that a call waits for the server's answer."""
        self.address = address
        self.replica = Replica()
        self.state = RoomState()
        self.connected = False
        self.secret: str | None = None
        """The secret that identifies this member on another connection."""
        self.pending = PendingRuns(self.state.runs)
        self.listeners: list[Listener] = []
        self.timeout = timeout
        self._name = name
        self._agent = agent
        self._kind = kind
        self._connection = Connection(address.websocket, self.replica, self._hello, self._receive, self._lost)
        self._viewing: Viewing | None = None
        """Sent on every new connection."""
        self._exchanges = Exchanges()
        self._joins = 0
        """Connections that the server has welcomed."""
        self._steered: dict[str, Steered] = {}
        """Run -> the answer to the latest steer of it."""
        self._news: set[asyncio.Event] = set()
        self._failure: ClientError | None = None

    @property
    def runs(self) -> dict[str, RunInfo]:
        """Run id -> the run as the room knows it now."""
        return self.state.runs

    @property
    def synced(self) -> bool:
        """Whether the copy is in step with the server over an open connection."""
        return self._connection.ready

    async def stay(self) -> None:
        """Be connected until cancelled."""
        try:
            await self._connection.run()
        except JoinRefused as refused:
            self._fail(refused)
        except Exception as error:
            log.exception("the client broke")
            self._fail(ClientError(f"the client broke: {error!r}"))

    # Requests ---------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """The copy was edited."""
        self._connection.wake()

    def request(self, message: Message) -> None:
        """Send when it can be. Raises ClientError when too many wait or it breaks a bound of the protocol; EditRefused
        or JoinRefused when that has come to pass."""
        self._raise_failure()
        self._connection.request(message)

    def ping(self, ping: Ping) -> None:
        """Send one, on nobody's behalf: an edit that was refused is told to who edits. Raises ClientError when too many
        requests wait."""
        self._connection.request(ping)

    async def settled(self) -> None:
        """Wait until the server has all our edits. Raises NoAnswer, EditRefused, JoinRefused."""
        self.wake()
        async with answered_within(self.timeout):
            await self.until(lambda: self.synced and self.replica.settled)

    async def located(self, start: int | None, end: int | None) -> tuple[int, int, int]:
        """(room offset, first, last): characters [start, end) as byte offsets, when the server has all our edits, so
        that they mean the same text on both sides. To be sent before anything else is awaited. None: the end."""
        with self.replica.mark(start) as begin, self.replica.mark(end) as finish:
            await self.settled()
            first, last = sorted((begin.offset, finish.offset))
            return self.replica.offset, first, last

    async def submit(self, run: AnyRun, request: Message) -> None:
        """Ask for a run when the server has all our edits."""
        await self.settled()
        self.pending.expect(run)
        self.request(request)

    async def exchange(
        self,
        message: Message,
        ref: str = "",
        done: Callable[[], bool] | None = None,
        *,
        timeout: float | None = None,
    ) -> None:
        """Send a request and wait until the server has taken it, and then until `done()`. `ref` is the reference in its
        refusal; `timeout` is in seconds, this session's by default. Raises RequestRefused when the server refuses it or
        the connection was lost before the answer, NoAnswer, ClientError for values out of bounds, and EditRefused or
        JoinRefused when that happens meanwhile."""
        self._raise_failure()
        exchange = self._exchanges.begin(message, ref)
        try:
            self._connection.request(message)
            self._connection.request(exchange.ping)
            async with answered_within(self.timeout if timeout is None else timeout):
                await self.until(lambda: exchange.over)
                if exchange.refusal is not None:
                    raise exchange.refusal
                if done is not None:
                    await self.until(done)
        finally:
            self._exchanges.end(exchange)
            self._connection.withdraw(message)
            self._connection.withdraw(exchange.ping)

    async def stop(self, run: str) -> RunInfo:
        """Stop a run and wait for its end; one that has ended is returned as it is. Raises as `exchange` does."""

        def ended() -> bool:
            return run in self.runs and self.runs[run].state in ENDED

        try:
            if not ended():
                await self.exchange(Stop(run), run, ended)
        except RequestRefused:
            if not ended():  # else it ended meanwhile
                raise
        return self.runs[run]

    async def steer(self, steer: Steer) -> Steered:
        """Change a run. Waits, as long as the run lives, until the change is in force. Raises RequestRefused, also when
        the run ends first."""
        run = steer.run

        def over() -> bool:
            return self.runs[run].state in ENDED

        bounded(steer)
        self._steered.pop(run, None)
        joins = self._joins
        if not over():
            try:
                await self.exchange(steer, run)
                await self.until(lambda: run in self._steered or over() or self._joins != joins)
            except RequestRefused:
                if not over():
                    raise
        if run not in self._steered and not over():
            raise RequestRefused("unavailable", LOST)
        if run not in self._steered:
            raise RequestRefused("conflict", "the run ended before the change took effect")
        return self._steered.pop(run)

    async def view(self, viewing: Viewing) -> None:
        """Tell it now, and every connection to come."""
        await self.exchange(viewing)
        self._viewing = viewing

    # Waiting ----------------------------------------------------------------------------------------------

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until it holds. Raises EditRefused, JoinRefused, ClientError."""
        while not (condition() or self._failed):
            await self._next_news()
        self._raise_failure()

    async def changed(self) -> None:
        """Wait for the next message of the server."""
        await self._next_news()
        self._raise_failure()

    async def _next_news(self) -> None:
        news = asyncio.Event()
        self._news.add(news)
        try:
            await news.wait()
        finally:
            self._news.discard(news)

    def _notify(self) -> None:
        for news in self._news:
            news.set()

    @property
    def _failed(self) -> bool:
        return self._failure is not None or self.replica.refused is not None

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self.replica.refused is not None:
            refused, self.replica.refused = self.replica.refused, None
            raise EditRefused(*refused)

    def _fail(self, failure: ClientError) -> None:
        self._failure = failure
        self.pending.on_failure(failure)
        for one in self.listeners:
            one.on_failure(failure)
        self._notify()

    # Server's messages ------------------------------------------------------------------------------------

    def _hello(self) -> Hello:
        replica = self.replica
        return Hello(
            VERSION,
            self.address.token,
            self._name,
            replica.client_id,
            self.secret,
            replica.resume,
            (),
            self._agent,
            self._kind,
        )

    def _lost(self) -> None:
        self.connected = False
        self._notify()

    def _receive(self, message: ServerMessage) -> None:
        if not (isinstance(message, Pong) and self._exchanges.on_pong(message.sent_ms)):
            self.state.on_message(message)
            self._on_message(message)
            for one in self.listeners:
                one.on_message(message)
        self._notify()

    def _on_message(self, message: ServerMessage) -> None:
        match message:
            case Welcome():
                self._welcomed(message)
            case Rebuild():
                self.replica.rebuilt(message)
                self._now_synced()
            case Update():
                self.replica.updated(message)
            case Ack():
                self._acknowledged(message)
            case Run():
                self._run_changed(message)
            case Steered(run):
                self._steered[run] = message
            case Tokens():
                self.pending.on_tokens(message)
            case Preview():
                self.pending.on_preview(message)
            case Pass(token):
                # Ours, and not the link's, which may be ended for others' sake.
                self.address = replace(self.address, token=token)
            case Digest():
                self._check(message)
            case Error():
                self._refused(message)
            case GoAway(reason):
                log.info("the server drains: %s", reason)

    def _welcomed(self, message: Welcome) -> None:
        self.connected = True
        self._joins += 1
        self.secret = message.session
        for info in message.runs:
            self._run_changed(Run(message.offset, info))
        self.pending.on_reconnect()
        if self._viewing is not None:
            self._connection.request(self._viewing, first=True)
        self._exchanges.on_reconnect(self._connection.is_waiting)
        if self.replica.welcomed(message) is not None:
            self._connection.repeat_edit(refused=False)
        if message.resumed:
            self._now_synced()
            if self.replica.renaming:
                self._connection.request(Resync("another client id"), first=True)

    def _now_synced(self) -> None:
        self._connection.ready = True
        self.wake()

    def _acknowledged(self, message: Ack) -> None:
        if self.replica.acknowledged(message):
            self._connection.forget_edit()
            self._connection.request(Resync(f"edit {message.status}"), first=True)
        elif message.status in TRANSIENT and self.replica.flight is not None:
            self._connection.repeat_edit(refused=True)
        self.wake()

    def _run_changed(self, message: Run) -> None:
        info, me = message.run, self.state.me
        if message.ask and me is not None and info.participant == me.id:
            self.pending.on_answer(message.ask, info)
        self.pending.on_info(info)

    def _check(self, message: Digest) -> None:
        """Compare the story; a difference (an edit that split a surrogate pair, say) is mended by a rebuild."""
        if (
            self.replica.settled
            and message.offset == self.replica.offset
            and message.sha256 != story_digest(self.replica.text)
        ):
            log.warning("the copy differs from the server's at offset %d: rebuilding", message.offset)
            self.replica.abandon()
            self._connection.request(Resync("digest differs"), first=True)

    def _refused(self, message: Error) -> None:
        error = RequestRefused(message.code, message.message)
        number = int(message.ref) if message.ref.isdigit() else 0
        if message.re in _ASKING and self.pending.on_refusal(number, error):
            return
        if not (self._exchanges.on_error(message) or self.pending.on_notice(message.ref, error)):
            log.warning(
                "a refusal that nobody waits for: %s %s: %s", message.re, message.ref, message.message
            )
