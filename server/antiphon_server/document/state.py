"""The shared state of a room: document, authorship, places and history, kept in step with each other.

Every change of the document passes :meth:`SharedState.take`, live and when the log is replayed, so that both give the
same authorship.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from antiphon_proto import schema
from antiphon_proto.document.film import TRANSPORT, is_sound
from antiphon_proto.document.jam import LOOPS
from antiphon_server.document.anchors import Anchors
from antiphon_server.document.authorship import Authorship, Owner, Span
from antiphon_server.document.change import Change, InvalidUpdate
from antiphon_server.document.deletions import Deletions, OwnedPiece, StoredRemoval
from antiphon_server.document.document import Document
from antiphon_server.document.edit_window import EditWindow
from antiphon_server.document.object_authors import ObjectAuthor, ObjectAuthors
from antiphon_server.document.story_pieces import StoryPieces
from antiphon_server.document.text_index import Splice
from antiphon_server.document.undo.stretches import owned_pieces
from antiphon_server.document.undo.trace import Trace
from antiphon_server.document.updates.item_index import ItemIndex
from antiphon_server.room_limits import RoomLimits
from antiphon_server.store.api import Entry, Snapshot

SERVER = Owner("server")
"""The author of changes that are neither a participant's nor a run's: repairs by the server."""
SERVER_ORIGIN = 1
AI_ORIGIN = 2
FIRST_ORIGIN = 16
"""Origins of participants count from here."""
OURS = (schema.ATTR_AI, schema.ATTR_SUGGEST, schema.ATTR_SUGGEST_DELETE, schema.ATTR_REASON)
"""Text attributes that only a run's own text carries."""


class _Ledger(Struct, frozen=True, array_like=True):
    """The content of a snapshot's `authorship`."""

    spans: bytes
    removals: list[StoredRemoval]
    objects: bytes = b""
    loops: bytes = b""
    shots: bytes = b""


class Credits(Struct, frozen=True, array_like=True):
    """The makers of restored content, where they are not the author of the change."""

    spans: list[Span]
    """Of all that it inserts, in the order of the text."""
    objects: dict[str, ObjectAuthor]


class SharedState:
    """`index` and `pieces` (of the story) are of the snapshot, where that was read already. `client_id` is drawn when
    there is none."""

    def __init__(
        self,
        limits: RoomLimits,
        snapshot: Snapshot | None = None,
        index: ItemIndex | None = None,
        client_id: int | None = None,
        pieces: StoryPieces | None = None,
    ) -> None:
        self.document = Document(
            snapshot.state if snapshot else None,
            max_update=limits.max_update,
            max_items=limits.max_items,
            max_document=limits.max_document,
            index=index,
            client_id=client_id,
            pieces=pieces,
        )
        self.aside: list[tuple[Entry, str]] = []
        """Entries of the log that could not be applied, and why."""
        self.anchors = Anchors()
        stored = msgspec.msgpack.decode(snapshot.authorship, type=_Ledger) if snapshot else None
        self.authorship = Authorship.restore(stored.spans) if stored else Authorship()
        removals = stored.removals if stored else []
        self.deletions = Deletions(one for one in removals if one.by.run is None)
        self.trace = Trace(self.document.length, (one for one in removals if one.by.run is not None))
        self.objects = ObjectAuthors(stored.objects if stored else b"")
        self.loops = ObjectAuthors(stored.loops if stored else b"")
        self.shots = ObjectAuthors(stored.shots if stored else b"")
        self.edit_window = EditWindow(limits.history_ticks)

    def take(
        self,
        change: Change,
        owner: Owner,
        offset: int,
        sender: str | None = None,
        credits: Credits | None = None,
        mark: int | None = 0,
    ) -> list[tuple[int, int]]:
        """Account for an applied change that `owner` made and that everybody will have at room offset `offset`.
        `mark` is the number of the action that it belongs to (`document.undo.trace`; 0: none); None: the trace knows
        it.

        Returns the ranges of people's text that took over formatting which is a run's alone.
        """
        inherited: list[tuple[int, int]] = []
        credited = list(credits.spans[::-1]) if credits else []
        for splice in change.splices:
            if splice.deleted:
                gone = self.authorship.delete(splice.at, splice.deleted)
                pieces = list(owned_pieces(splice.removed, gone))
                if pieces and owner.run is None:
                    self.deletions.note(splice.at, owner, pieces)
                if mark is not None:
                    self.trace.delete(splice.at, splice.deleted, pieces, mark, owner.run, change.gone)
            elif mark is not None:
                self.trace.insert(splice.at, splice.inserted, mark, change.origin)
            self.deletions.fold(splice, owner)
            if splice.inserted and credits is not None:
                self._credit(splice, credited)
            elif splice.inserted and self._inserted(splice, owner):
                inherited.append((splice.at, splice.at + splice.inserted))
        self.objects.fold(change.objects, owner, self.document.canvas.digest, mends=owner == SERVER)
        for key, author in credits.objects.items() if credits else ():
            self.objects.credit(key, author, self.document.canvas.digest(key))
        loops = [one.object for one in change.jam if one.section == LOOPS]
        self.loops.fold(loops, owner, self.document.jam.digest, mends=owner == SERVER)
        shots = [one.object for one in change.film if one.key != TRANSPORT and not is_sound(one.key)]
        self.shots.fold(shots, owner, self.document.film.digest, mends=owner == SERVER)
        self.anchors.fold(change.splices)
        self.edit_window.add(offset, change.splices, sender)
        return inherited

    def replay(self, entry: Entry) -> Change | None:
        """Apply an entry of the log; one that cannot be applied is left out."""
        try:
            change = self.document.load(entry.update)
        except InvalidUpdate as error:
            self.leave_out(entry, error.message)
            return None
        if change is not None:
            credits = msgspec.msgpack.decode(entry.credits, type=Credits) if entry.credits else None
            if credits is not None and entry.run is not None:
                for splice in change.splices:
                    # Undone or redone: text that it took and that comes back must not come back twice.
                    if splice.inserted:
                        self.trace.reclaim(splice.text, entry.run)
            self.take(change, Owner(entry.author, entry.run), 0, credits=credits)
        return change

    def leave_out(self, entry: Entry, why: str) -> None:
        """Skip an entry of the log (`aside`); later entries of its author can still be applied."""
        self.aside.append((entry, why))
        self.document.pass_over(entry.update)

    def owned(self, start: int, end: int) -> tuple[OwnedPiece, ...]:
        """The content of [start, end), in pieces of one formatting and one owner."""
        return tuple(owned_pieces(self.document.between(start, end), self.authorship.spans(start, end)))

    def maker(self, loop: str) -> str | None:
        """Who recorded a loop."""
        author = self.loops.get(loop)
        return author.creator.author if author else None

    def people(self) -> set[str]:
        """Everybody who made something that stands on the canvas, in the jam or in the film."""
        return self.objects.people() | self.loops.people() | self.shots.people()

    def past(self) -> set[str]:
        """Everybody who made or removed something that may come back."""
        held = {piece.owner.author for stretch in self.trace for piece in stretch.pieces}
        gone = (each.past() for each in (self.objects, self.loops, self.shots))
        return held.union(self.deletions.people(), *gone)

    def taken_by(self, run: str | None = None) -> list[StoredRemoval]:
        """Text of others that a run, or each of them, deleted, in the order of the text."""
        found = []
        for at, stretch in self.trace.of_runs():
            pieces = tuple(piece for piece in stretch.pieces if piece.owner.run != stretch.run)
            if pieces and run in (None, stretch.run):
                found.append(StoredRemoval(at, at, Owner("ai", stretch.run), pieces))
        return found

    def snapshot(self, seq: int, at_ms: int) -> Snapshot:
        authors = self.authors()
        return Snapshot(seq, self.document.checkpoint(), authors, at_ms)

    def authors(self) -> bytes:
        """All that a snapshot says besides the document itself."""
        ledger = _Ledger(
            self.authorship.serialise(),
            [*self.deletions.store(), *self.taken_by()],
            self.objects.serialise(),
            self.loops.serialise(),
            self.shots.serialise(),
        )
        return msgspec.msgpack.encode(ledger)

    def _inserted(self, splice: Splice, owner: Owner) -> bool:
        """Enter an insertion; whether it is a person's and carries a run's formatting."""
        former = None if owner.run else self.deletions.owners(splice.at, owner, splice.text)
        if former is None:
            self.authorship.insert(splice.at, splice.inserted, owner)
            return owner.run is None and any(name in splice.attributes for name in OURS)
        at = splice.at
        for span in former:
            self.authorship.insert(at, span.length, span.owner)
            at += span.length
        return False

    def _credit(self, splice: Splice, spans: list[Span]) -> None:
        """Enter an insertion as the next of `spans`, which stand in reverse."""
        at, left = splice.at, splice.inserted
        while left and spans:
            span = spans.pop()
            if span.length > left:
                spans.append(Span(span.length - left, span.owner))
                span = Span(left, span.owner)
            self.authorship.insert(at, span.length, span.owner)
            at += span.length
            left -= span.length
