"""The shared Yjs document of a room, on the event loop's thread, behind checks that let nothing half-way in.

pycrdt's pitfalls (FACTS, "CRDT") end here: a Rust panic is a BaseException, observers must not raise, origins are small
integers, an update with missing dependencies is kept by Yrs and applied later under another author's name, and indices
are bytes. A client's update is read first (`document.updates.parser`) and refused whole; should Yrs still fail on one,
the document is rebuilt without it.

Attributes are for display: a client may set `ai` or `suggest` anywhere, since authorship is recorded separately.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from msgspec.structs import replace
from pycrdt import Doc, Map, Text, TextEvent, TransactionEvent, get_state, merge_updates

from antiphon_proto import schema
from antiphon_proto.document.yjs_update import write_state_vector
from antiphon_proto.errors import TooLarge
from antiphon_server.document.canvas import Canvas, Mended, ObjectChange
from antiphon_server.document.change import (
    Change,
    DocumentBroken,
    ForeignIds,
    InvalidUpdate,
    MissingUpdates,
    Units,
)
from antiphon_server.document.exact_splices import exact_splices
from antiphon_server.document.film.film import Film, FilmChange
from antiphon_server.document.jam import Jam, JamChange
from antiphon_server.document.observing import observe
from antiphon_server.document.side_roots import SideRoots
from antiphon_server.document.story_pieces import Drifted, StoryPieces
from antiphon_server.document.text_index import (
    EMBED,
    Attributes,
    Piece,
    Reformat,
    Splice,
    is_boundary,
    plain,
    scrub,
    size,
    snap,
    splices,
)
from antiphon_server.document.updates.item_index import MAX_RUNS, ItemIndex, Misplaced, Writer
from antiphon_server.document.updates.overlap import Overlap, differing, repeated
from antiphon_server.document.updates.parser import (
    MAX_CLOCK,
    STRING,
    Id,
    MalformedUpdate,
    TooManyItems,
    UpdateInfo,
    collected,
    inspect,
    state_vector,
)

log = logging.getLogger(__name__)


_PIECES_SECONDS: Final = 60
_LONG: Final = 2 * 1024 * 1024
_SLACK: Final = 1024 * 1024
_FAR: Final = 20_000
"""Units of items that a peer lacks."""
_RUN_BYTES: Final = 1000
"""To read a run of items takes Yrs as long as so many bytes of text."""
_CROWDED: Final = 4096
_NOTHING = b"\x00"
"""The state vector of an empty document."""
Found: TypeAlias = UpdateInfo | TooManyItems | MalformedUpdate


def digest(characters: str) -> bytes:
    """First 16 bytes of the SHA-256 of the story's characters (embeds left out)."""
    return hashlib.sha256(characters.encode()).digest()[:16]


def index_of(state: bytes | None) -> ItemIndex:
    """Read a whole stored document, without Yrs. Raises DocumentBroken. Costs about 5 us an item; any thread may."""
    index = ItemIndex()
    if state is not None:
        try:
            info = inspect(state, ours=True)
            if info.missing({}):
                raise Misplaced("it depends on missing changes")
            index.add(info, "stored")
        except (MalformedUpdate, Misplaced) as error:
            raise DocumentBroken(f"the stored document cannot be read: {error}") from error
    return index


def _broken(error: BaseException) -> DocumentBroken:
    """Convert an error of Yrs, a panic included, to ours; other errors are raised again."""
    if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
        raise error
    return DocumentBroken(f"the document engine failed: {error}")


def _gone(change: Change, info: UpdateInfo) -> Units | None:
    """The ids of the one passage of text that an update deleted, where that can be told."""
    removed = [splice.removed for splice in change.splices if splice.deleted]
    if len(removed) != 1 or len(info.deletions) != 1:
        return None
    units = sum(len(text.encode("utf-16-le")) // 2 if isinstance(text, str) else 1 for text, _ in removed[0])
    return info.deletions[0] if info.deletions[0][2] == units else None


def _origin(change: Change, info: UpdateInfo) -> Id | None:
    """The left origin of the one text that an update inserted."""
    if sum(1 for splice in change.splices if splice.inserted) != 1:
        return None
    for items in info.structs.values():
        for item in items:
            if item[2] == STRING:
                return item[3]
    return None


class Document:
    """`state` is a Yjs update that holds the whole document, and `index` its index (`index_of`). Origins are small
    positive integers. Raises DocumentBroken."""

    def __init__(
        self,
        state: bytes | None = None,
        *,
        max_update: int,
        max_items: int,
        max_document: int,
        client_id: int | None = None,
        index: ItemIndex | None = None,
        pieces: StoryPieces | None = None,
    ) -> None:
        self._max_update = max_update
        self._max_items = max_items
        self.read = 0
        """Items of the last update that a peer brought (`document.updates.parser`), also of one that was refused."""
        self.recounts = 0
        """Changes of the story that Yrs told otherwise than they were."""
        self._max_document = max_document
        self._base = state
        self._encoded: bytes | None = None
        self._log: list[bytes] = []
        self._pieces: StoryPieces | None = None
        """As long as they are needed, and for a while after."""
        self._unused = 0
        self._measured = False
        self._index = index or index_of(state)
        self._renewed_at = self._index.runs
        try:
            self._build(client_id)
        except BaseException as error:
            raise _broken(error) from error
        if pieces is not None and pieces.length == self._length:
            self._pieces = pieces

    # Content ------------------------------------------------------------------------------------------

    @property
    def client_id(self) -> int:
        """The Yjs client id under which the server writes."""
        return self._doc.client_id

    @property
    def clocks(self) -> Mapping[int, int]:
        """Client id -> how much of its items the document has, in clocks of Yjs."""
        return self._index.ends

    @property
    def length(self) -> int:
        """Bytes of the story, an embed counting one."""
        return self._length

    @property
    def canvas(self) -> Canvas:
        """For reading; `draw` writes."""
        return self._canvas

    @property
    def jam(self) -> Jam:
        """For reading; `play` writes."""
        return self._jam

    @property
    def size(self) -> int:
        """Bytes of the encoded document, at most."""
        return self._size

    @property
    def runs(self) -> int:
        """Runs of items of which it consists, deleted ones too."""
        return self._index.runs

    @property
    def long(self) -> bool:
        """Whether one call of Yrs that reads the whole document takes more than a few milliseconds."""
        return self._size + _RUN_BYTES * self._index.runs >= _LONG

    def text(self) -> str:
        if self._pieces is not None:
            return self._pieces.data().decode()
        return plain(self._text.diff()) if self._embeds else str(self._text)

    def data(self) -> bytes:
        """The story in UTF-8, embeds as EMBED: offsets in it are the document's indices."""
        return self.text().encode() if self._pieces is None else self._pieces.data()

    def parts(self) -> Iterable[bytes]:
        """The same in parts of whole characters. A thread may go through them while nothing changes."""
        return (self.data(),) if self._pieces is None else self._pieces.parts()

    def setting(self, key: str) -> object:
        """A value of the room's settings (the root `meta`), as people wrote it; None when there is none."""
        return self._doc.get(schema.META, type=Map).get(key)

    def pieces(self) -> Sequence[tuple[Any, Attributes | None]]:
        """The story in pieces of equal attributes: strings, and embeds as they are."""
        return self._text.diff()

    def between(self, start: int, end: int) -> list[tuple[Any, Attributes]]:
        """The pieces of [start, end), as of before the transaction that is under way."""
        return self._kept().between(start, end)

    def chunks(self, start: int, end: int) -> tuple[Piece, ...]:
        """The text of [start, end) in pieces of equal attributes."""
        found = self.between(start, min(end, self._length))
        return tuple((one if isinstance(one, str) else EMBED, attributes) for one, attributes in found)

    def marked(self, attribute: str, value: object) -> list[tuple[int, int]]:
        """[start, end) of everything whose `attribute` is `value`, in order."""
        found: list[tuple[int, int]] = []
        at = 0
        for content, attributes in self._kept():
            end = at + (size(content) if isinstance(content, str) else 1)
            if attributes.get(attribute) == value:
                if found and found[-1][1] == at:
                    at = found.pop()[0]
                found.append((at, end))
            at = end
        return found

    def characters(self) -> str:
        """The story without embeds."""
        return str(self._text)

    def state(self) -> bytes:
        """The whole document as one update; made once for as long as nothing changes (`forget_state`). It holds no
        deleted content: Yrs drops that with the transaction, and nothing here keeps it."""
        if self._encoded is None:
            self._encoded = self._doc.get_update()
        return self._encoded

    @property
    def encoded(self) -> bool:
        """Whether `state` costs nothing now."""
        return self._encoded is not None

    def updates(self) -> tuple[bytes, ...]:
        """The whole document as updates that are to be applied in order; costs nothing. They hold what was deleted
        since they were last made one (`settle`)."""
        if self._encoded is not None:
            return (self._encoded,)
        return (*(() if self._base is None else (self._base,)), *self._log)

    def settle(self, updates: tuple[bytes, ...], state: bytes) -> None:
        """`state` is that of these `updates`, made elsewhere: repairs start from it. Where nothing has changed since,
        it is the encoded state."""
        known = self.updates()
        if known[: len(updates)] != updates or self._encoded is not None:
            return  # it was encoded here meanwhile
        self._log = list(known[len(updates) :])
        self._base = state
        self._size = len(state) + sum(map(len, self._log))
        if not self._log:
            self._encoded = state

    def forget_state(self) -> None:
        """Once a second. Do not keep the encoded state any longer, nor the pieces of the story, which nobody needed
        for a while: both are as large as the document. Of a long story the pieces are kept, since to make them takes
        long."""
        self._measured = False
        if self._encoded is not self._base:
            self._encoded = None
        self._unused += 1
        if self._unused > _PIECES_SECONDS and not self.long:
            self._pieces = None

    def state_vector(self) -> bytes:
        return self._doc.get_state()

    def since(self, vector: bytes) -> bytes:
        """The part of the state that a peer with state vector `vector` lacks. Raises InvalidUpdate."""
        if vector == _NOTHING:
            return self.state()
        try:
            state_vector(vector, len(self._index.ends))
            return self._doc.get_update(vector)
        except (MalformedUpdate, ValueError) as error:
            raise InvalidUpdate(f"not a state vector: {error}") from None

    def far(self, vector: bytes) -> bool:
        """Whether a peer with this state vector lacks so much of a long document that it is told all of it. Raises
        InvalidUpdate."""
        if not self.long:
            return False
        try:
            known = state_vector(vector, len(self._index.ends))
        except MalformedUpdate as error:
            raise InvalidUpdate(f"not a state vector: {error}") from None
        return sum(max(0, end - known.get(client, 0)) for client, end in self._index.ends.items()) > _FAR

    def checkpoint(self) -> bytes:
        """The whole document, from now on also the state that a repair starts from."""
        self._base = self.state()
        self._log.clear()
        self._size = len(self._base)
        return self._base

    @property
    def crowded(self) -> bool:
        """Whether the index has grown much since it was made: it keeps removed items one by one, where the document has
        one entry for all of them."""
        return self._index.runs > 2 * self._renewed_at + _CROWDED

    def renew(self, index: ItemIndex) -> None:
        """`index` is of the document's state; where the document has changed meanwhile it is not taken."""
        if index.ends == self._index.ends:
            self._index = index
        self._renewed_at = self._index.runs

    # Changes ------------------------------------------------------------------------------------------

    def apply(
        self,
        update: bytes,
        origin: int,
        may_use: Callable[[int], bool] = lambda client: True,
        found: Found | None = None,
    ) -> Change | None:
        """Apply a peer's update; None when it brings nothing new. `may_use` tells of which client ids it may bring
        new items. `found` is the result or the error of `inspect`, where it was called already.

        Raises TooLarge, ForeignIds, MissingUpdates or InvalidUpdate; then nothing has changed.
        """
        return self.bring(update, self.admit(update, may_use, found), origin)

    def bring(self, update: bytes, info: UpdateInfo, origin: int) -> Change | None:
        """Apply an admitted update, or a part of one. Raises InvalidUpdate; then nothing has changed."""
        return self._bring(update, info, "client", origin, info.deletes or info.formats)

    def load(self, update: bytes) -> Change | None:
        """Apply an update of our own log. Raises InvalidUpdate; then nothing has changed."""
        try:
            info = inspect(update, ours=True)
        except MalformedUpdate as error:
            raise InvalidUpdate(f"malformed update: {error}") from None
        if info.missing(self._index.ends):
            raise MissingUpdates("the update depends on missing updates")
        return self._bring(update, info, "stored", None, info.deletes)

    def pass_over(self, update: bytes) -> None:
        """Advance the clocks over a stored update that cannot be applied: later updates of its authors continue from
        them. Updates that depend on it are collected with it, or refused in turn."""
        ends = self._index.ends
        try:
            claimed = state_vector(get_state(update))
            gone = {client: end - ends.get(client, 0) for client, end in claimed.items()}
            self.load(collected({one: (ends.get(one, 0), gone[one]) for one in gone if gone[one] > 0}))
        except BaseException as error:
            # An update that not even Yrs can read brought no item that others could follow on.
            log.warning("nothing is known of an update that is left out: %s", _broken(error))

    def _bring(
        self, update: bytes, info: UpdateInfo, writer: Writer, origin: int | None, alters: bool
    ) -> Change | None:
        """Apply an update that was read, once its places are known to be sound. Raises InvalidUpdate."""
        news = info.news(self._index.ends)
        try:
            pending = self._index.add(info, writer)
        except Misplaced as error:
            raise InvalidUpdate(str(error)) from None
        try:
            change = self._transact(origin, lambda: self._doc.apply_update(update), alters, info)
        except DocumentBroken as error:
            self._index.withdraw(pending)
            raise InvalidUpdate("the update cannot be applied") from error
        if news and not self._took(update, change, news):
            # It would be said that these words are in the document; they are not.
            if change is not None:
                self._log.pop()
            self._index.withdraw(pending)
            self._build(self._doc.client_id)
            raise InvalidUpdate("the document did not take all of the update")
        return replace(change, gone=_gone(change, info), origin=_origin(change, info)) if change else None

    def _took(self, update: bytes, change: Change | None, news: Mapping[int, int]) -> bool:
        """Whether the document now holds an update's content, by the state of Yrs."""
        if change is None:
            return False
        if change.update == update:
            return True
        try:
            ends = inspect(change.update, ours=True).ends
        except MalformedUpdate:
            ends = state_vector(self._doc.get_state())
        return all(ends.get(client, 0) >= end for client, end in news.items())

    def insert(self, at: int, text: str, attributes: Attributes, origin: int) -> Change | None:
        """Insert `text` with exactly these attributes, independent of the text around it."""
        text = scrub(text)
        return self._transact(origin, lambda: self._text.insert(at, text, dict(attributes))) if text else None

    def delete(self, ranges: list[tuple[int, int]], origin: int) -> Change | None:
        """Delete [start, end) ranges, given in order and apart from each other."""

        def work() -> None:
            for start, end in reversed(ranges):
                del self._text[start:end]

        return self._transact(origin, work, True) if ranges else None

    def format(
        self, ranges: list[tuple[int, int]], attributes: Mapping[str, Any], origin: int
    ) -> Change | None:
        """Set attributes on [start, end) ranges; None takes one away."""

        def work() -> None:
            for start, end in ranges:
                self._text.format(start, end, dict(attributes))

        return self._transact(origin, work, True) if ranges else None

    def rework(self, work: Callable[[Text, Canvas], object], origin: int) -> Change | None:
        """Change story and canvas in one transaction."""
        return self._transact(origin, lambda: work(self._text, self._canvas), True)

    def revert(self, work: Callable[[Text, Canvas, Jam, SideRoots], object], origin: int) -> Change | None:
        """Change anything in one transaction."""
        return self._transact(origin, lambda: work(self._text, self._canvas, self._jam, self._side), True)

    def draw(self, work: Callable[[Canvas], object], origin: int) -> Change | None:
        """Change the canvas in one transaction."""
        return self._transact(origin, lambda: work(self._canvas))

    @property
    def side(self) -> SideRoots:
        """For reading; `note` writes."""
        return self._side

    def note(self, work: Callable[[SideRoots], object], origin: int) -> Change | None:
        """Change chat, comments or style card in one transaction."""
        return self._transact(origin, lambda: work(self._side))

    def mend(
        self, changes: Sequence[ObjectChange], max_objects: int, max_points: int, origin: int
    ) -> tuple[Change | None, list[Mended]]:
        """Repair invalid content that `changes` left on the canvas."""
        if self._canvas.sound(changes, max_objects, max_points):
            return None, []
        mended: list[Mended] = []

        def work(canvas: Canvas) -> None:
            mended.extend(canvas.mend(changes, max_objects, max_points))

        return self.draw(work, origin), mended

    def play(self, work: Callable[[Jam], object], origin: int) -> Change | None:
        """Change the jam in one transaction."""
        return self._transact(origin, lambda: work(self._jam))

    def mend_jam(
        self, changes: Sequence[JamChange], author: str, maker: Callable[[str], str | None], origin: int
    ) -> tuple[Change | None, list[Mended]]:
        """Repair invalid content that `changes` of participant `author` left in the jam."""
        mended: list[Mended] = []

        def work(jam: Jam) -> None:
            mended.extend(jam.mend(changes, author, maker))

        return self.play(work, origin), mended

    @property
    def film(self) -> Film:
        """For reading; `shoot` writes."""
        return self._side.film

    def shoot(self, work: Callable[[Film], object], origin: int) -> Change | None:
        """Change the film in one transaction."""
        return self._transact(origin, lambda: work(self._side.film))

    def mend_film(self, changes: Sequence[FilmChange], origin: int) -> tuple[Change | None, list[Mended]]:
        """Repair invalid content that `changes` left in the film."""
        mended: list[Mended] = []

        def work(film: Film) -> None:
            mended.extend(film.mend(changes))

        return self.shoot(work, origin), mended

    def snap(self, at: int) -> int:
        """`at` as an index that stands between two characters."""
        if self._pieces is not None:
            return self._pieces.snap(at)
        data = self.data()
        return at if is_boundary(data, at) else snap(data, at)

    # Inside -------------------------------------------------------------------------------------------

    def _build(self, client_id: int | None = None) -> None:
        # 32 bits, as Yjs draws them; a new id with every life, so that its clocks never start twice.
        self._doc: Doc[Any] = Doc(client_id=client_id or secrets.randbits(32))
        self._text: Text = self._doc.get(schema.STORY, type=Text)
        self._canvas = Canvas(self._doc)
        for update in filter(None, (self._base, *self._log)):
            self._doc.apply_update(update)
        self._jam = Jam(self._doc)
        self._side = SideRoots(self._doc)
        self._size = len(self._base or b"") + sum(map(len, self._log))
        self._size_exact = False
        self._encoded = None
        self._length = len(self._text)
        self._embeds = size(str(self._text)) != self._length
        self._pieces = None
        self._updates: list[bytes] = []
        self._deltas: list[Any] = []
        observe(self._text, self._on_text)
        observe(self._doc, self._on_update)

    def _on_text(self, event: TextEvent) -> None:
        self._deltas.extend(event.delta)  # type: ignore[attr-defined]

    def _on_update(self, event: TransactionEvent) -> None:
        self._updates.append(event.update)

    def repeated(self, info: UpdateInfo) -> dict[int, int]:
        """Client -> first clock of the items that an update repeats."""
        return repeated(info.starts, self._index.ends)

    def known_from(self, clients: Mapping[int, int]) -> bytes:
        """The document's items of these clients, from these clocks on."""
        return self._doc.get_update(write_state_vector({**self._index.ends, **clients}))

    def admit(
        self,
        update: bytes,
        may_use: Callable[[int], bool] = lambda client: True,
        found: Found | None = None,
        overlap: Overlap | None = None,
    ) -> UpdateInfo:
        """Whether a peer may bring this update, but for where its items stand. Raises as `apply` does."""
        if len(update) > self._max_update:
            raise TooLarge(f"an update of {len(update)} bytes; the bound is {self._max_update}")
        self.read = (
            self._max_items
        )  # the charge until the count is known: reading costs, also for a refused update
        try:
            if isinstance(found, Exception):
                raise found
            info = found or inspect(update, self._max_items)
        except TooManyItems as error:
            raise TooLarge(f"{error}; send what you have in several") from None
        except MalformedUpdate as error:
            raise InvalidUpdate(f"malformed update: {error}") from None
        self.read = info.items
        ends = self._index.ends
        news = info.news(ends)
        if self._doc.client_id in news:
            raise InvalidUpdate("the update writes under the server's client id")
        if foreign := frozenset(client for client in news if not may_use(client)):
            raise ForeignIds(foreign)
        if again := self.repeated(info):
            self._admit_again(update, again, overlap)
        if info.missing(ends):
            raise MissingUpdates("the update depends on updates that did not arrive")
        if news and not self._fits(len(update)):
            raise TooLarge(f"the document is at its bound of {self._max_document} bytes")
        if news and self._index.runs > MAX_RUNS:
            raise TooLarge("the document is at its bound of pieces")
        self._admit_deletions(info)
        return info

    def _admit_again(self, update: bytes, clients: Mapping[int, int], overlap: Overlap | None) -> None:
        """Repeated items must equal the known items of these ids. Raises ForeignIds."""
        if overlap is not None and overlap.known == {client: self._index.ends[client] for client in clients}:
            foreign = overlap.foreign
        else:
            stored = self.known_from(clients)
            self.read += len(stored) // 256
            foreign = differing(update, stored, clients)
        if foreign:
            raise ForeignIds(foreign)

    def _admit_deletions(self, info: UpdateInfo) -> None:
        """A client that syncs sends every deletion that it knows, so only those that are new here count in full."""
        closed = self._index.closed_deletions(info)
        if not closed and info.items + len(info.deletions) <= self._max_items:
            return
        known = inspect(self._doc.get_update(self._doc.get_state())).deletions
        self.read += len(known) // 8
        if closed and not _covered(closed, known):
            raise InvalidUpdate("only the server writes there")
        fresh = len(set(info.deletions).difference(known))
        self.read += fresh
        if info.items + fresh > self._max_items:
            raise TooLarge(f"more than {self._max_items} items in one update; send what you have in several")

    def _fits(self, more: int) -> bool:
        """`_size` is an upper estimate: it is measured again only when it matters, and once per growth; that of a long
        document once a second, between which it may pass its bound by a little."""
        if self._size + more > self._max_document and not self._size_exact:
            if self._measured and self.long:
                return self._size + more <= self._max_document + _SLACK
            self._measured = True
            self._size = len(self.state())
            self._size_exact = True
        return self._size + more <= self._max_document

    def fits(self, more: int) -> bool:
        """Whether the server itself may write about so many bytes."""
        return self._fits(more)

    def _transact(
        self,
        origin: int | None,
        work: Callable[[], object],
        alters: bool = False,
        info: UpdateInfo | None = None,
    ) -> Change | None:
        """`alters`: it may delete text or change formats. `info` describes the update that `work` applies,
        where it applies one."""
        self._updates, self._deltas = [], []
        self._canvas.begin()
        self._jam.begin()
        self._side.begin()
        if alters or self.long:
            self._kept()
        try:
            if origin is None:
                work()
            else:
                with self._doc.transaction(origin=origin):
                    work()
            changes, formats = self._followed()
        except BaseException as error:
            broken = _broken(error)
            self._build(self._doc.client_id)
            raise broken from error
        if not self._updates:
            return None
        update = self._updates[0] if len(self._updates) == 1 else merge_updates(*self._updates)
        if info is None:
            self._index_own(update)
        self._note(update, changes)
        return Change(
            update,
            changes,
            formats,
            self._canvas.changes(),
            self._jam.changes(),
            self._side.film.changes(),
            self._side.touched(),
        )

    def _kept(self) -> StoryPieces:
        """The story in pieces, from now on kept in step with it."""
        self._unused = 0
        if self._pieces is None:
            self._pieces = StoryPieces(self._text.diff())
        return self._pieces

    def _followed(self) -> tuple[tuple[Splice, ...], tuple[Reformat, ...]]:
        """The transaction's changes of the story; removed text and replaced formats only where the pieces are kept."""
        told = splices(self._deltas)
        if self._length + sum(one.inserted - one.deleted for one in told) != len(self._text):
            return self._exactly(self._pieces), ()
        if self._pieces is None:
            return told, ()
        try:
            return self._pieces.follow(self._deltas)
        except Drifted:
            return self._exactly(None), ()

    def _exactly(self, before: Iterable[tuple[Any, Any]] | None) -> tuple[Splice, ...]:
        """Yrs' delta of this change contradicts the text: compute it from the texts before and after."""
        log.error("Yrs tells a change of the text that does not add up; it is told from the texts instead")
        self.recounts += 1
        self._pieces = None
        if before is None:
            former: Doc[Any] = Doc()
            text: Text = former.get(schema.STORY, type=Text)
            for update in filter(None, (self._base, *self._log)):
                former.apply_update(update)
            before = text.diff()
        return exact_splices(tuple(before), self._text.diff())

    def _index_own(self, update: bytes) -> None:
        """Index an update of the server's own. Raises DocumentBroken when our parser refuses it."""
        try:
            self._index.add(inspect(update, ours=True), "server")
        except (MalformedUpdate, Misplaced) as error:
            self._build(self._doc.client_id)
            raise DocumentBroken(f"the server's own edit cannot be read: {error}") from error

    def _note(self, update: bytes, changes: tuple[Splice, ...]) -> None:
        self._encoded = None
        self._log.append(update)
        self._size += len(update)
        self._size_exact = False
        self._length = len(self._text)
        for change in changes:
            self._embeds = self._embeds or change.text == "\x1a"


def _covered(ranges: Sequence[tuple[int, int, int]], known: Sequence[tuple[int, int, int]]) -> bool:
    """Whether all of `ranges` (client, clock, length) lies within `known`, where neighbours are joined."""
    by_client: dict[int, list[tuple[int, int]]] = {}
    for client, clock, length in sorted(known):
        spans = by_client.setdefault(client, [])
        if spans and clock <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], clock + length)
        else:
            spans.append((clock, clock + length))
    for client, clock, length in ranges:
        spans = by_client.get(client, [])
        at = bisect_right(spans, (clock, MAX_CLOCK)) - 1
        if at < 0 or clock + length > spans[at][1]:
            return False
    return True
