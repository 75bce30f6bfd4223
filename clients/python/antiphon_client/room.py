"""A room: the document, who is in it, its runs; over one connection that mends itself.

The longest file of the SDK, since it is its one surface: what a user calls, and what the server's messages change.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Literal

from msgspec.structs import replace

from antiphon_client.address import Address
from antiphon_client.assets import Asset, download, provenance, upload
from antiphon_client.canvas import Canvas
from antiphon_client.chat import Chat
from antiphon_client.comments import Comments
from antiphon_client.errors import ClientError, EditRefused, JoinRefused, RequestRefused
from antiphon_client.history import History
from antiphon_client.jam import Jam, Performance
from antiphon_client.link import Link, bounded
from antiphon_client.manuscripts import Converted, FileFormat, convert, export
from antiphon_client.painting import Painting, Source
from antiphon_client.replica import TRANSIENT, Replica
from antiphon_client.run import ENDED, MAX_BUFFERED, AnyRun, Run
from antiphon_client.style import Style
from antiphon_client.writing import Writing
from antiphon_proto.messages import (
    VERSION,
    Accept,
    Ack,
    Ask,
    Digest,
    Error,
    GoAway,
    Hello,
    Joined,
    Learned,
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
    Shares,
    Steer,
    Steered,
    TokenInfo,
    Tokens,
    Undo,
    Update,
    UseModel,
    Versions,
    Viewing,
    Welcome,
)
from antiphon_proto.messages import Run as RunMessage
from antiphon_proto.params import ImageParams, ImageTask, Mode, Task, TextParams
from antiphon_proto.schema import story_digest

log = logging.getLogger(__name__)

_CLOSING_SECONDS = 5.0
_FRAME, _GAP = 256, 24
"""Side of a frame that nobody gave a size, and its distance from what is there; canvas units."""


@asynccontextmanager
async def connect(
    url: str, *, token: str | None = None, name: str = "Guest", agent: str = "antiphon-python"
) -> AsyncIterator[Room]:
    """Join the room of an invite link (or of a link and a `token`) and stay joined until the block ends.

    The connection is resumed by itself after any interruption; edits made meanwhile are sent then. On leaving, edits
    that the server has not confirmed yet are waited for, 5 s at most. Raises JoinRefused.
    """
    room = Room(Address.parse(url, token), name=name, agent=agent)
    task = asyncio.create_task(room._stay(), name=f"antiphon-{room.address.room}")
    clock = asyncio.create_task(room.jam.keep_time(), name="antiphon-clock")
    try:
        await room._until(lambda: room.synced)
        yield room
        with contextlib.suppress(TimeoutError, ClientError):
            async with asyncio.timeout(_CLOSING_SECONDS):
                await room.durable()
    finally:
        clock.cancel()
        task.cancel()
        await asyncio.wait({clock, task})


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
        self._name = name
        self._agent = agent
        self._session_secret: str | None = None
        self._replica = Replica()
        self._link = Link(address.websocket, self._replica, self._hello, self._receive, self._lost)
        self._asks: dict[int, AnyRun] = {}
        self._asked = 0
        self._viewing: Viewing | None = None
        """What every new connection is told."""
        self._steers: dict[str, asyncio.Future[Steered]] = {}
        """Run -> who waits for the answer to a steer of it."""
        self._early: dict[str, deque[TokenInfo]] = {}
        self._recalled: dict[str, dict[int, TokenInfo]] = {}
        """Tokens of runs that somebody asked for once more, by index."""
        self.canvas = Canvas(self._replica, self._link.wake)
        """The objects that people and the AI draw: `room.canvas[id]`, `.add(...)`, `.update(...)`."""
        self.jam = Jam(self, self._replica)
        """The jam: its clock, playing, conducting, the band: `room.jam.play(...)`, `.conduct(...)`, `.perform()`."""
        self.chat = Chat(self)
        """What people and the AI say beside the story: `room.chat.entries`, `.say(...)`."""
        self.comments = Comments(self)
        """Comments on passages: `room.comments[id]`, `.add(...)`, `.reply(...)`, `.resolve(...)`, `.delete(...)`."""
        self.style = Style(self)
        """The style card: `room.style.card`, `.set(...)`, `.learn(...)`."""
        self.history = History(self)
        """The room's past: `.page()`, `.at(seq)`, `.compare(...)`, `.name(...)`, `.restore(seq)`, `.fork(seq)`."""
        self.writing = Writing(self)
        """More of the AI: `.rewrite(...)`, `.fix(...)`, `.brainstorm()`, `.choose(run)`, `.retry(run)`,
        `.replace_token(...)`."""
        self.rights: frozenset[str] = frozenset()
        """What this participant may do here."""
        self.shares: Shares | None = None
        """Who wrote how many characters, as last told."""
        self._awaited: dict[tuple[str, str], RequestRefused | None] = {}
        """(tag, reference) of requests whose refusal somebody waits for."""
        self._news: set[asyncio.Event] = set()
        self._failure: ClientError | None = None
        self._refusals: deque[RequestRefused] = deque(maxlen=64)

    # The document -----------------------------------------------------------------------------------------

    @property
    def synced(self) -> bool:
        """Whether the copy is in step with the server over an open connection."""
        return self._link.ready

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
        self._link.wake()

    def append(self, text: str) -> None:
        """Insert at the end."""
        self.insert(len(self.text), text)

    def delete(self, start: int, end: int) -> None:
        """Delete the characters [start, end)."""
        self._replica.delete(start, end)
        self._link.wake()

    async def applied(self) -> None:
        """Wait until the room has everything edited here. Raises EditRefused, JoinRefused."""
        self._link.wake()
        await self._until(lambda: self._replica.settled)

    async def durable(self) -> None:
        """Wait until everything edited here is on the server's disk. Raises EditRefused, JoinRefused."""
        self._link.wake()
        await self._until(lambda: self._replica.durable)

    async def changed(self) -> None:
        """Wait for the next message of the server: the text, a run, a participant."""
        await self._next_news()
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
        task: Task = "instruct" if instruction else "continue"
        request = bounded(Ask(self._number(), task, mode, 0, 0, 0, instruction, params or TextParams()))
        return Run(self, request.ask, partial(self._send_ask, request, start, end))

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
        bounded(
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

    async def provenance(self, sha256: str) -> dict[str, Any]:
        """Where an asset comes from: model, prompt, seed, parameters, who asked, what it was painted from and by whom
        that was drawn (PROTOCOL.md, "Provenance"). Raises RequestRefused."""
        return await provenance(self.address, sha256)

    async def export(
        self, format: FileFormat, *, authorship: bool = False, screenplay: bool | None = None
    ) -> bytes:
        """The story as a file, as the server has it; with `authorship` the report on who wrote what follows the text.
        `json` is a Quill delta and that report. Raises RequestRefused."""
        await self.applied()
        return await export(self.address, format, authorship=authorship, screenplay=screenplay)

    async def bring_in(self, data: bytes, name: str, at: int | None = None) -> Converted:
        """Insert what a file holds at character `at` (default: the end), as an edit of this participant's. The ending
        of `name` tells the format: md, html, docx, epub, txt, fountain. Raises RequestRefused; then nothing came in."""
        found = await convert(self.address, data, name)
        place = len(self.text) if at is None else at
        for op in found.ops:
            self.insert(place, op["insert"], op.get("attributes", {}))
            place += len(op["insert"])
        return found

    async def accept(self, run: str, part: tuple[int, int] | None = None) -> None:
        """Accept a suggestion, whole or only what of it stands in the characters [start, end)."""
        await self._settle(Accept, run, part)

    async def reject(self, run: str, part: tuple[int, int] | None = None) -> None:
        """Reject a suggestion, whole or only what of it stands in the characters [start, end)."""
        await self._settle(Reject, run, part)

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

    async def use_model(self, modality: Literal["text", "image", "audio"], model: str) -> None:
        """Let another of the model's `choices` serve all rooms (owners, where the server lets them). `models` tells how
        it goes; a refusal is among `take_refusals`."""
        await self._request(UseModel(modality, model))

    def take_refusals(self) -> list[RequestRefused]:
        """Errors of requests that nobody awaits (accept, undo, revoke...), oldest first; at most 64 are kept."""
        refusals = list(self._refusals)
        self._refusals.clear()
        return refusals

    # Requests ---------------------------------------------------------------------------------------------

    async def viewing(self, side: int) -> None:
        """Say how large this client shows pictures that are painted, in pixels of the longer side (0: not at all), so
        that previews are made to fit; 256 until it is said."""
        viewing = bounded(Viewing(side))
        await self._request(viewing)
        self._viewing = viewing

    async def _request(self, message: Message) -> None:
        self._raise_failure()
        self._link.request(message)

    async def _steer(self, steer: Steer) -> Steered:
        def over() -> bool:
            return self.runs[steer.run].state in ENDED

        bounded(steer)
        answer: asyncio.Future[Steered] = asyncio.get_running_loop().create_future()
        self._steers[steer.run] = answer
        try:
            if not over():
                await self._request(steer)
                await self._until(lambda: answer.done() or over())
            if not answer.done():
                raise RequestRefused("conflict", "the run ended before the change took effect")
            return answer.result()
        finally:
            del self._steers[steer.run]

    async def _settle(
        self, kind: type[Accept] | type[Reject], run: str, part: tuple[int, int] | None
    ) -> None:
        if part is None:
            await self._request(kind(run))
            return
        with self._replica.mark(part[0]) as start, self._replica.mark(part[1]) as end:
            self._link.wake()
            await self._until(lambda: self.synced and self._replica.settled)
            await self._request(kind(run, self._replica.offset, start.offset, end.offset))

    async def _send_ask(self, ask: Ask, start: int | None, end: int | None, run: AnyRun) -> None:
        offset, begin, finish = await self._located(start, start if end is None else end)
        self._asks[ask.ask] = run
        await self._request(replace(ask, offset=offset, start=begin, end=finish))

    async def _located(self, start: int | None, end: int | None) -> tuple[int, int, int]:
        """Characters [start, end) as byte offsets at a room offset, when the server has all our edits, so that they
        mean the same text on both sides. To be sent before anything else is awaited."""
        with self._replica.mark(start) as first, self._replica.mark(end) as last:
            await self._settled()
            begin, finish = sorted((first.offset, last.offset))
            return self._replica.offset, begin, finish

    async def _settled(self) -> None:
        self._link.wake()
        await self._until(lambda: self.synced and self._replica.settled)

    async def _answered(self, message: Message, ref: str, done: Callable[[], bool]) -> None:
        """Send a request and wait until `done`. Raises RequestRefused when the server refuses it."""
        key = str(message.__struct_config__.tag), ref
        self._awaited[key] = None
        try:
            await self._request(message)
            await self._until(lambda: done() or self._awaited[key] is not None)
            if (refusal := self._awaited[key]) is not None:
                raise refusal
        finally:
            self._awaited.pop(key, None)

    async def _send_paint(self, painting: Painting) -> None:
        """Send a request when the server has all our edits, the frame among them."""
        self._link.wake()
        await self._until(lambda: self.synced and self._replica.settled)
        self._asks[painting.number] = painting
        await self._request(painting.request)

    async def _send_perform(self, performance: Performance) -> None:
        """Send a request when the server has what is asked of the band."""
        self._link.wake()
        await self._until(lambda: self.synced and self._replica.settled)
        self._asks[performance.number] = performance
        await self._request(performance.request)

    def _number(self) -> int:
        self._asked += 1
        return self._asked

    def _new_frame(self, prompt: str, params: ImageParams) -> str:
        right = max((one["x"] + one.get("w", 0) for one in self.canvas.values()), default=-_GAP)
        size = {"w": params.width or _FRAME, "h": params.height or _FRAME}
        return self.canvas.add({"type": "frame", "x": right + _GAP, "prompt": prompt, **size})

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not (condition() or self._failed):
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
        return self._failure is not None or self._replica.refused is not None

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._replica.refused is not None:
            refused, self._replica.refused = self._replica.refused, None
            raise EditRefused(*refused)

    # The connection ---------------------------------------------------------------------------------------

    async def _stay(self) -> None:
        try:
            await self._link.run()
        except JoinRefused as refused:
            self._fail(refused)
        except Exception as error:
            log.exception("the client broke")
            self._fail(ClientError(f"the client broke: {error!r}"))

    def _fail(self, error: ClientError) -> None:
        self._failure = error
        for run in self._asks.values():
            run._refuse(error)
        self.jam.fail(error)
        self._notify()

    def _hello(self) -> Hello:
        replica = self._replica
        return Hello(
            VERSION,
            self.address.token,
            self._name,
            replica.client_id,
            self._session_secret,
            replica.resume,
            (),
            self._agent,
        )

    def _lost(self) -> None:
        self.connected = False

    # What the server says -----------------------------------------------------------------------------------

    def _receive(self, message: ServerMessage) -> None:
        self._handle(message)
        self._notify()

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
            case Steered(run):
                if (waiting := self._steers.get(run)) is not None and not waiting.done():
                    waiting.set_result(message)
            case Tokens():
                self._tokens_came(message)
            case Preview():
                self._preview_came(message)
            case Learned():
                self.style._told(message)
            case Shares():
                self.shares = message
            case Versions(versions):
                self.history.versions = versions
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
            case _:
                self.jam.receive(message)

    def _welcomed(self, message: Welcome) -> None:
        self.connected = True
        self.me = message.participant
        self.rights = frozenset(message.rights)
        self._session_secret = message.session
        self.participants = {one.id: one for one in message.participants}
        self.models = message.models
        for info in message.runs:
            self._run_changed(RunMessage(message.offset, info))
        for run in [run for run in self._asks.values() if run.info is None]:
            del self._asks[run.number]
            run._refuse(RequestRefused("unavailable", "the connection was lost before the server answered"))
        self.jam.welcomed()
        if self._viewing is not None:
            self._link.request(self._viewing, first=True)
        for waiting in self._steers.values():
            if not waiting.done():
                lost = "the connection was lost before the server answered; the change may be in force"
                waiting.set_exception(RequestRefused("unavailable", lost))
        if self._replica.welcomed(message) is not None:
            self._link.repeat_edit(refused=False)
        if message.resumed:
            self._now_synced()

    def _now_synced(self) -> None:
        self._link.ready = True
        self._link.wake()

    def _acknowledged(self, message: Ack) -> None:
        if self._replica.acknowledged(message):
            self._link.forget_edit()
            self._link.request(Resync(f"edit {message.status}"), first=True)
        elif message.status in TRANSIENT and self._replica.flight is not None:
            self._link.repeat_edit(refused=True)
        self._link.wake()

    def _present(self, message: Presence) -> None:
        state = json.loads(message.state)
        if isinstance(state, dict):
            self.presence[message.participant] = state
        else:
            self.presence.pop(message.participant, None)

    def _run_changed(self, message: RunMessage) -> None:
        info = message.run
        self.runs[info.id] = info
        if info.task == "jam" and info.state in ENDED:
            self.jam.band_ended(info.id)
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
        if (recalled := self._recalled.get(message.run)) is not None:
            recalled.update((token.index, token) for token in message.tokens)
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
            self._link.request(Resync("digest differs"), first=True)

    def _refused(self, message: Error) -> None:
        error = RequestRefused(message.code, message.message)
        if (
            message.re in ("ask", "paint", "perform", "retry", "replace_token")
            and message.ref.isdigit()
            and (run := self._asks.pop(int(message.ref), None))
        ):
            run._refuse(error)
        elif (message.re, message.ref) in self._awaited:
            self._awaited[message.re, message.ref] = error
        elif (
            message.re == "steer"
            and (waiting := self._steers.get(message.ref)) is not None
            and not waiting.done()
        ):
            waiting.set_exception(error)
        elif not self.jam.refused(message):
            self._refusals.append(error)
