"""Ordinary work that leaves the room as it was leaves the process as large as it was, once its bounded histories are
full."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable

import pytest

from antiphon_proto.messages import Edit, Redo, Say, SetPresence, Undo
from antiphon_server.core import action_log
from antiphon_server.document import document
from antiphon_server.document.document import index_of
from antiphon_server.document.undo import actions
from antiphon_server.room_limits import RoomLimits
from support.replica import NativeReplica, PlainReplica
from support.rooms import House

SMALL = RoomLimits(history_ticks=32, resume_frames=32, snapshot_entries=32, max_chat=8, max_known=16)


def blocks() -> int:
    gc.collect()
    return sys.getallocatedblocks()


class _Info(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()  # noqa: SIM905
    )


def native() -> int:
    """Bytes in use in the C library's heap, where that can be asked: Yrs lives there."""
    try:
        library = ctypes.CDLL(None)
        library.mallinfo2.restype = _Info
        info = library.mallinfo2()
    except (OSError, AttributeError):
        return 0
    return int(info.uordblks + info.hblkhd)


class Place:
    """A room with two people, whose histories are short."""

    def __init__(self) -> None:
        self.house = House(SMALL)
        self.house.store.put = self.put  # the disk is no memory
        self.ann = self.house.join(NativeReplica("Ann", "owner", 11))
        self.bo = self.house.join(NativeReplica("Bo", "editor", 12))
        self.ann.story.insert(0, "Once upon a time. " * 20)
        self.send(self.ann, self.ann.doc.get_update())
        self.number = 0

    def send(self, who: NativeReplica, update: bytes) -> None:
        who.batch += 1
        who.send(self.house.room, Edit(who.batch, update, "new"))
        self.settle()

    def settle(self) -> None:
        self.house.tick(0.1)
        self.house.room.sweep()
        held = self.house.room.shared.document
        if held.crowded:
            held.renew(index_of(held.state()))
        for one in (self.ann, self.bo):
            one.receive()
            one.heard.clear()
            one.durable.clear()

    def put(self, _room: str, _changes: object, committed: Callable[[None], None] | None = None) -> None:
        if committed is not None:
            committed(None)

    def typing(self) -> None:
        before = self.bo.doc.get_state()
        self.bo.story.insert(40, "word")
        self.send(self.bo, self.bo.doc.get_update(before))
        before = self.bo.doc.get_state()
        del self.bo.story[40:44]
        self.send(self.bo, self.bo.doc.get_update(before))

    def stepping(self) -> None:
        self.typing()
        for message in (Undo(None), Undo(None), Redo(), Redo()):
            self.bo.send(self.house.room, message)
            self.settle()

    def presences(self) -> None:
        self.number += 1
        self.bo.send(self.house.room, SetPresence(f'{{"at":{self.number}}}'))
        self.settle()

    def saying(self) -> None:
        self.number += 1
        self.bo.send(self.house.room, Say(self.number, f"word {self.number}", False))
        self.settle()

    def coming(self) -> None:
        self.bo.drop(self.house.room)
        self.settle()
        self.bo.connect(self.house.room)
        self.settle()

    def newcomers(self) -> None:
        self.number += 1
        guest = NativeReplica(f"G{self.number}", "viewer", 100 + self.number)
        guest.connect(self.house.room)
        plain = PlainReplica(f"P{self.number}", "editor", 100_000 + self.number)
        plain.connect(self.house.room)
        self.settle()
        guest.drop(self.house.room)
        plain.drop(self.house.room)
        self.settle()


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person's list of actions is full after a few, and an index is renewed soon."""
    monkeypatch.setattr(actions, "_KEPT", 8)
    monkeypatch.setattr(document, "_CROWDED", 32)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(
    ("work", "python", "yrs"),
    [
        (Place.typing, 1.5, 200),
        (Place.stepping, 16, 2000),  # restored text is written anew: its items stay
        (Place.presences, 1.5, 100),
        (Place.saying, 13, 1500),
        (Place.coming, 2, 100),
        (Place.newcomers, 2, 100),
    ],
)
def test_rounds_of_work_leave_nothing_behind(
    work: Callable[[Place], None], python: float, yrs: float
) -> None:
    """`python`: blocks that a round may leave, `yrs`: bytes."""
    place = Place()
    for _ in range(150):
        work(place)
    before, heap = blocks(), native()
    for _ in range(150):
        work(place)
    after, grown = blocks(), native() - heap
    assert (after - before) / 150 <= python
    assert grown / 150 <= yrs


def test_who_writes_without_a_pause_is_remembered_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each edit is a tenth of a second after the one before: it joins the last action, up to a number."""
    monkeypatch.setattr(actions, "_KEPT", 4)
    monkeypatch.setattr(action_log, "_GARBAGE", 1)
    monkeypatch.setattr(action_log, "_MOST", 20)
    place = Place()
    trace, counts = place.house.room.shared.trace, []
    for round_ in range(6):
        for number in range(60):
            at = 5 * (number % 40)
            place.ann.edit(place.house.room, at, delete=2, insert=f"{round_ % 10}{number % 10}")
            place.house.tick(0.1)
            place.ann.receive()
        counts.append(trace.count)
    assert max(counts[2:]) <= 2 * counts[1]
    assert len(place.house.room.context.actions.stack(place.ann.seat.participant, "story").done) == 4
