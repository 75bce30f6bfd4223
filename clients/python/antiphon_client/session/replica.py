"""The client's copy of the document, without I/O: local edits become batches, remote frames are applied.

One batch is in flight at a time. Later edits wait and go out merged, so that a refused batch can be sent again in
order, and a batch number tells exactly which edits the server has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from pycrdt import Doc, Map, Text, TransactionEvent, merge_updates

from antiphon_proto.document.canvas import ORDER
from antiphon_proto.document.splices import Splice, fold, splices
from antiphon_proto.document.yjs_update import read, renamed
from antiphon_proto.messages import Ack, Edit, Rebuild, Resume, Update, Welcome
from antiphon_proto.schema import ATTR_SUGGEST, ATTR_SUGGEST_DELETE, CANVAS, FILM, JAM, STORY

_MAX_MERGED = 1000
"""Edits that go out as one batch: merging joins no runs, and the server takes only so many pieces at once."""
TRANSIENT = frozenset({"rate_limited", "unavailable"})
"""Refusals after which the same batch is sent again."""


class Mark:
    """A place in the story that stays where it is while the text changes around it (a UTF-8 byte offset)."""

    def __init__(self, offset: int) -> None:
        self.offset = offset

    def fold(self, changes: Iterable[Splice]) -> None:
        """Follow changes of the story. An insertion at the mark pushes it on."""
        self.offset = fold(self.offset, changes, "right")


class Replica:
    """The document and the edits that the server does not have yet."""

    def __init__(self) -> None:
        self.lineage: str | None = None
        self.epoch: str | None = None
        self.offset = 0
        self.refused: tuple[str, str, str] | None = None
        """Status, reason and story text of a batch that was refused for good; cleared by the reader."""
        self.renaming = 0
        """The client id that waiting edits will be written under, as soon as a `rebuild` has come; 0: none."""
        self._batch = 0
        self._durable = 0
        self._flight: Edit | None = None
        self._applied: list[Edit] = []
        self._waiting: list[bytes] = []
        self._marks: list[Mark] = []
        self._remote = False
        self._open_document()

    def _open_document(self, client_id: int | None = None) -> None:
        self.doc: Doc[Any] = Doc(client_id=client_id)
        self.story: Text = self.doc.get(STORY, type=Text)
        self.canvas: Map[Any] = self.doc.get(CANVAS, type=Map)
        self.jam: Map[Any] = self.doc.get(JAM, type=Map)
        self.film: Map[Any] = self.doc.get(FILM, type=Map)
        self._top: str | None = None
        self._subscriptions = (
            self.doc.observe(self._on_transaction),
            self.story.observe(self._on_story),
            self.canvas.observe_deep(self._on_canvas),
        )

    @property
    def client_id(self) -> int:
        """The Yjs client id that local edits carry."""
        return self.doc.client_id

    @property
    def text(self) -> str:
        """The story as plain text."""
        return str(self.story)

    @property
    def settled(self) -> bool:
        """Whether the server has applied everything edited here."""
        return self._flight is None and not self._waiting

    @property
    def durable(self) -> bool:
        """Whether everything edited here is on the server's disk."""
        return self.settled and self._durable >= self._batch

    # Local edits ------------------------------------------------------------------------------------------

    def insert(self, index: int, text: str, attrs: dict[str, Any] | None = None) -> None:
        """Insert at character `index` (code points; past the end means at the end)."""
        self.story.insert(self.byte_offset(index), text, attrs)

    def jam_part(self, section: str) -> Map[Any]:
        """A map of the jam; rooms begin with them, older ones get them when they are needed."""
        found = self.jam.get(section)
        if not isinstance(found, Map):
            self.jam[section] = Map()
            found = self.jam[section]
        return found

    def top_key(self) -> str:
        """An order key that no object of the canvas is above; "" while there was none. It is looked for once, and
        followed from then on."""
        if self._top is None:
            self._top = max(map(self._order_key, self.canvas.keys()), default="")
        return self._top

    def delete(self, start: int, end: int) -> None:
        """Delete the characters [start, end) (code points)."""
        first, last = self.byte_offset(start), self.byte_offset(end)
        if last > first:
            del self.story[first:last]

    def byte_offset(self, index: int) -> int:
        """UTF-8 bytes before character `index` of the story."""
        if index < 0:
            raise IndexError(f"position {index}")
        return len(self.text[:index].encode())

    @contextmanager
    def mark(self, index: int | None) -> Iterator[Mark]:
        """A place that is followed inside the `with` block; None is the end of the story."""
        mark = Mark(self.byte_offset(len(self.text) if index is None else index))
        self._marks.append(mark)
        try:
            yield mark
        finally:
            self._marks.remove(mark)

    def suggests(self, run: str, start: int, end: int) -> bool:
        """Whether something of a run's suggestion is open in the bytes [start, end) of the story."""
        at = 0
        for piece, marks in self.story.diff():
            size = len(piece.encode()) if isinstance(piece, str) else 1
            suggested = marks and run in (marks.get(ATTR_SUGGEST), marks.get(ATTR_SUGGEST_DELETE))
            if suggested and max(at, start) < min(at + size, end):
                return True
            at += size
        return False

    def take_batch(self) -> Edit | None:
        """The next batch to send; None while one is in flight or there is nothing to send."""
        if self._flight is not None or not self._waiting or self.renaming:
            return None
        edits = self._waiting[:_MAX_MERGED]
        del self._waiting[:_MAX_MERGED]
        update = edits[0] if len(edits) == 1 else merge_updates(*edits)
        self._batch += 1
        self._flight = Edit(self._batch, update)
        return self._flight

    # Server's messages ------------------------------------------------------------------------------------

    @property
    def resume(self) -> Resume | None:
        """The point to resume from; None before the first `rebuild`."""
        if self.lineage is None or self.epoch is None:
            return None
        return Resume(self.lineage, self.epoch, self.offset)

    def welcomed(self, message: Welcome) -> Edit | None:
        """A connection began: adopt its epoch; returns the batch to send again, if the server lacks it."""
        if self.lineage not in (None, message.lineage):
            return None  # another document: the `rebuild` that follows drops this copy
        if self.epoch not in (None, message.epoch):
            self._send_again(message.last_batch)
        if message.client_id not in (0, self.client_id):
            self._rename(message)
        self.lineage, self.epoch = message.lineage, message.epoch
        if not message.resumed:
            self.offset = message.offset
        self._batch = max(self._batch, message.last_batch)
        if self._flight is not None and message.last_batch >= self._flight.batch:
            self._applied.append(self._flight)
            self._flight = None
        return self._flight

    def _rename(self, message: Welcome) -> None:
        """The room assigned another client id, since ours belongs to another participant."""
        if self._flight is not None:
            if message.last_batch < self._flight.batch:
                self._waiting.insert(0, self._flight.update)
            self._flight = None
        if self.lineage is None and not self._waiting:
            self._open_document(message.client_id)
        else:
            self.renaming = message.client_id

    def _renamed(self) -> list[bytes]:
        """The waiting edits, written under the id that the room gave us."""
        old = self.client_id
        clocks = [item.clock for update in self._waiting for item in read(update)[0] if item.client == old]
        first = min(clocks, default=0)
        return [renamed(update, old, self.renaming, first, 0) for update in self._waiting]

    def _send_again(self, last_batch: int) -> None:
        """The room restarted: send edits again that it had applied but not stored."""
        known = [*self._applied, *([self._flight] if self._flight else [])]
        self._waiting[:0] = [edit.update for edit in known if edit.batch > last_batch]
        self._applied.clear()
        self._flight = None

    def updated(self, message: Update) -> None:
        """Apply an update of the server."""
        self._apply(message.update)
        self.offset = message.offset

    def rebuilt(self, message: Rebuild) -> str | None:
        """Take the whole document. Returns the old text when it belonged to another document and was dropped."""
        dropped = None
        if self.lineage != message.lineage:
            if self.lineage is not None:
                dropped = self.text
            self._start_over()
        waiting: list[bytes] = []
        if self.renaming:
            waiting = self._renamed()
            self._start_over(self.renaming)
            self.renaming = 0
        self.lineage, self.epoch, self.offset = message.lineage, message.epoch, message.offset
        self._apply(message.update)
        for update in waiting:
            self._apply(update)
        self._waiting += waiting
        return dropped

    def acknowledged(self, message: Ack) -> bool:
        """Take an ack; True when the batch was refused for good and the copy must be rebuilt (`resync`)."""
        if message.status == "durable":
            self._durable = max(self._durable, message.batch)
            self._applied = [edit for edit in self._applied if edit.batch > message.batch]
            return False
        if self._flight is None or message.batch != self._flight.batch:
            return False
        if message.status == "applied":
            self.offset = max(self.offset, message.offset)
            self._applied.append(self._flight)
            self._flight = None
            return False
        if message.status in TRANSIENT:
            return False
        self.refused = (message.status, message.message, self.text)
        self._durable = max(self._durable, message.batch)
        self.abandon()
        return True

    def abandon(self) -> None:
        """Drop the copy; the `rebuild` that the caller asks for brings the server's."""
        self.lineage = None
        self._start_over()

    @property
    def flight(self) -> Edit | None:
        """The batch that waits for its ack."""
        return self._flight

    def _start_over(self, client_id: int | None = None) -> None:
        self._flight = None
        self._applied = []
        self._waiting = []
        self._open_document(client_id)
        for mark in self._marks:
            mark.offset = 0

    def _apply(self, update: bytes) -> None:
        self._remote = True
        try:
            self.doc.apply_update(update)
        finally:
            self._remote = False

    def _on_transaction(self, event: TransactionEvent) -> None:
        if not self._remote:
            self._waiting.append(event.update)

    def _on_canvas(self, events: list[Any]) -> None:
        if self._top is None:
            return
        for event in events:
            keys = getattr(event, "keys", None) or {}
            if not event.path:
                self._top = max([self._top, *map(self._order_key, keys)])
            elif len(event.path) == 1 and ORDER in keys:
                self._top = max(self._top, self._order_key(event.path[0]))

    def _order_key(self, key: str) -> str:
        found = self.canvas.get(key)
        return str(found.get(ORDER, "")) if isinstance(found, Map) else ""

    def _on_story(self, event: Any) -> None:
        if self._marks:
            changes = splices(event.delta)
            for mark in self._marks:
                mark.fold(changes)
