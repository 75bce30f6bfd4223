"""Whose each Yjs client id is: nobody takes another's, and whose words would go under it hears so."""

from __future__ import annotations

import json

import pytest
from pycrdt import Doc, Map, Text

from antiphon_proto.document.yjs_update import renamed, uint
from antiphon_proto.errors import CloseCode
from antiphon_proto.messages import Ack, Presence, SetPresence
from antiphon_proto.sync import Awareness, AwarenessState, SyncStep2, SyncUpdate
from antiphon_server.core.client_ids import KEPT
from antiphon_server.document.state import SERVER
from antiphon_server.room_limits import RoomLimits
from support.replica import NativeReplica, PlainReplica
from support.rooms import House


def taking(client: int, clock: int, length: int = 1000) -> bytes:
    """An update of a collected range: it takes clocks of a client id and says nothing."""
    return uint(1) + uint(1) + uint(client) + uint(clock) + bytes([0]) + uint(length) + uint(0)


def words(client: int, text: str, clock: int = 0) -> bytes:
    """Words at the beginning of the story."""
    body = text.encode()
    return b"".join(
        (uint(1), uint(1), uint(client), uint(clock), b"\x04\x01\x05story", uint(len(body)), body, uint(0))
    )


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def ann(house: House) -> NativeReplica:
    ann = house.join(NativeReplica("Ann", "owner", 11))
    ann.edit(house.room, 0, insert="Ann. ")
    house.tick()
    ann.receive()
    return ann


def statuses(replica: NativeReplica) -> list[str]:
    return [ack.status for ack in replica.of(Ack)]


def test_an_id_is_its_sessions_and_the_next_one_gets_another(house: House, ann: NativeReplica) -> None:
    mallory = NativeReplica("Mallory", "editor", 11)
    mallory.connect(house.room)
    assert mallory.welcome
    assert mallory.welcome.client_id not in (0, 11)
    none = house.join(NativeReplica("Nobody", "editor", 0))
    assert none.welcome
    assert none.welcome.client_id
    ann.connect(house.room)
    assert ann.welcome
    assert ann.welcome.client_id == 11, "it is still theirs on another connection"


def test_words_written_offline_arrive_though_somebody_wanted_their_id(
    house: House, ann: NativeReplica
) -> None:
    ann.drop(house.room)
    offline = [ann.change(0, insert=f"OFFLINE{number} ") for number in range(20)]
    mallory = house.join(NativeReplica("Mallory", "editor", 12))
    before = house.room.text()
    for update in (taking(11, 5), taking(11, 5, 10**6), words(11, "forged ", 5)):
        mallory.send_update(house.room, update)
    house.tick()
    mallory.receive()
    assert statuses(mallory) == ["remake"] * 3
    assert house.room.text() == before
    house.restart()  # who has which id outlives the process
    mallory.session, mallory.resume = None, None
    mallory.connect(house.room)
    mallory.send_update(house.room, taking(11, 5))
    house.tick()
    ann.connect(house.room)
    for update in offline:
        ann.send_update(house.room, update)
    house.tick()
    ann.receive()
    assert [f"OFFLINE{number} " in house.room.text() for number in range(20)] == [True] * 20
    assert "remake" not in statuses(ann)


def test_a_refused_client_makes_its_words_again_under_its_own_id(house: House, ann: NativeReplica) -> None:
    stranger = Doc(client_id=11)
    stranger.get("story", type=Text).insert(0, "mine 🎭 ")
    update = stranger.get_update()
    bo = house.join(NativeReplica("Bo", "editor", 11))
    bo.send_update(house.room, update)
    house.tick()
    bo.receive()
    assert statuses(bo) == ["remake"]
    bo.send_update(house.room, renamed(update, 11, bo.client_id, 0, 0))
    house.tick()
    bo.receive()
    assert statuses(bo)[1:] == ["applied", "durable"]
    assert "mine 🎭 " in house.room.text()
    assert "Ann. " in house.room.text()


def test_words_under_ids_that_nobody_is_known_to_have_are_not_gone_on_with(house: House) -> None:
    server = house.room.shared.document.client_id
    cy = house.join(NativeReplica("Cy", "editor", 13))
    cy.edit(house.room, 0, insert="abc")
    house.tick()
    house.room.context.commit(house.room.shared.document.insert(0, "by the server ", {}, 1), SERVER)
    house.room.snapshot()
    house.tick()
    house.restart()
    cy.connect(house.room)
    cy.send_update(house.room, taking(server, 14))
    house.tick()
    cy.receive()
    assert statuses(cy).count("remake") == 1


def test_said_again_is_the_same_or_it_is_not_acknowledged(house: House, ann: NativeReplica) -> None:
    ann.send_update(house.room, words(11, "Ann. "))
    ann.send_update(house.room, words(11, "Bob. "))
    ann.send_update(house.room, words(11, "Ann. and more"))
    house.tick()
    ann.receive()
    assert sorted(statuses(ann)[2:]) == ["applied", "applied", "durable", "durable", "remake"]
    assert house.room.text() == "Ann. and more"


def test_what_was_said_and_deleted_may_be_said_again(house: House, ann: NativeReplica) -> None:
    ann.edit(house.room, 0, delete=3)
    house.tick()
    ann.send_update(house.room, words(11, "Ann. "))
    house.tick()
    ann.receive()
    assert "remake" not in statuses(ann)


def test_nobody_hides_or_clears_anothers_cursor(house: House, ann: NativeReplica) -> None:
    viewer = house.join(NativeReplica("Watcher", "viewer", 14))
    ann.send(house.room, SetPresence('{"cursor": 1}'))
    house.tick()
    for number in range(3):
        squat = NativeReplica("Squat", "viewer", 11)
        squat.connect(house.room)
        squat.send(house.room, SetPresence("null" if number else '{"cursor": 9}'))
        house.tick()
        squat.drop(house.room)
        plain = PlainReplica(f"Plain{number}", "viewer", 11)
        plain.connect(house.room)
        for clock, state in ((10**6, '{"x":1}'), (10**6 + 1, "null")):
            plain.send(house.room, Awareness((AwarenessState(11, clock, state),)))
        house.tick()
        plain.drop(house.room)
    viewer.receive()
    heard = [p for p in viewer.of(Presence) if p.participant == ann.participant]
    assert [json.loads(p.state).get("cursor") for p in heard] == [1]
    assert not [p for p in viewer.of(Presence) if p.client_id == 11 and p.participant != ann.participant]
    ann.send(house.room, SetPresence('{"cursor": 2}'))
    house.tick()
    viewer.receive()
    assert json.loads(viewer.of(Presence)[-1].state)["cursor"] == 2


def test_a_plain_id_is_bound_at_its_first_use_and_stays_bound(house: House, ann: NativeReplica) -> None:
    victim = PlainReplica("VictimY", "editor", 21)
    victim.connect(house.room)
    victim.edit(house.room, 0, insert="vy ")
    house.tick()
    victim.drop(house.room)
    for number in range(20):
        victim.change(0, insert=f"YOFF{number} ")
    ann.send_update(house.room, taking(21, 3, 10**6))
    other = PlainReplica("Mallory", "editor", 22)
    other.connect(house.room)
    other.send(house.room, SyncUpdate(taking(21, 3)))
    assert other.pipe.closed
    assert other.pipe.closed[0] is CloseCode.FOREIGN_ID
    house.tick()
    house.restart()
    other.connect(house.room)
    other.send(house.room, SyncStep2(taking(21, 3)))
    victim.connect(house.room)
    house.tick()
    assert [f"YOFF{number} " in house.room.text() for number in range(20)] == [True] * 20


def test_an_open_plain_client_shares_its_id_with_nobody_of_its_name(house: House) -> None:
    first, second = PlainReplica("Pi", "editor", 21), PlainReplica("Pi", "editor", 22)
    first.connect(house.room)
    second.connect(house.room)
    first.edit(house.room, 0, insert="a")
    second.send(house.room, SyncUpdate(taking(21, 1)))
    assert second.pipe.closed
    first.edit(house.room, 1, insert="b")
    house.tick()
    assert house.room.text() == "ab"


def test_two_tabs_of_a_plain_client_may_change_places(house: House) -> None:
    first, second = PlainReplica("Pi", "editor", 21), PlainReplica("Pi", "editor", 22)
    for tab, text in ((first, "a"), (second, "b")):
        tab.connect(house.room)
        tab.edit(house.room, 0, insert=text)
    for tab in (first, second):
        tab.drop(house.room)
    for tab, text in ((second, "c"), (first, "d")):
        tab.connect(house.room)
        tab.edit(house.room, 0, insert=text)
    house.tick()
    assert sorted(house.room.text()) == list("abcd")


def test_what_others_lost_is_left_out_of_a_plain_clients_words(house: House, ann: NativeReplica) -> None:
    """After a crash a plain client has words of a native one that the room lost: its words arrive, the others' wait."""
    plain = PlainReplica("Pi", "editor", 21)
    plain.connect(house.room)
    lost = ann.change(0, insert="lost ")
    plain.doc.apply_update(lost)
    plain.change(len(plain.text), insert=" own")
    plain.drop(house.room)
    plain.connect(house.room)
    assert "own" in house.room.text()
    assert "lost" not in house.room.text()
    assert plain.pipe.closed is None
    house.clock.advance(31)
    house.room.sweep()
    assert plain.pipe.closed is not None, "its copy differs for good: it is told"
    ann.send_update(house.room, lost)
    plain.connect(house.room)
    house.clock.advance(31)
    house.room.sweep()
    assert plain.pipe.closed is None
    assert house.room.text() == "lost Ann.  own"


def test_what_stands_beside_what_was_lost_comes_when_that_is_back(house: House, ann: NativeReplica) -> None:
    plain = PlainReplica("Pi", "editor", 21)
    plain.connect(house.room)
    lost = ann.change(0, insert="lost ")
    plain.doc.apply_update(lost)
    plain.change(2, insert="*")
    plain.drop(house.room)
    plain.connect(house.room)
    assert "*" not in house.room.text()
    ann.send_update(house.room, lost)
    house.clock.advance(2)
    house.room.sweep()
    plain.receive(house.room)
    assert house.room.text() == "lo*st Ann. "


def test_a_member_keeps_so_many_ids(house: House, ann: NativeReplica) -> None:
    for number in range(2 * KEPT):
        house.clock.advance(10)  # nobody comes back much more often
        ann.drop(house.room)
        ann.client_id = 1000 + number
        ann.resume = None
        ann._fresh_doc()
        ann.connect(house.room)
    member = house.room.members.get(ann.participant)
    assert member
    assert list(member.record.clients) == [1000 + number for number in range(KEPT, 2 * KEPT)]


def test_a_viewer_is_not_sent_what_was_deleted() -> None:
    house = House(RoomLimits(viewer_rights=frozenset({"comment"})))
    ann = house.join(NativeReplica("Ann", "owner", 11))
    ann.edit(house.room, 0, insert="SECRET and kept")
    house.tick()
    ann.receive()
    ann.edit(house.room, 0, delete=7)
    house.tick()
    viewer = NativeReplica("Vic", "viewer", 12)
    viewer.connect(house.room)
    assert viewer.text == "and kept"
    assert b"SECRET" not in viewer.doc.get_update()
    plain = PlainReplica("Pi", "viewer", 13)
    plain.connect(house.room)
    plain.send(house.room, SyncUpdate(words(13, "x")))
    plain.receive(house.room)
    assert plain.text == "and kept"
    assert b"SECRET" not in plain.doc.get_update()
    # Nor may one who was not here then take up the room's frames from before.
    assert viewer.resume
    early = NativeReplica("Early", "viewer", 14)
    early.connect(house.room)
    early.resume = type(viewer.resume)(viewer.resume.lineage, viewer.resume.epoch, 0)
    early._fresh_doc()
    early.connect(house.room)
    assert early.welcome
    assert not early.welcome.resumed
    assert b"SECRET" not in early.doc.get_update()
    # Later edits reach them as ever, also those beside deleted text.
    ann.receive()
    ann.edit(house.room, 0, insert="now ")
    house.tick()
    viewer.receive()
    assert viewer.text == "now and kept"
    assert ann.doc.get("canvas", type=Map).to_py() == {}
