"""One's membership of a room: the copy of its document and what the server said, over one connection that mends itself.

`Room` and its parts stand on it: it sends their requests in order, knows who waits for which answer, and passes on what
the server says.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

from msgspec.structs import replace

from antiphon_client.address import Address
from antiphon_client.errors import ClientError, EditRefused, JoinRefused, RequestRefused
from antiphon_client.session.connection import Connection, bounded
from antiphon_client.session.listener import Listener
from antiphon_client.session.pending_runs import PendingRuns
from antiphon_client.session.replica import TRANSIENT, Replica
from antiphon_client.session.run import ENDED, AnyRun
from antiphon_proto.messages import (
    VERSION,
    Ack,
    Digest,
    Error,
    GoAway,
    Hello,
    Joined,
    Left,
    Links,
    Message,
    ModelInfo,
    Models,
    Participant,
    Pass,
    Ping,
    Presence,
    Preview,
    Rebuild,
    Resync,
    Run,
    RunInfo,
    ServerMessage,
    Shares,
    Steer,
    Steered,
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
    """`listeners` hear what the server says. All methods belong to the event loop that joined."""

    def __init__(
        self, address: Address, *, name: str, agent: str, kind: Literal["human", "agent"] = "human"
    ) -> None:
        self.address = address
        self.replica = Replica()
        self.participants: dict[str, Participant] = {}
        self.presence: dict[str, dict[str, Any]] = {}
        self.runs: dict[str, RunInfo] = {}
        self.models: tuple[ModelInfo, ...] = ()
        self.links: dict[str, str] = {}
        self.shares: Shares | None = None
        self.me: Participant | None = None
        self.rights: frozenset[str] = frozenset()
        self.connected = False
        self.secret: str | None = None
        """What proves to the server, on another connection, that this is the same member."""
        self.pending = PendingRuns(self.runs)
        self.listeners: list[Listener] = []
        self._name = name
        self._agent = agent
        self._kind = kind
        self._connection = Connection(address.websocket, self.replica, self._hello, self._receive, self._lost)
        self._viewing: Viewing | None = None
        """What every new connection is told."""
        self._steers: dict[str, asyncio.Future[Steered]] = {}
        """Run -> who waits for the answer to a steer of it."""
        self._awaited: dict[tuple[str, str], RequestRefused | None] = {}
        """(tag, reference) of requests whose refusal somebody waits for."""
        self._refusals: deque[RequestRefused] = deque(maxlen=64)
        self._news: set[asyncio.Event] = set()
        self._failure: ClientError | None = None

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
        """Wait until the server has all our edits."""
        self.wake()
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

    async def answered(self, message: Message, ref: str, done: Callable[[], bool]) -> None:
        """Send a request and wait until `done`. Raises RequestRefused when the server refuses it."""
        key = str(message.__struct_config__.tag), ref
        self._awaited[key] = None
        try:
            self.request(message)
            await self.until(lambda: done() or self._awaited[key] is not None)
            if (refusal := self._awaited[key]) is not None:
                raise refusal
        finally:
            self._awaited.pop(key, None)

    async def steer(self, steer: Steer) -> Steered:
        """Send it and wait for its answer. Raises RequestRefused, also when the run ends first."""

        def over() -> bool:
            return self.runs[steer.run].state in ENDED

        bounded(steer)
        answer: asyncio.Future[Steered] = asyncio.get_running_loop().create_future()
        self._steers[steer.run] = answer
        try:
            if not over():
                self.request(steer)
                await self.until(lambda: answer.done() or over())
            if not answer.done():
                raise RequestRefused("conflict", "the run ended before the change took effect")
            return answer.result()
        finally:
            del self._steers[steer.run]

    def view(self, viewing: Viewing) -> None:
        """Tell it now, and every connection to come."""
        self.request(viewing)
        self._viewing = viewing

    def take_refusals(self) -> list[RequestRefused]:
        """Errors of requests that nobody awaits, oldest first; at most 64 are kept."""
        refusals = list(self._refusals)
        self._refusals.clear()
        return refusals

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

    # What the server says -----------------------------------------------------------------------------------

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

    def _receive(self, message: ServerMessage) -> None:
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
            case Joined(participant):
                self.participants[participant.id] = participant
            case Left(participant):
                self.participants.pop(participant, None)
                self.presence.pop(participant, None)
            case Presence():
                self._present(message)
            case Run():
                self._run_changed(message)
            case Steered(run):
                if (waiting := self._steers.get(run)) is not None and not waiting.done():
                    waiting.set_result(message)
            case Tokens():
                self.pending.on_tokens(message)
            case Preview():
                self.pending.on_preview(message)
            case Shares():
                self.shares = message
            case Models(models):
                self.models = models
            case Pass(token):
                # Ours, and not the link's, which may be ended for others' sake.
                self.address = replace(self.address, token=token)
            case Links(links):
                self.links = links
            case Digest():
                self._check(message)
            case Error():
                self._refused(message)
            case GoAway(reason):
                log.info("the server drains: %s", reason)

    def _welcomed(self, message: Welcome) -> None:
        self.connected = True
        self.me = message.participant
        self.rights = frozenset(message.rights)
        self.secret = message.session
        self.participants = {one.id: one for one in message.participants}
        self.models = message.models
        for info in message.runs:
            self._run_changed(Run(message.offset, info))
        self.pending.on_reconnect()
        if self._viewing is not None:
            self._connection.request(self._viewing, first=True)
        for waiting in self._steers.values():
            if not waiting.done():
                lost = "the connection was lost before the server answered; the change may be in force"
                waiting.set_exception(RequestRefused("unavailable", lost))
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

    def _present(self, message: Presence) -> None:
        state = json.loads(message.state)
        if isinstance(state, dict):
            self.presence[message.participant] = state
        else:
            self.presence.pop(message.participant, None)

    def _run_changed(self, message: Run) -> None:
        info = message.run
        self.runs[info.id] = info
        if message.ask and self.me is not None and info.participant == self.me.id:
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
        if (
            message.re in _ASKING
            and message.ref.isdigit()
            and self.pending.on_refusal(int(message.ref), error)
        ):
            return
        if (message.re, message.ref) in self._awaited:
            self._awaited[message.re, message.ref] = error
        elif (
            message.re == "steer"
            and (waiting := self._steers.get(message.ref)) is not None
            and not waiting.done()
        ):
            waiting.set_exception(error)
        elif not any(one.on_error(message) for one in self.listeners):
            self._refusals.append(error)
