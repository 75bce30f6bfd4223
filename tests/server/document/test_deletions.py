"""Text that comes back keeps its owners; text that is only similar does not."""

from __future__ import annotations

import pytest

from antiphon_proto.messages import Redo, Undo
from antiphon_server.core.run_registry import Order
from antiphon_server.document.authorship import Owner
from antiphon_server.document.state import AI_ORIGIN, SERVER_ORIGIN
from antiphon_server.room_limits import RoomLimits
from support.replica import NativeReplica
from support.rooms import House


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def ann(house: House) -> NativeReplica:
    return house.join(NativeReplica("Ann", "owner", 11))


@pytest.fixture
def bo(house: House, ann: NativeReplica) -> NativeReplica:
    return house.join(NativeReplica("Bo", "editor", 12))


@pytest.mark.parametrize("restart", [False, True])
def test_what_a_run_deleted_is_forgotten_with_the_run(restart: bool) -> None:
    house = House(RoomLimits(max_kept_runs=1))
    room = house.room
    runs = []
    for _ in range(3):
        order = Order(1, "p1", "continue", "write", "", 1, 1, "m", "{}", "{}")
        run = room.runs.start(order, house.clock.unix_ms())
        runs.append(run.info.id)
        room.context.commit(room.shared.document.insert(0, "words", {}, SERVER_ORIGIN), Owner("p1"))
        room.context.commit(room.shared.document.delete([(0, 5)], AI_ORIGIN), Owner("ai", run.info.id))
        run.update(state="done")
        house.tick(1)
    kept = runs[1:]  # the first was forgotten when the third began
    if restart:
        house.restart()
        kept = runs[2:]
    assert [run for run in runs if house.room.shared.taken_by(run)] == kept
    assert len(house.room.shared.taken_by()) == len(kept)


def _edit(house: House, who: NativeReplica, at: int, delete: int = 0, insert: str = "") -> None:
    who.receive()
    who.edit(house.room, at, delete, insert)
    house.tick(1)
    who.receive()


def _authors(house: House) -> list[tuple[str, str]]:
    """(text, name) of each span."""
    room, found, at = house.room, [], 0
    data = room.text().encode()
    for span in room.shared.authorship.spans():
        member = room.members.get(span.owner.author)
        found.append(
            (data[at : at + span.length].decode(), member.record.name if member else span.owner.author)
        )
        at += span.length
    return found


def test_undo_and_redo_of_a_deletion(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    _edit(house, ann, 0, insert="абвгд")
    for delete_again in (Redo(), Redo(), None):
        if delete_again is None or house.room.text() == "абвгд":
            _edit(house, bo, 1, delete=2)
        bo.send(house.room, Undo())
        house.tick(1)
        assert _authors(house) == [("абвгд", "Ann")]


def test_backspaces_and_forward_deletions_come_back_one_by_one(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    _edit(house, ann, 0, insert="абвгд")
    for at in (2, 1, 1, 0):
        _edit(house, bo, at, delete=1)
    for _ in range(4):
        bo.send(house.room, Undo())
        assert {name for _, name in _authors(house)} == {"Ann"}
    assert house.room.text() == "абвгд"


def test_the_undo_of_the_editor_itself_is_recognised_too(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    _edit(house, ann, 0, insert="абвгд")
    _edit(house, bo, 1, delete=3)
    _edit(house, bo, 1, insert="бвг")
    assert _authors(house) == [("абвгд", "Ann")]


def test_also_when_somebody_wrote_in_between(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    _edit(house, ann, 0, insert="абвгд")
    ann.receive()
    late = ann.change(2, insert="АНН")  # under way while Bo deletes around it
    _edit(house, bo, 1, delete=3)
    ann.send_update(house.room, late)
    house.tick(1)
    bo.send(house.room, Undo())
    assert {name for _, name in _authors(house)} == {"Ann"}
    assert house.room.text() == "абАННвгд"


def test_a_replacement_that_is_undone_as_a_whole(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    _edit(house, ann, 0, insert="абвгд")
    bo.receive()
    for _ in range(2):
        bo.edit(house.room, 1, 3, "字字字")
    house.tick(1)
    bo.send(house.room, Undo())
    assert _authors(house) == [("абвгд", "Ann")]


def test_other_words_at_the_place_are_ones_own(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    _edit(house, ann, 0, insert="абвгд")
    _edit(house, bo, 1, delete=3)
    _edit(house, bo, 1, insert="ббб")
    assert _authors(house) == [("а", "Ann"), ("ббб", "Bo"), ("д", "Ann")]


def test_the_same_words_elsewhere_or_by_another_are_not_it(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    _edit(house, ann, 0, insert="абвгд")
    _edit(house, bo, 1, delete=3)
    _edit(house, bo, 0, insert="бвг")
    cy = house.join(NativeReplica("Cy", "editor", 13))
    _edit(house, cy, 4, insert="бвг")
    assert _authors(house) == [("бвг", "Bo"), ("а", "Ann"), ("бвг", "Cy"), ("д", "Ann")]


def test_it_survives_a_restart(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    _edit(house, ann, 0, insert="абвгд")
    _edit(house, bo, 1, delete=3)
    house.room.snapshot()
    house.tick()
    _edit(house, bo, 1, insert="бвг")
    expected = _authors(house)
    house.restart()
    assert _authors(house) == expected == [("абвгд", "Ann")]
