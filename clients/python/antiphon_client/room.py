"""A room: the document, who is in it, its runs; over one connection that mends itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from antiphon_client.address import Address
from antiphon_client.assets import Asset, download, upload
from antiphon_client.canvas import Canvas
from antiphon_client.errors import ClientError, EditRefused, JoinRefused, RequestRefused
from antiphon_client.painting import Painting, Source
from antiphon_client.replica import TRANSIENT, Replica
from antiphon_client.run import MAX_BUFFERED, AnyRun, Run
from antiphon_proto.codec import client_decoder, encode, encode_frames
from antiphon_proto.errors import CloseCode, ProtocolViolation
from antiphon_proto.messages import (
    MAX_FRAME,
    VERSION,
    Accept,
    Ack,
    Ask,
    Digest,
    Edit,
    Error,
    GoAway,
    Hello,
    Joined,
    Left,
    Links,
    Message,
    ModelInfo,
    Models,
    Paint,
    Participant,
    Presence,
    Preview,
    Rebuild,
    Redo,
    Reject,
    Resync,
    Revoke,
    RunInfo,
    ServerMessage,
    SetPresence,
    TokenInfo,
    Tokens,
    Undo,
    Update,
    Welcome,
)
from antiphon_proto.messages import Run as RunMessage
from antiphon_proto.params import ImageParams, ImageTask, Mode, TextParams
from antiphon_proto.schema import story_digest
from antiphon_proto.session import ClientSession

log = logging.getLogger(__name__)

MAX_MESSAGE = 64 * 1024 * 1024
"""Largest message taken from the server, bytes, in fragments."""
MAX_REQUESTS = 256
"""Requests that may wait to be sent; one more raises ClientError."""
_FIRST_DELAY, _LAST_DELAY = 0.2, 10.0
_REFUSED_DELAY = 0.5
_CLOSING_SECONDS = 5.0
_DECODER = client_decoder()
"""Holds the bounds that the server holds us to."""
_FRAME, _GAP = 256, 24
"""Side of a frame that nobody gave a size, and its distance from what is there; canvas units."""


M = TypeVar("M", bound=Message)


class _Socket(Protocol):
    async def send(self, data: bytes) -> None: ...


@asynccontextmanager
async def connect(
    url: str, *, token: str | None = None, name: str = "Guest", agent: str = "antiphon-python"
) -> AsyncIterator[Room]:
    """Join the room of an invite link (or of a link and a `token`) and stay joined until the block ends.

    The connection is resumed by itself after any interruption; edits made meanwhile are sent then. On leaving, edits
    that the server has not confirmed yet are waited for, 5 s at most. Raises JoinRefused.
    """
    room = Room(Address.parse(url, token), name=name, agent=agent)
    task = asyncio.create_task(room._stay_connected(), name=f"antiphon-{room.address.room}")
    try:
        await room._until(lambda: room.synced)
        yield room
        with contextlib.suppress(TimeoutError, ClientError):
            async with asyncio.timeout(_CLOSING_SECONDS):
                await room.durable()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class Room:
    """A joined room. All its methods belong to the event loop that joined it. Positions are code points."""

    def __init__(self, address: Address, *, name: str, agent: str) -> None:
        self.address = address
        self.participants: dict[str, Participant] = {}
        self.presence: dict[str, dict[str, Any]] = {}
        self.runs: dict[str, RunInfo] = {}
        self.models: tuple[ModelInfo, ...] = ()
        self.links: dict[str, str] = {}
        self.me: Participant | None = None
        self.connected = False
        self.synced = False
        self._name = name
        self._agent = agent
        self._session_secret: str | None = None
        self._replica = Replica()
        self._requests: deque[Message] = deque()
        self._asks: dict[int, AnyRun] = {}
        self._asked = 0
        self._early: dict[str, deque[TokenInfo]] = {}
        self._wake = asyncio.Event()
        self.canvas = Canvas(self._replica, self._wake.set)
        """The objects that people and the AI draw: `room.canvas[id]`, `.add(...)`, `.update(...)`."""
        self._changed = asyncio.Condition()
        self._failure: ClientError | None = None
        self._retry_edit_at: float | None = None
        self._refusals: deque[RequestRefused] = deque(maxlen=64)

    # The document -----------------------------------------------------------------------------------------

    @property
    def document(self) -> Any:
        """The `pycrdt.Doc`. It is replaced by a new one when the server says `rebuild` for another lineage."""
        return self._replica.doc

    @property
    def text(self) -> str:
        """The story as plain text."""
        return self._replica.text

    def insert(self, index: int, text: str, attrs: dict[str, Any] | None = None) -> None:
        """Insert `text` at character `index` of the story; `attrs` are Quill attributes (`{"bold": True}`)."""
        self._replica.insert(index, text, attrs)
        self._wake.set()

    def append(self, text: str) -> None:
        """Insert at the end."""
        self.insert(len(self.text), text)

    def delete(self, start: int, end: int) -> None:
        """Delete the characters [start, end)."""
        self._replica.delete(start, end)
        self._wake.set()

    async def applied(self) -> None:
        """Wait until the room has everything edited here. Raises EditRefused, JoinRefused."""
        self._wake.set()
        await self._until(lambda: self._replica.settled)

    async def durable(self) -> None:
        """Wait until everything edited here is on the server's disk. Raises EditRefused, JoinRefused."""
        self._wake.set()
        await self._until(lambda: self._replica.durable)

    async def changed(self) -> None:
        """Wait for the next message of the server: the text, a run, a participant."""
        async with self._changed:
            await self._changed.wait()
        self._raise_failure()

    async def wait_for(self, condition: Callable[[Room], bool]) -> None:
        """Wait until `condition(room)` is true."""
        await self._until(lambda: condition(self))

    # The AI -----------------------------------------------------------------------------------------------

    def ask(
        self,
        instruction: str = "",
        *,
        at: int | None = None,
        selection: tuple[int, int] | None = None,
        mode: Mode = "write",
        params: TextParams | None = None,
    ) -> Run:
        """Ask the AI to continue at `at` (default: the end), or to follow an instruction there or about a selection.

        Iterate the result for tokens: `async for token in room.ask("make it rain"): ...`. The text itself enters the
        document (`write`), waits there for acceptance (`suggest`), or comes only here (`private`). Raises ClientError
        for an argument that is out of its bounds.
        """
        start, end = selection if selection is not None else (at, None)
        self._asked += 1
        task = "instruct" if instruction else "continue"
        request = Ask(self._asked, task, mode, 0, 0, 0, instruction, params or TextParams())  # type: ignore[arg-type]
        return Run(self, start, end, _bounded(request))

    def paint(
        self,
        prompt: str,
        *,
        frame: str | None = None,
        source: Source = None,
        mask: Source = None,
        params: ImageParams | None = None,
        live: bool = False,
    ) -> Painting:
        """Ask the AI to paint a frame (by default a new one, beside everything else), from nothing or from a `source`,
        and with a `mask` only where that is white.

        Iterate the result: `async for event in room.paint("a fox")` yields `Preview`s and, last, the `Painted` picture.
        """
        self._asked += 1
        task: ImageTask = "inpaint" if mask else "image_to_image" if source else "text_to_image"
        params = params or ImageParams()
        _bounded(
            Paint(self._asked, frame or "new", task, prompt, params, live=live)
        )  # before there is a frame of it
        where = frame or self._new_frame(prompt, params)
        return Painting(self, Paint(self._asked, where, task, prompt, params, live=live), source, mask)

    async def upload(self, data: bytes) -> Asset:
        """Bring a picture (PNG, JPEG or WebP) into the room. Raises RequestRefused."""
        return await upload(self.address, data)

    async def download(self, sha256: str) -> bytes:
        """The file of an asset. Raises RequestRefused."""
        return await download(self.address, sha256)

    async def accept(self, run: str) -> None:
        """Accept a suggestion whole."""
        await self._request(Accept(run))

    async def reject(self, run: str) -> None:
        await self._request(Reject(run))

    async def undo(self, run: str | None = None) -> None:
        """Undo what is left of a run's writing, or this participant's own last edit."""
        await self.applied()
        await self._request(Undo(run))

    async def redo(self) -> None:
        await self._request(Redo())

    # People -----------------------------------------------------------------------------------------------

    async def set_presence(self, state: dict[str, Any] | None) -> None:
        """Show this state to the others (any JSON object; `cursor` as in y-protocols awareness); None hides."""
        await self._request(SetPresence(json.dumps(state, ensure_ascii=False)))

    async def revoke(self, participant: str) -> None:
        """Put a member out (owners only)."""
        await self._request(Revoke(participant))

    def take_refusals(self) -> list[RequestRefused]:
        """Errors of requests that nobody awaits (accept, undo, revoke...), oldest first; at most 64 are kept."""
        refusals = list(self._refusals)
        self._refusals.clear()
        return refusals

    # Requests ---------------------------------------------------------------------------------------------

    async def _request(self, message: Message) -> None:
        self._raise_failure()
        if len(self._requests) >= MAX_REQUESTS:
            raise ClientError(f"{MAX_REQUESTS} requests wait for the connection")
        self._requests.append(_bounded(message))
        self._wake.set()

    async def _send_ask(self, run: Run, start: int | None, end: int | None) -> None:
        """Send an ask when the server has all our edits, so that its positions mean the same text on both sides."""
        with self._replica.mark(start) as first, self._replica.mark(start if end is None else end) as last:
            self._wake.set()
            await self._until(lambda: self.synced and self._replica.settled)
            begin, finish = sorted((first.offset, last.offset))
            ask = run.request
            self._asks[ask.ask] = run
            await self._request(
                Ask(
                    ask.ask,
                    ask.task,
                    ask.mode,
                    self._replica.offset,
                    begin,
                    finish,
                    ask.instruction,
                    ask.params,
                )
            )

    async def _send_paint(self, painting: Painting) -> None:
        """Send a request when the server has all our edits, the frame among them."""
        self._wake.set()
        await self._until(lambda: self.synced and self._replica.settled)
        self._asks[painting.number] = painting
        await self._request(painting.request)

    def _new_frame(self, prompt: str, params: ImageParams) -> str:
        right = max((one["x"] + one.get("w", 0) for one in self.canvas.values()), default=-_GAP)
        size = {"w": params.width or _FRAME, "h": params.height or _FRAME}
        return self.canvas.add({"type": "frame", "x": right + _GAP, "prompt": prompt, **size})

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: condition() or self._failed)
        self._raise_failure()

    @property
    def _failed(self) -> bool:
        return self._failure is not None or self._replica.refused is not None

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._replica.refused is not None:
            refused, self._replica.refused = self._replica.refused, None
            raise EditRefused(*refused)

    # The connection ---------------------------------------------------------------------------------------

    async def _stay_connected(self) -> None:
        delay = _FIRST_DELAY
        try:
            while True:
                began = time.monotonic()
                try:
                    await self._connect_once()
                except JoinRefused as refused:
                    await self._fail(refused)
                    return
                except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError) as error:
                    log.info("connection to %s lost: %s", self.address.base, error)
                finally:
                    self.connected = self.synced = False
                if time.monotonic() - began > _LAST_DELAY:
                    delay = _FIRST_DELAY
                await asyncio.sleep(delay * random.uniform(0.5, 1.5))
                delay = min(2 * delay, _LAST_DELAY)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            await self._fail(ClientError(f"the client broke: {error!r}"))
            raise

    async def _fail(self, error: ClientError) -> None:
        self._failure = error
        for run in self._asks.values():
            run._refuse(error)
        await self._notify()

    async def _connect_once(self) -> None:
        """One connection, from hello to its end. Raises JoinRefused when trying again makes no sense."""
        async with open_websocket(self.address.websocket, compression=None, max_size=MAX_FRAME) as socket:
            session = ClientSession(max_message=MAX_MESSAGE, clock=time.monotonic)
            hello = Hello(
                VERSION,
                self.address.token,
                self._name,
                self._replica.client_id,
                self._session_secret,
                self._replica.resume,
                (),
                self._agent,
            )
            await socket.send(encode(hello))
            writer = asyncio.create_task(self._write(socket), name="antiphon-writer")
            try:
                async for data in socket:
                    message = session.receive(data if isinstance(data, bytes) else data.encode())
                    if message is not None:
                        self._handle(message)
                        await self._notify()
            except ConnectionClosed:
                pass
            finally:
                writer.cancel()
                with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                    await writer
            code = socket.close_code or 1006
            if code in CloseCode.__members__.values() and not CloseCode(code).retry:
                raise JoinRefused(code, socket.close_reason or "")

    async def _write(self, socket: _Socket) -> None:
        """Send what waits, in order: requests that were made before an edit still go before it."""
        while True:
            timeout = None
            if self.synced:
                while self._requests:
                    await _send(socket, self._requests.popleft())
                edit = self._due_edit()
                if edit is not None:
                    await _send(socket, edit)
                if self._retry_edit_at is not None:
                    timeout = max(0.0, self._retry_edit_at - time.monotonic())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._wake.wait()
            self._wake.clear()

    def _due_edit(self) -> Edit | None:
        if self._retry_edit_at is not None:
            if time.monotonic() < self._retry_edit_at:
                return None
            self._retry_edit_at = None
            return self._replica.flight
        return self._replica.take_batch()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    # What the server says -----------------------------------------------------------------------------------

    def _handle(self, message: ServerMessage) -> None:
        match message:
            case Welcome():
                self._welcomed(message)
            case Rebuild():
                self._replica.rebuilt(message)
                self._now_synced()
            case Update():
                self._replica.updated(message)
            case Ack():
                self._acknowledged(message)
            case Joined(participant):
                self.participants[participant.id] = participant
            case Left(participant):
                self.participants.pop(participant, None)
                self.presence.pop(participant, None)
            case Presence():
                self._present(message)
            case RunMessage():
                self._run_changed(message)
            case Tokens():
                self._tokens_came(message)
            case Preview():
                self._preview_came(message)
            case Models(models):
                self.models = models
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
        self._session_secret = message.session
        self.participants = {one.id: one for one in message.participants}
        self.models = message.models
        for info in message.runs:
            self._run_changed(RunMessage(message.offset, info))
        for run in [run for run in self._asks.values() if run.info is None]:
            del self._asks[run.number]
            run._refuse(RequestRefused("unavailable", "the connection was lost before the server answered"))
        if self._replica.welcomed(message) is not None:
            self._retry_edit_at = time.monotonic()
        if message.resumed:
            self._now_synced()

    def _now_synced(self) -> None:
        self.synced = True
        self._wake.set()

    def _acknowledged(self, message: Ack) -> None:
        if self._replica.acknowledged(message):
            self._retry_edit_at = None
            self._requests.appendleft(Resync(f"edit {message.status}"))
        elif message.status in TRANSIENT and self._replica.flight is not None:
            self._retry_edit_at = time.monotonic() + _REFUSED_DELAY
        self._wake.set()

    def _present(self, message: Presence) -> None:
        state = json.loads(message.state)
        if isinstance(state, dict):
            self.presence[message.participant] = state
        else:
            self.presence.pop(message.participant, None)

    def _run_changed(self, message: RunMessage) -> None:
        info = message.run
        self.runs[info.id] = info
        if message.ask and self.me is not None and info.participant == self.me.id:
            run = self._asks.get(message.ask)
            if run is not None:
                if isinstance(run, Run):
                    run._take(self._early.get(info.id, ()))
                run._update(info)
        self._early.pop(info.id, None)
        for run in list(self._asks.values()):
            if run.info is not None and run.info.id == info.id:
                run._update(info)
                if run.ended:
                    del self._asks[run.number]

    def _preview_came(self, message: Preview) -> None:
        for run in self._asks.values():
            if isinstance(run, Painting) and run.info is not None and run.info.id == message.run:
                run._take(message)

    def _tokens_came(self, message: Tokens) -> None:
        for run in self._asks.values():
            if isinstance(run, Run) and run.info is not None and run.info.id == message.run:
                run._take(message.tokens)
                return
        if message.run not in self.runs and any(run.info is None for run in self._asks.values()):
            # A quick run's first tokens may come before the message that says which ask it answers.
            early = self._early.setdefault(message.run, deque(maxlen=MAX_BUFFERED))
            early.extend(message.tokens)

    def _check(self, message: Digest) -> None:
        """Compare the story; a difference (an edit that split a surrogate pair, say) is mended by a rebuild."""
        if (
            self._replica.settled
            and message.offset == self._replica.offset
            and message.sha256 != story_digest(self.text)
        ):
            log.warning("the copy differs from the server's at offset %d: rebuilding", message.offset)
            self._replica.abandon()
            self._requests.appendleft(Resync("digest differs"))
            self._wake.set()

    def _refused(self, message: Error) -> None:
        error = RequestRefused(message.code, message.message)
        if (
            message.re in ("ask", "paint")
            and message.ref.isdigit()
            and (run := self._asks.pop(int(message.ref), None))
        ):
            run._refuse(error)
        else:
            self._refusals.append(error)


def _bounded(message: M) -> M:
    """`message`. Raises ClientError where it breaks a bound of the protocol, which would cost the connection."""
    try:
        _DECODER.decode(encode(message), MAX_MESSAGE)
    except (ProtocolViolation, UnicodeEncodeError) as error:
        raise ClientError(f"this cannot be asked: {error}") from None
    return message


async def _send(socket: _Socket, message: Message) -> None:
    for frame in encode_frames(message):
        await socket.send(frame)
