"""From changes to frames: the changes of a tick go out merged, encoded once, under one offset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from pycrdt import merge_updates

from antiphon_proto.messages import Ack, Update
from antiphon_proto.sync import SyncUpdate, encode_y
from antiphon_server.core.journal import Journal
from antiphon_server.core.resume_ring import Ring
from antiphon_server.core.seat import Seat
from antiphon_server.net.frames import Frame


class Delivery:
    """Holds the room's offset: it rises by one with every update frame."""

    def __init__(self, ring: Ring, journal: Journal) -> None:
        self.offset = 0
        self._ring = ring
        self._journal = journal
        self._updates: list[bytes] = []
        self._senders: set[Seat | None] = set()
        self._acks: list[tuple[Seat, int]] = []

    @property
    def next_offset(self) -> int:
        """The offset of changes that are added now."""
        return self.offset + 1

    def covers(self, offset: int) -> bool:
        """Whether a client at `offset` can be brought to now without a rebuild."""
        return self._ring.covers(offset, self.offset)

    def after(self, offset: int) -> Iterator[Frame]:
        """The update frames that such a client lacks."""
        return self._ring.after(offset)

    def add(self, update: bytes, sender: Seat | None) -> None:
        self._updates.append(update)
        self._senders.add(sender)

    def acknowledge(self, seat: Seat, batch: int) -> None:
        """With the next flush, when the offset is known; `durable` follows when the store says so."""
        self._acks.append((seat, batch))

    def flush(self, seats: Iterable[Seat]) -> None:
        """Send the gathered changes.

        A seat that made all edits of the tick is spared its own echo, where its acks carry the offset. (They do not
        while a large edit of it is applied part by part.)
        """
        if self._updates:
            self._send(seats)
        acks, self._acks = self._acks, []
        for seat, batch in acks:
            if not seat.gone:
                seat.outlet.send(Frame.of(Ack(batch, "applied", self.offset)))
            self._journal.when_durable(partial(durable, seat, batch, self.offset))

    def _send(self, seats: Iterable[Seat]) -> None:
        updates, self._updates = self._updates, []
        senders, self._senders = self._senders, set()
        merged = updates[0] if len(updates) == 1 else merge_updates(*updates)
        self.offset += 1
        frame = Frame.of(Update(self.offset, merged), yjs=(encode_y(SyncUpdate(merged)),))
        self._ring.add(self.offset, frame)
        author = next(iter(senders)) if len(senders) == 1 else None
        if (
            author is not None
            and author.dialect == "native"
            and all(seat is not author for seat, _ in self._acks)
        ):
            author = None
        for seat in seats:
            if seat is not author:
                seat.outlet.send(frame)


def durable(seat: Seat, batch: int, offset: int) -> None:
    """Tell a seat that everything up to `batch` is on disk."""
    if not seat.gone:
        seat.outlet.send(Frame.of(Ack(batch, "durable", offset)))
