"""Which frames go to whom, when, and in which order; rights; coming back; a disk that refuses."""

from __future__ import annotations

import pytest
from pycrdt import Map

from antiphon_proto.errors import CloseCode, ProtocolViolation
from antiphon_proto.messages import (
    Ack,
    Digest,
    Edit,
    Error,
    GoAway,
    Joined,
    Left,
    Links,
    Message,
    Presence,
    Rebuild,
    Redo,
    Resync,
    Revoke,
    SetPresence,
    Shares,
    Undo,
    Update,
    Welcome,
)
from antiphon_proto.sync import Awareness, AwarenessState, QueryAwareness, SyncStep1, SyncUpdate
from antiphon_server.core.seat import Grant, JoinRequest
from antiphon_server.document import document
from antiphon_server.document.document import digest
from antiphon_server.room_limits import RoomLimits
from antiphon_server.rooms.room import Room
from antiphon_server.store.api import StorageFull, StorageUnavailable
from support.replica import NativeReplica, Pipe, PlainReplica
from support.rooms import House


def _kinds(messages: list[Message]) -> list[type]:
    return [type(message) for message in messages]


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def ann(house: House) -> NativeReplica:
    return house.join(NativeReplica("Ann", "owner", 11))


@pytest.fixture
def bo(house: House, ann: NativeReplica) -> NativeReplica:
    return house.join(NativeReplica("Bo", "editor", 12))


def test_a_newcomer_is_told_everything(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    assert _kinds(bo.heard)[:2] == [Welcome, Rebuild]
    assert bo.of(Rebuild)[0].reason == "new"
    welcome = bo.welcome
    assert welcome is not None
    assert not welcome.resumed
    assert {p.name for p in welcome.participants} == {"Ann", "Bo", "Antiphon"}
    assert welcome.participant.role == "editor"
    assert _kinds(ann.receive()) == [Joined]
    assert ann.of(Links)[0].links["editor"] == "/r/room?editor=le"


def test_edits_of_a_tick_are_one_update(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    cy = house.join(NativeReplica("Cy", "viewer", 13))
    for replica in (ann, bo):
        replica.receive()
    ann.edit(house.room, 0, insert="Привет")
    ann.edit(house.room, 6, insert=" 😀")
    bo.edit(house.room, 0, insert="bo")
    assert not cy.pipe.frames
    house.tick()
    heard = cy.receive()
    assert [m for m in heard if isinstance(m, Update)][0].offset == 1
    assert sum(isinstance(m, Update) for m in heard) == 1
    assert _kinds(ann.receive())[:6] == [Update, Ack, Ack, Digest, Shares, Ack]
    bo.receive()
    assert ann.text == bo.text == cy.text == house.room.text()


def test_the_only_author_of_a_tick_gets_no_echo(house: House, ann: NativeReplica) -> None:
    ann.edit(house.room, 0, insert="x")
    house.tick()
    acks = [m for m in ann.receive() if isinstance(m, Ack | Update)]
    assert [(a.status, a.offset) for a in acks if isinstance(a, Ack)] == [("applied", 1), ("durable", 1)]
    assert len(acks) == 2


def test_durable_comes_after_the_commit_only(ann: NativeReplica) -> None:
    house = House(auto=False)
    ann = house.join(NativeReplica("Ann", "owner", 11))
    ann.edit(house.room, 0, insert="x")
    house.tick()
    ann.receive()
    assert [a.status for a in ann.of(Ack)] == ["applied"]
    house.store.commit()
    ann.receive()
    assert [a.status for a in ann.of(Ack)] == ["applied", "durable"]


def test_resume_sends_only_what_is_missing(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    ann.edit(house.room, 0, insert="one")
    house.tick()
    bo.receive()
    bo.drop(house.room)
    ann.edit(house.room, 3, insert="two")
    house.tick()
    ann.edit(house.room, 6, insert="three")
    house.tick()
    bo.heard.clear()
    bo.connect(house.room)
    assert _kinds(bo.heard)[:3] == [Welcome, Update, Update]
    assert bo.welcome is not None
    assert bo.welcome.resumed
    assert bo.text == "onetwothree"


@pytest.mark.parametrize("reason", ["offset", "epoch", "lineage"])
def test_an_explicit_rebuild_otherwise(reason: str) -> None:
    house = House(RoomLimits(resume_frames=2))
    ann = house.join(NativeReplica("Ann", "owner", 11))
    bo = house.join(NativeReplica("Bo", "editor", 12))
    bo.drop(house.room)
    for _ in range(4):
        ann.edit(house.room, 0, insert="x")
        house.tick()
    if reason == "epoch":
        house.restart()
    if reason == "lineage":
        house.room.context.lineage = "another"
    bo.heard.clear()
    bo.connect(house.room)
    assert bo.of(Rebuild)[0].reason == reason
    assert bo.text == "xxxx"


def test_a_new_connection_takes_over_and_a_late_close_harms_nobody(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    old_pipe, old_seat = bo.pipe, bo.seat
    assert old_seat is not None
    bo.connect(house.room)
    assert old_pipe.closed is not None
    assert old_pipe.closed[0] is CloseCode.REPLACED
    house.room.leave(old_seat)
    house.room.receive(old_seat, Edit(99, b"\0\0"))
    assert house.room.online() == 2
    bo.edit(house.room, 0, insert="here")
    house.tick()
    ann.receive()
    assert ann.text == "here"
    assert not ann.of(Left)


def test_a_batch_that_comes_again_is_applied_once(house: House, ann: NativeReplica) -> None:
    update = ann.change(0, insert="x")
    for _ in range(2):
        ann.send(house.room, Edit(1, update))
    house.tick()
    assert house.room.text() == "x"
    ann.receive()
    assert [a.status for a in ann.of(Ack)] == ["applied", "applied", "durable", "durable"]


def test_what_is_refused_is_said(house: House, ann: NativeReplica) -> None:
    ann.send(house.room, Edit(1, b"garbage"))
    lost = ann.change(0, insert="lost")
    assert lost
    ann.send(house.room, Edit(2, ann.change(4, insert="more")))
    big = House(RoomLimits(max_update=100))
    cy = big.join(NativeReplica("Cy", "editor", 13))
    cy.edit(big.room, 0, insert="x" * 200)
    ann.receive()
    cy.receive()
    assert [a.status for a in ann.of(Ack)] == ["invalid", "remake"]
    assert [a.status for a in cy.of(Ack)] == ["too_large"]
    assert house.room.text() == big.room.text() == ""


def test_a_viewer_sees_and_changes_nothing(house: House, ann: NativeReplica) -> None:
    viewer = house.join(NativeReplica("Vi", "viewer", 14))
    viewer.edit(house.room, 0, insert="x")
    viewer.send(house.room, Undo())
    viewer.send(house.room, Revoke(ann.participant))
    viewer.receive()
    assert [a.status for a in viewer.of(Ack)] == ["denied"]
    assert [e.code for e in viewer.of(Error)] == ["denied", "denied"]
    assert house.room.text() == ""


def test_a_viewer_on_plain_yjs_gets_the_truth_back(house: House, ann: NativeReplica) -> None:
    viewer = PlainReplica("Vi", "viewer", 21)
    viewer.connect(house.room)
    ann.edit(house.room, 0, insert="truth")
    house.tick()
    viewer.edit(house.room, 0, insert="x")
    house.tick()
    assert house.room.text() == "truth"
    viewer.receive(house.room)
    assert "truth" in viewer.text


def test_plain_clients_that_miss_something_are_asked_for_it(house: House, ann: NativeReplica) -> None:
    plain = PlainReplica()
    plain.connect(house.room)
    plain.change(0, insert="never sent")
    plain.edit(house.room, 0, insert="later ")
    assert house.room.text() == ""
    plain.receive(house.room)
    house.tick()
    ann.receive()
    assert house.room.text() == ann.text == "later never sent"
    assert {span.owner.author for span in house.room.shared.authorship.spans()} == {
        plain.seat and plain.seat.participant
    }


def test_plain_garbage_closes(house: House) -> None:
    plain = PlainReplica()
    plain.connect(house.room)
    plain.send(house.room, SyncUpdate(b"garbage"))
    assert plain.pipe.closed is not None
    assert plain.pipe.closed[0] is CloseCode.MALFORMED
    other = PlainReplica(client_id=5)
    other.connect(house.room)
    other.send(house.room, SyncStep1(b"\xff\xff"))
    assert other.pipe.closed is not None


def test_plain_clients_come_back_as_themselves(house: House) -> None:
    first, second = PlainReplica("Pi", client_id=21), PlainReplica("Pi", client_id=22)
    first.connect(house.room)
    second.connect(house.room)
    assert first.seat
    assert second.seat
    ids = [first.seat.participant, second.seat.participant]
    assert len(set(ids)) == 2
    first.drop(house.room)
    first.connect(house.room)
    assert first.seat.participant == ids[0]
    assert len(list(house.room.members)) == 2


def test_presence_reaches_the_others_in_both_dialects(house: House, ann: NativeReplica) -> None:
    plain = PlainReplica("Pi", client_id=21)
    plain.connect(house.room)
    ann.receive()
    ann.send(house.room, SetPresence('{"cursor": 1, "user": {"name": "somebody else", "x": 1}}'))
    plain.send(house.room, Awareness((AwarenessState(21, 1, '{"user": {"name": "liar"}}'),)))
    house.tick()
    ann.receive()
    plain.receive(house.room)
    assert '"name":"Ann"' in plain.awareness[11].state
    assert '"x":1' in plain.awareness[11].state
    assert '"name":"Pi"' in ann.of(Presence)[-1].state
    assert {p.client_id for p in ann.of(Presence)} == {21}, "never back to the sender"
    plain.send(house.room, Awareness((AwarenessState(11, 99, '{"user": {}}'),)))
    house.tick()
    assert not [m for m in ann.receive() if isinstance(m, Presence)]
    late = house.join(NativeReplica("Late", "viewer", 15))
    assert {p.client_id for p in late.of(Presence)} == {11, 21}
    ann.drop(house.room)
    plain.receive(house.room)
    assert plain.awareness[11].state == "null"
    plain.awareness.clear()
    plain.send(house.room, QueryAwareness())
    plain.receive(house.room)
    assert not plain.awareness


def test_presence_is_sent_at_a_bounded_rate_and_the_last_state_wins(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    bo.receive()
    for step in range(5):
        ann.send(house.room, SetPresence(f'{{"step": {step}}}'))
        house.tick(0.015)
    states = [m.state for m in bo.receive() if isinstance(m, Presence)]
    assert len(states) == 2
    house.tick(0.05)
    assert '"step":4' in [m.state for m in bo.receive() if isinstance(m, Presence)][-1]


@pytest.mark.parametrize("state", ["[1]", "{", "1", '"x"', "[" * 2000])
def test_a_presence_that_is_no_object_is_refused(house: House, ann: NativeReplica, state: str) -> None:
    ann.send(house.room, SetPresence(state))
    ann.receive()
    assert ann.of(Error)[0].code == "invalid"


def test_plain_clients_hear_heartbeats(house: House, ann: NativeReplica) -> None:
    ann.send(house.room, SetPresence("{}"))
    plain = PlainReplica()
    plain.connect(house.room)
    house.tick()
    plain.receive(house.room)
    before = plain.awareness[11].clock
    house.clock.advance(16)
    house.room.sweep()
    plain.receive(house.room)
    assert plain.awareness[11].clock > before


def test_a_revoked_member_is_out_at_once_and_stays_out(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    ann.receive()
    grant = Grant("room", "editor", house.room.context.link_ids()["editor"])
    ann.send(house.room, Revoke(bo.participant))
    assert bo.pipe.closed == (CloseCode.REVOKED, "you were removed from this room")
    bo.edit(house.room, 0, insert="still here")
    assert house.room.text() == ""
    heard = ann.receive()
    assert Left(bo.participant) in heard
    links = [m for m in heard if isinstance(m, Links)][0].links
    assert links["editor"] != "/r/room?editor=le"
    assert links["viewer"] == "/r/room?viewer=lv"
    house.tick()
    for _ in range(2):
        with pytest.raises(ProtocolViolation) as refused:
            house.room.join(Pipe("native"), JoinRequest(grant, "Bo", 12, session=bo.session))
        assert refused.value.close_code is CloseCode.REVOKED
        with pytest.raises(ProtocolViolation) as refused:
            house.room.join(Pipe("native"), JoinRequest(grant, "Newcomer", 12))
        assert refused.value.close_code is CloseCode.UNAUTHORIZED
        house.restart()


def test_known_members_come_in_after_their_link_was_renewed(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    grant = Grant("room", "editor", house.room.context.link_ids()["editor"])
    cy = house.join(NativeReplica("Cy", "editor", 13))
    ann.send(house.room, Revoke(bo.participant))
    seat = house.room.join(Pipe("native"), JoinRequest(grant, "Cy", 13, session=cy.session))
    assert seat.participant == cy.participant


def test_owners_cannot_put_themselves_out(house: House, ann: NativeReplica) -> None:
    ann.send(house.room, Revoke(ann.participant))
    ann.send(house.room, Revoke("nobody"))
    ann.receive()
    assert [e.code for e in ann.of(Error)] == ["conflict", "not_found"]


def test_who_left_no_trace_makes_room_for_newcomers_and_nobody_else_does() -> None:
    house = House(RoomLimits(max_known=4))
    ann = house.join(NativeReplica("Ann", "owner", 11))
    ann.edit(house.room, 0, insert="mine")
    ann.drop(house.room)
    put_out = house.join(NativeReplica("Out", "viewer", 12))
    house.room.members.get(put_out.participant).update(revoked=True)
    put_out.drop(house.room)
    here = house.join(NativeReplica("Here", "viewer", 13))
    passing = [NativeReplica(f"Guest {n}", "viewer", 20 + n) for n in range(5)]
    for guest in passing:
        house.tick(1)
        house.join(guest).drop(house.room)
    house.tick()
    kept = {ann.participant, put_out.participant, here.participant, passing[-1].participant}
    assert {member.id for member in house.room.members} == kept
    assert {member.id for member in house.store.stored("room").members} == kept
    origins = [member.origin for member in house.room.members]
    assert len(set(origins)) == len(origins)
    house.join(NativeReplica("Stays", "viewer", 30))
    with pytest.raises(ProtocolViolation) as refused:
        house.join(NativeReplica("Late", "viewer", 31))
    assert refused.value.close_code is CloseCode.ROOM_FULL
    house.join(ann)
    assert ann.text == "mine"


def test_a_full_room_says_so() -> None:
    house = House(RoomLimits(max_members=1))
    house.join(NativeReplica("Ann", "owner", 11))
    with pytest.raises(ProtocolViolation) as refused:
        house.join(NativeReplica("Bo", "editor", 12))
    assert refused.value.close_code is CloseCode.ROOM_FULL


@pytest.mark.parametrize("problem", [StorageUnavailable("disk gone"), StorageFull("disk full")])
def test_a_disk_that_refuses_loses_nothing(problem: StorageUnavailable) -> None:
    house = House()
    ann = house.join(NativeReplica("Ann", "owner", 11))
    plain = PlainReplica()
    plain.connect(house.room)
    ann.edit(house.room, 0, insert="a")
    house.store.problem = problem  # between the edit and its tick: it is held, not lost
    house.tick()
    ann.edit(house.room, 1, insert="b")
    ann.edit(house.room, 2, insert="c")
    house.tick()
    ann.receive()
    assert [(a.batch, a.status) for a in ann.of(Ack)] == [
        (1, "applied"),
        (2, "unavailable"),
        (3, "unavailable"),
    ]
    assert [e.code for e in ann.of(Error)] == [problem.code]
    assert house.room.text() == "a"
    plain.edit(house.room, 0, insert="p")
    assert plain.pipe.closed is not None
    assert plain.pipe.closed[0].retry
    house.store.problem = None
    house.tick(10)
    ann.receive()
    assert 1 in ann.durable
    for batch in (3, 2, 3):  # out of order at first: a batch that builds on a refused one waits for it
        ann.send(house.room, Edit(batch, ann.unacknowledged[batch]))
    house.tick()
    ann.receive()
    assert [(a.batch, a.status) for a in ann.of(Ack)][4:] == [
        (3, "unavailable"),
        (2, "applied"),
        (3, "applied"),
        (2, "durable"),
        (3, "durable"),
    ]
    assert house.room.text() == "abc"
    house.restart()
    assert house.room.text() == "abc"


def test_undo_and_redo_survive_a_reconnect(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    ann.edit(house.room, 0, insert="Энн")
    house.tick(1)
    bo.receive()
    bo.edit(house.room, 1, insert="Бо")
    house.tick(1)
    ann.receive()
    ann.drop(house.room)
    ann.connect(house.room)
    ann.send(house.room, Undo())
    house.tick()
    assert house.room.text() == "Бо"
    ann.send(house.room, Redo())
    house.tick()
    assert house.room.text() == "ЭБонн"
    ann.send(house.room, Redo())
    ann.receive()
    bo.receive()
    assert ann.of(Error)[0].code == "conflict"
    assert ann.text == bo.text == "ЭБонн"


def test_a_client_that_differs_gets_the_whole_document(house: House, ann: NativeReplica) -> None:
    ann.edit(house.room, 0, insert="x")
    house.tick()
    ann.receive()
    assert ann.of(Digest)[0].sha256 == digest(house.room.text())
    for _ in range(14):
        ann.send(house.room, Resync("digest"))
    heard = ann.receive()
    reasons = [m.reason for m in heard if isinstance(m, Rebuild)]
    assert reasons == ["resync"] * 9, "the first one was spent on joining"
    assert {m.code for m in heard if isinstance(m, Error)} == {"rate_limited"}


def test_restart_brings_back_text_authors_and_members() -> None:
    house = House(RoomLimits(snapshot_entries=3))
    ann = house.join(NativeReplica("Ann", "owner", 11))
    bo = house.join(NativeReplica("Bo", "editor", 12))
    for step in range(8):
        who = (ann, bo)[step % 2]
        for replica in (ann, bo):
            replica.receive()
        who.edit(house.room, step, insert="я😀"[step % 2])
        house.tick()
        house.room.sweep()
    text, owners = house.room.text(), list(house.room.shared.authorship.spans())
    stored = house.store.stored("room")
    assert stored is not None
    assert stored.snapshot is not None
    assert len(stored.entries) < 3
    house.restart()
    assert (house.room.text(), list(house.room.shared.authorship.spans())) == (text, owners)
    before = ann.participant
    ann.connect(house.room)
    assert ann.participant == before


async def test_close_tells_and_flushes() -> None:
    house = House(auto=False)
    ann = house.join(NativeReplica("Ann", "owner", 11))
    ann.edit(house.room, 0, insert="x")
    house.room.go_away("restart", 500)
    await house.room.close(CloseCode.DRAINING, "restart")
    ann.receive()
    assert ann.of(GoAway) == [GoAway("restart", 500)]
    assert ann.pipe.closed == (CloseCode.DRAINING, "restart")
    assert 1 in ann.durable
    with pytest.raises(ProtocolViolation):
        house.join(NativeReplica("Bo", "editor", 12))


async def test_close_lets_everybody_go_also_when_the_disk_refuses(house: House, ann: NativeReplica) -> None:
    house.store.problem = StorageUnavailable("gone")
    with pytest.raises(StorageUnavailable):
        await house.room.close(CloseCode.DRAINING, "restart")
    assert ann.pipe.closed == (CloseCode.DRAINING, "restart")
    assert house.room.online() == 0


def test_a_large_document_is_written_more_seldom() -> None:
    house = House(RoomLimits(snapshot_entries=3))
    ann = house.join(NativeReplica("Ann", "owner", 11))
    ann.edit(house.room, 0, insert="x" * 80_000)
    for _ in range(7):
        ann.edit(house.room, 0, insert="y")
    house.room.sweep()
    assert house.store.stored("room").snapshot is None  # 80 kB: nine entries
    for _ in range(3):
        ann.edit(house.room, 0, insert="y")
    house.room.sweep()
    assert house.store.stored("room").snapshot is not None


async def test_the_digest_of_a_long_story_is_made_in_a_thread(house: House, ann: NativeReplica) -> None:
    ann.edit(house.room, 0, insert="слово " * 40_000)
    house.tick()
    house.room.sweep()
    assert ann.receive()
    assert ann.of(Digest) == []
    await house.room.tidy()
    ann.receive()
    told = ann.of(Digest)[-1]
    assert (told.offset, told.sha256) == (house.room.context.offset, digest(house.room.text()))
    assert ann.of(Shares)[-1].people == {ann.participant: 240_000}
    assert not house.room.pause.held


def test_newcomers_of_one_second_share_a_state_and_get_what_came_since(
    house: House, ann: NativeReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []
    state = document.Document.state
    monkeypatch.setattr(document, "_LONG", 1)
    monkeypatch.setattr(document.Document, "state", lambda self: encoded.append(1) or state(self))
    ann.edit(house.room, 0, insert="one ")
    house.tick()
    house.room.sweep()
    joined = []
    for number in range(5):
        joined.append(house.join(NativeReplica(f"N{number}", "editor", 50 + number)))
        ann.edit(house.room, 0, insert=f"{number} ")
        house.tick()
    assert len(encoded) == 1
    for one in joined:
        one.receive()
        assert one.text == house.room.text()
        assert one.resume is not None
        assert one.resume.offset == house.room.context.offset
    # Who may not read the history gets no text that was deleted meanwhile.
    ann.edit(house.room, 0, insert="secret ")
    house.tick()
    ann.edit(house.room, 0, delete=7)
    house.tick()
    viewer = house.join(NativeReplica("V", "viewer", 70))
    assert viewer.text == house.room.text()
    assert b"secret" not in viewer.doc.get_update()
    house.room.sweep()
    house.join(NativeReplica("L", "editor", 80))
    assert len(encoded) > 1


def test_a_full_board_is_read_object_by_object_when_its_room_opens(house: House, ann: NativeReplica) -> None:
    before = ann.doc.get_state()
    with ann.doc.transaction():
        for number in range(50):
            shape = {"type": "shape", "shape": "ellipse", "x": 0.0, "y": 0.0, "w": 9.0, "h": 9.0}
            ann.doc.get("canvas", type=Map)[f"o{number}"] = Map({**shape, "z": f"{number:02d}V"})
    ann.send_update(house.room, ann.doc.get_update(before))
    house.tick()
    stored = house.store.stored("room")
    assert stored is not None
    again = Room(stored, house.services, lambda _: None, at_once=False)
    assert len(list(again._opening)) >= 100
    assert len(again.shared.document.canvas) == 50
    # The earlier board is known: an erased object comes back.
    key = "o7"
    fields = again.shared.document.canvas.get(key)
    house.restart()
    ann.connect(house.room)
    before = ann.doc.get_state()
    del ann.doc.get("canvas", type=Map)[key]
    ann.send_update(house.room, ann.doc.get_update(before))
    house.tick()
    ann.send(house.room, Undo(None))
    house.tick()
    assert house.room.shared.document.canvas.get(key) == fields
