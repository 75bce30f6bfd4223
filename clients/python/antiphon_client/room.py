"""A room: the document, who is in it, its runs.

The public interface; the connection is in `session`, and the parts of a room have files of their own. It is long
because it is one interface."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal

from msgspec.structs import replace

from antiphon_client.address import Address
from antiphon_client.assets import Asset, download, provenance, upload
from antiphon_client.canvas import Canvas
from antiphon_client.chat import Chat
from antiphon_client.codex import Codex
from antiphon_client.comments import Comments
from antiphon_client.errors import ClientError
from antiphon_client.film import Film
from antiphon_client.history import History
from antiphon_client.jam.jam import Jam
from antiphon_client.manuscripts import Converted, Exported, FileFormat, convert, export
from antiphon_client.model_choice import use_model
from antiphon_client.paint_run import Painting, Source
from antiphon_client.performers import Cast
from antiphon_client.search import KINDS, Found, Kind, search
from antiphon_client.session.connection import bounded
from antiphon_client.session.exchanges import answered_within
from antiphon_client.session.run import Run
from antiphon_client.session.session import Session
from antiphon_client.spelling.faults import Spelling
from antiphon_client.steps import OwnSteps, Step
from antiphon_client.style import Style
from antiphon_client.writing import FillIn, Writing
from antiphon_proto.messages import (
    Accept,
    Ask,
    ModelInfo,
    Paint,
    Participant,
    Reject,
    Revoke,
    RunInfo,
    SetPresence,
    Shares,
    Surface,
    Undo,
    Viewing,
)
from antiphon_proto.params import ImageParams, ImageTask, Mode, Task, TextParams

_CLOSING_SECONDS = 5.0
_FRAME, _GAP = 256, 24
"""Default side of a frame, and its distance from other objects; canvas units."""


@asynccontextmanager
async def connect(
    url: str,
    *,
    token: str | None = None,
    name: str = "Guest",
    agent: str = "antiphon-python",
    kind: Literal["human", "agent"] = "human",
    timeout: float = 30.0,
) -> AsyncIterator[Room]:
    """Join the room of an invite link (or of a link and a `token`) and stay joined until the block ends.

    The connection is resumed by itself after any interruption; edits made meanwhile are sent then. On leaving, edits
    that the server has not confirmed yet are waited for, 5 s at most. A program that acts by itself joins as `kind`
    "agent": everybody sees it marked so. `timeout` is how long joining, and each call that waits for the server's
    answer, may take, in seconds. Raises JoinRefused, NoAnswer.
    """
    session = Session(Address.parse(url, token), name=name, agent=agent, kind=kind, timeout=timeout)
    room = Room(session)
    task = asyncio.create_task(session.stay(), name=f"antiphon-{room.address.room}")
    clock = asyncio.create_task(room.jam.keep_time(), name="antiphon-clock")
    try:
        async with answered_within(timeout):
            await session.until(lambda: room.synced)
        yield room
        with contextlib.suppress(TimeoutError, ClientError):
            async with asyncio.timeout(_CLOSING_SECONDS):
                await room.durable()
    finally:
        clock.cancel()
        task.cancel()
        await asyncio.wait({clock, task})


class Room:
    """A joined room. All its methods belong to the event loop that joined it. Positions are code points.

    A call that asks the server for something returns when the room has done it, or raises: RequestRefused with the
    server's reason, NoAnswer when none comes in time. Edits are made here at once and travel by themselves; one that
    the server refuses raises EditRefused from the next call that waits.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._replica = session.replica
        self.canvas = Canvas(self._replica, session.wake)
        """The objects that people and the AI draw: `room.canvas[id]`, `.add(...)`, `.update(...)`."""
        self.film = Film(session)
        """The shots of the film: `room.film[id]`, `.make()`, `.update(...)`, `.move(...)`, `.breakdown()`."""
        self.jam = Jam(session)
        """The jam: its clock, playing, conducting, the band: `room.jam.play(...)`, `.conduct(...)`, `.perform()`."""
        self.chat = Chat(session)
        """The chat of people and the AI: `room.chat.entries`, `.say(...)`."""
        self.comments = Comments(session)
        """Comments on passages: `room.comments[id]`, `.add(...)`, `.reply(...)`, `.resolve(...)`, `.delete(...)`."""
        self.spelling = Spelling(session)
        """Faults and the room's dictionary: `await room.spelling.faults()`, `.words`, `.add(word)`, `.remove(word)`."""
        self.style = Style(session)
        """The style card: `room.style.card`, `.set(...)`, `.learn(...)`."""
        self.codex = Codex(session)
        """Names and facts of the story: `room.codex.found`, `.contradictions`, `.written`, `.write(name, words)`."""
        self.performers = Cast(session)
        """AI participants with a role: `room.performers[id]`, `.add("critic")`, `.change(...)`, `.remove(id)`."""
        self.history = History(session)
        """The room's past: `.page()`, `.at(seq)`, `.compare(...)`, `.name(...)`, `.restore(seq)`, `.fork(seq)`."""
        self.writing = Writing(session)
        """More of the AI: `.rewrite(...)`, `.fix(...)`, `.brainstorm()`, `.choose(run)`, `.retry(run)`,
        `.replace_token(...)`."""
        self._steps = OwnSteps(session)
        session.listeners += [self.jam, self.style, self.codex, self.performers, self.history, self._steps]

    @property
    def address(self) -> Address:
        """Where the room is, with the token in use."""
        return self._session.address

    @property
    def connected(self) -> bool:
        """Whether the server has welcomed the connection that is open."""
        return self._session.connected

    @property
    def synced(self) -> bool:
        """Whether the copy is in step with the server over an open connection."""
        return self._session.synced

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
        self._session.wake()

    def append(self, text: str) -> None:
        """Insert at the end."""
        self.insert(len(self.text), text)

    def delete(self, start: int, end: int) -> None:
        """Delete the characters [start, end)."""
        self._replica.delete(start, end)
        self._session.wake()

    @contextmanager
    def one_edit(self) -> Iterator[None]:
        """Edits inside the `with` block reach the others as one change."""
        with self._replica.doc.transaction():
            yield

    async def applied(self) -> None:
        """Wait until the room has everything edited here. Raises EditRefused, JoinRefused."""
        self._session.wake()
        async with answered_within(self._session.timeout):
            await self._session.until(lambda: self._replica.settled)

    async def durable(self) -> None:
        """Wait until everything edited here is on the server's disk. Raises EditRefused, JoinRefused."""
        self._session.wake()
        async with answered_within(self._session.timeout):
            await self._session.until(lambda: self._replica.durable)

    async def changed(self) -> None:
        """Wait for the next message of the server: the text, a run, a participant."""
        await self._session.changed()

    async def wait_for(self, condition: Callable[[Room], bool], timeout: float | None = None) -> None:
        """Wait until `condition(room)` is true, for ever or for `timeout` seconds. Raises NoAnswer, EditRefused,
        JoinRefused."""
        async with answered_within(timeout):
            await self._session.until(lambda: condition(self))

    # The AI -----------------------------------------------------------------------------------------------

    @property
    def models(self) -> tuple[ModelInfo, ...]:
        """The model of each modality, and its state."""
        return self._session.state.models

    @property
    def runs(self) -> Mapping[str, RunInfo]:
        """Run id -> the run as it is now."""
        return self._session.runs

    def ask(
        self,
        instruction: str = "",
        *,
        at: int | None = None,
        selection: tuple[int, int] | None = None,
        mode: Mode = "write",
        params: TextParams | None = None,
        model: str = "",
    ) -> Run:
        """Ask the AI to continue at `at` (default: the end), or to follow an instruction there or about a selection.

        Iterate the result for tokens: `async for token in room.ask("make it rain"): ...`. The text itself enters the
        document (`write`), waits there for acceptance (`suggest`), or comes only here (`private`). `model` names one of
        several that serve side by side (`ModelInfo.beside`). Raises ClientError for an argument that is out of its
        bounds.
        """
        start, end = selection if selection is not None else (at, None)
        task: Task = "instruct" if instruction else "continue"
        number = self._session.pending.next_number()
        request = bounded(Ask(number, task, mode, 0, 0, 0, instruction, params or TextParams(), model))
        return Run.of(self._session, request, start, end)

    async def fill_in(
        self, start: int, end: int | None = None, *, params: TextParams | None = None, model: str = ""
    ) -> FillIn:
        """Find words that fit between both sides of the place `start`, or in place of the characters [start, end).

        Iterate the result for the candidates as they come; `await found.accept()` puts the best of them into the story.
        Nobody else sees them before. Raises RequestRefused."""
        number = self._session.pending.next_number()
        ask = bounded(Ask(number, "fill", "private", 0, 0, 0, "", params or TextParams(), model))
        found = FillIn(self._session, ask, start, end)
        await found.start()
        return found

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
        number = self._session.pending.next_number()
        task: ImageTask = "inpaint" if mask else "image_to_image" if source else "text_to_image"
        params = params or ImageParams()
        request = Paint(number, frame or "new", task, prompt, params, live=live)
        bounded(request)  # before there is a frame of it
        where = frame or self._new_frame(prompt, params)
        return Painting(self._session, self.canvas, replace(request, frame=where), source, mask)

    async def upload(self, data: bytes) -> Asset:
        """Add a picture (PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or SVG) to the room. Raises RequestRefused."""
        return await upload(self.address, data)

    async def download(self, sha256: str) -> bytes:
        """The file of an asset. Raises RequestRefused."""
        return await download(self.address, sha256)

    async def provenance(self, sha256: str) -> dict[str, Any]:
        """Where an asset comes from: model, prompt, seed, parameters, asker, source pictures and their authors
        (PROTOCOL.md, "Provenance"). Raises RequestRefused."""
        return await provenance(self.address, sha256)

    async def export(
        self, format: FileFormat, *, authorship: bool = False, screenplay: bool | None = None
    ) -> Exported:
        """The story as a file, as the server has it, with notices of content that the format cannot hold. With
        `authorship` the report on who wrote which part follows the text. `json` is a Quill delta and that report.
        Raises RequestRefused, NoAnswer."""
        await self.applied()
        return await export(self.address, format, authorship=authorship, screenplay=screenplay)

    async def bring_in(
        self, data: bytes, name: str, at: int | None = None, *, encoding: str = ""
    ) -> Converted:
        """Insert the contents of a file at character `at` (default: the end), as an edit of this participant's. The
        ending of `name` tells the format: md, html, docx, epub, txt, fountain, odt, rtf, fdx. `encoding` is a text
        file's; without it the server guesses, and the result names its choice, whether it was sure, and lost content.
        Raises RequestRefused, NoAnswer; then nothing came in."""
        found = await convert(self.address, data, name, encoding)
        place = len(self.text) if at is None else at
        for op in found.ops:
            self.insert(place, op["insert"], op.get("attributes", {}))
            place += len(op["insert"])
        return found

    async def search(self, query: str, *, kinds: Sequence[Kind] = KINDS, limit: int = 20) -> Found:
        """Passages of the room, by words (in any form; `"..."` for a phrase) and by meaning. Raises RequestRefused,
        NoAnswer."""
        return await search(self.address, self._session.secret, self.text, query, kinds, limit)

    async def stop(self, run: str) -> RunInfo:
        """Stop a run by its id; its output stays. Returns when it has ended. Raises RequestRefused, NoAnswer."""
        return await self._session.stop(run)

    async def accept(self, run: str, part: tuple[int, int] | None = None) -> RunInfo:
        """Accept a suggestion, whole or only its part in the characters [start, end). Returns when the room has done it
        and this copy shows it. Raises RequestRefused, NoAnswer."""
        return await self._settle(Accept, run, part)

    async def reject(self, run: str, part: tuple[int, int] | None = None) -> RunInfo:
        """Reject a suggestion, whole or only its part in the characters [start, end). Otherwise as `accept`."""
        return await self._settle(Reject, run, part)

    async def undo(self, *, surface: Surface | None = None) -> Step:
        """Undo this participant's own last action, of one surface or of any; returns the action and its place. Raises
        NothingToUndo, RequestRefused, NoAnswer."""
        return await self._steps.step(surface, redo=False)

    async def undo_run(self, run: str) -> RunInfo:
        """Undo the remaining output of a run of anybody; text that people wrote stays. Returns the run, which is
        `undone`. Raises RequestRefused, NoAnswer."""
        await self.applied()
        known = self._session.runs
        await self._session.exchange(Undo(run), run, lambda: run in known and known[run].undone)
        return known[run]

    async def redo(self, *, surface: Surface | None = None) -> Step:
        """Redo the action that this participant undid last. Raises NothingToUndo, RequestRefused."""
        return await self._steps.step(surface, redo=True)

    @property
    def steps(self) -> Mapping[Surface, tuple[int, int]]:
        """Surface -> how many own actions can be undone and done again; surfaces without any are left out."""
        return self._steps.counts

    # People -----------------------------------------------------------------------------------------------

    @property
    def me(self) -> Participant | None:
        """This participant."""
        return self._session.state.me

    @property
    def rights(self) -> frozenset[str]:
        """The rights of this participant."""
        return self._session.state.rights

    @property
    def participants(self) -> Mapping[str, Participant]:
        """Participant id -> who is here."""
        return self._session.state.participants

    @property
    def presence(self) -> Mapping[str, dict[str, Any]]:
        """Participant id -> the state that they show to the others."""
        return self._session.state.presence

    @property
    def shares(self) -> Shares | None:
        """Who wrote how many characters, as last told."""
        return self._session.state.shares

    @property
    def links(self) -> Mapping[str, str]:
        """Role -> path and token of the invite link in force (told to owners, after one was renewed)."""
        return self._session.state.links

    async def set_presence(self, state: dict[str, Any] | None) -> None:
        """Show this state to the others (any JSON object; `cursor` as in y-protocols awareness); None hides. Raises
        RequestRefused, NoAnswer, ClientError for one that is too large."""
        await self._session.exchange(SetPresence(json.dumps(state, ensure_ascii=False)))

    async def revoke(self, participant: str) -> None:
        """Put a member out (owners only). Raises RequestRefused, NoAnswer."""
        await self._session.exchange(Revoke(participant), participant)

    async def use_model(
        self, modality: Literal["text", "image", "audio", "speech"], model: str, *, timeout: float = 600.0
    ) -> ModelInfo:
        """Let another of the model's `choices` serve all rooms (owners, where the server lets them). Returns when it
        serves; `models` tells meanwhile how it goes. `timeout`: seconds for fetching and loading it. Raises
        RequestRefused, also when it cannot be had, and NoAnswer."""
        return await use_model(self._session, modality, model, timeout)

    async def viewing(self, side: int) -> None:
        """Say how large this client shows pictures that are painted, in pixels of the longer side (0: not at all), so
        that previews are made to fit; 256 until it is said. Raises RequestRefused, NoAnswer."""
        await self._session.view(bounded(Viewing(side)))

    async def _settle(
        self, kind: type[Accept] | type[Reject], run: str, part: tuple[int, int] | None
    ) -> RunInfo:
        session, replica = self._session, self._replica
        if part is None:
            await session.exchange(kind(run), run, lambda: session.runs[run].suggestion != "open")
            return session.runs[run]
        with replica.mark(part[0]) as start, replica.mark(part[1]) as end:
            offset, first, last = await session.located(*part)
            await session.exchange(
                kind(run, offset, first, last),
                run,
                lambda: not replica.suggests(run, start.offset, end.offset),
            )
        return session.runs[run]

    def _new_frame(self, prompt: str, params: ImageParams) -> str:
        right = max((one["x"] + one.get("w", 0) for one in self.canvas.values()), default=-_GAP)
        size = {"w": params.width or _FRAME, "h": params.height or _FRAME}
        return self.canvas.add({"type": "frame", "x": right + _GAP, "prompt": prompt, **size})
