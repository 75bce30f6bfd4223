"""The client's copy: batches, marks, refusals, and coming back after a lost connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Doc, Map, Text

from antiphon_client.canvas import Canvas
from antiphon_client.session.replica import Replica
from antiphon_proto.document.yjs_update import read
from antiphon_proto.messages import Ack, Limits, Participant, Rebuild, Update, Welcome
from antiphon_proto.schema import STORY

ME = Participant("p1", "Ada", "#112233", "editor", "human")


class Server:
    """Just enough of one: a document that takes batches and makes updates."""

    def __init__(self) -> None:
        self.doc: Doc[Any] = Doc()
        self.story: Text = self.doc.get(STORY, type=Text)
        self.offset = 0

    def take(self, replica: Replica) -> int:
        edit = replica.take_batch()
        assert edit is not None
        self.doc.apply_update(edit.update)
        self.offset += 1
        return edit.batch

    def write(self, at: int, text: str) -> Update:
        before = self.doc.get_state()
        self.story.insert(at, text)
        self.offset += 1
        return Update(self.offset, self.doc.get_update(before))

    def rebuild(self, lineage: str = "lin", epoch: str = "e1") -> Rebuild:
        return Rebuild(lineage, epoch, self.offset, "new", self.doc.get_update())

    def welcome(
        self,
        *,
        lineage: str = "lin",
        epoch: str = "e1",
        resumed: bool = False,
        last: int = 0,
        client_id: int = 0,
    ) -> Welcome:
        return Welcome(
            1,
            "r",
            ME,
            "s",
            lineage,
            epoch,
            self.offset,
            (ME,),
            (),
            (),
            Limits(1, 1, 1, 1, 1.0),
            0.0,
            resumed,
            last,
            client_id=client_id,
        )


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def replica(server: Server) -> Replica:
    joined = Replica()
    joined.welcomed(server.welcome())
    joined.rebuilt(server.rebuild())
    return joined


def test_edits_made_while_a_batch_is_in_flight_go_out_merged_after_it(
    replica: Replica, server: Server
) -> None:
    replica.insert(0, "один")
    batch = server.take(replica)
    replica.insert(4, " два")
    replica.insert(8, " 🎭")
    assert replica.take_batch() is None
    replica.acknowledged(Ack(batch, "applied", 1))
    assert server.take(replica) == batch + 1
    assert str(server.story) == "один два 🎭" == replica.text


def test_a_long_time_offline_comes_back_in_batches_that_the_server_takes(
    replica: Replica, server: Server
) -> None:
    for _ in range(2500):
        replica.insert(0, "x")
    sizes = []
    while not replica.settled:
        before = len(server.story)
        batch = server.take(replica)
        sizes.append(len(server.story) - before)
        replica.acknowledged(Ack(batch, "applied", server.offset))
    assert sizes == [1000, 1000, 500]


def test_settled_and_durable_follow_the_acks(replica: Replica, server: Server) -> None:
    assert replica.settled
    assert replica.durable
    replica.insert(0, "x")
    assert not replica.settled
    batch = server.take(replica)
    replica.acknowledged(Ack(batch, "applied", 1))
    assert replica.settled
    assert not replica.durable
    replica.acknowledged(Ack(batch, "durable", 1))
    assert replica.durable


def test_positions_are_characters_not_bytes(replica: Replica) -> None:
    replica.insert(0, "日本🎭x")
    replica.insert(3, "|")
    replica.delete(0, 1)
    assert replica.text == "本🎭|x"


def test_a_busy_server_gets_the_same_batch_again(replica: Replica, server: Server) -> None:
    replica.insert(0, "x")
    first = replica.take_batch()
    assert first is not None
    assert not replica.acknowledged(Ack(first.batch, "rate_limited"))
    assert replica.flight == first
    assert not replica.settled


def test_a_refused_edit_drops_the_copy_and_keeps_the_text_for_the_user(
    replica: Replica, server: Server
) -> None:
    replica.insert(0, "forbidden")
    batch = replica.take_batch()
    assert batch is not None
    assert replica.acknowledged(Ack(batch.batch, "denied", 0, "viewers cannot edit"))
    assert replica.refused == ("denied", "viewers cannot edit", "forbidden")
    assert replica.resume is None
    replica.rebuilt(server.rebuild())
    assert replica.text == ""
    assert replica.settled


def test_after_a_reconnect_only_what_the_server_lacks_goes_again(replica: Replica, server: Server) -> None:
    replica.insert(0, "x")
    sent = server.take(replica)
    assert replica.welcomed(server.welcome(resumed=True, last=sent)) is None
    assert replica.settled
    replica.insert(1, "y")
    lost = replica.take_batch()
    assert replica.welcomed(server.welcome(resumed=True, last=sent)) == lost


def test_what_a_crashed_server_had_not_written_is_sent_again(replica: Replica, server: Server) -> None:
    crashed = Server()
    replica.insert(0, "written ")
    first = server.take(replica)
    replica.acknowledged(Ack(first, "applied", 1))
    replica.acknowledged(Ack(first, "durable", 1))
    crashed.doc.apply_update(server.doc.get_update())
    replica.insert(8, "applied ")
    replica.acknowledged(Ack(server.take(replica), "applied", 2))
    replica.insert(16, "in flight")
    server.take(replica)
    assert replica.welcomed(crashed.welcome(epoch="e2", last=first)) is None
    assert replica.rebuilt(crashed.rebuild(epoch="e2")) is None
    crashed.take(replica)
    assert str(crashed.story) == replica.text == "written applied in flight"


def test_another_lineage_drops_the_copy_and_returns_its_text(replica: Replica, server: Server) -> None:
    replica.insert(0, "mine")
    replica.take_batch()
    other = Server()
    other.write(0, "theirs")
    assert replica.welcomed(other.welcome(lineage="other", epoch="e2")) is None
    assert replica.rebuilt(other.rebuild("other", "e2")) == "mine"
    assert replica.text == "theirs"


def test_a_rebuild_of_the_same_lineage_keeps_unsent_edits(replica: Replica, server: Server) -> None:
    replica.insert(0, "mine ")
    server.write(0, "theirs ")
    replica.welcomed(server.welcome(epoch="e2"))
    assert replica.rebuilt(server.rebuild(epoch="e2")) is None
    server.take(replica)
    assert sorted(replica.text.split()) == ["mine", "theirs"]
    assert str(server.story) == replica.text


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.sampled_from(["a", "ж", "語", "🎭", "👩‍👧 x"]), st.booleans()),
        max_size=30,
    )
)
@settings(deadline=None, derandomize=True, max_examples=120)
def test_a_mark_keeps_its_neighbour_in_any_script(edits: list[tuple[int, str, bool]]) -> None:
    replica = Replica()
    replica.insert(0, "начало|конец🎭")
    with replica.mark(replica.text.index("|")) as mark:
        for at, text, delete in edits:
            length = len(replica.text)
            index = at % (length + 1)
            if delete and index < length and replica.text[index] != "|":
                replica.delete(index, index + 1)
            elif not delete:
                replica.insert(index, text)
            assert replica.text.encode()[mark.offset :].startswith(b"|")


def test_it_writes_under_the_id_that_the_room_gives() -> None:
    server, replica = Server(), Replica()
    replica.welcomed(server.welcome(client_id=4242))
    replica.rebuilt(server.rebuild())
    replica.insert(0, "mine")
    server.take(replica)
    assert replica.client_id == 4242
    assert {item.client for item in read(server.doc.get_update())[0]} == {4242}


@pytest.mark.parametrize("resumed", [False, True])
def test_what_waits_is_written_again_under_another_id(resumed: bool) -> None:
    server, replica = Server(), Replica()
    replica.welcomed(server.welcome(client_id=7))
    replica.rebuilt(server.rebuild())
    replica.insert(0, "arrived ")
    batch = server.take(replica)
    replica.acknowledged(Ack(batch, "applied", server.offset))
    replica.insert(8, "in flight 🎭 ")
    assert replica.take_batch() is not None  # lost on the way
    replica.insert(8, "waiting ")
    replica.delete(0, 2)
    assert replica.welcomed(server.welcome(client_id=8, resumed=resumed)) is None
    replica.insert(len(replica.text), "meanwhile")
    assert replica.take_batch() is None, "not before the copy was made anew"
    replica.rebuilt(server.rebuild())
    assert replica.text == "rived waiting in flight 🎭 meanwhile"
    assert replica.client_id == 8
    server.take(replica)
    assert str(server.story) == replica.text
    replica.insert(0, "goes on ")
    assert not replica.settled


class Reads:
    """Counts reads of shared maps, in values and keys."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        for name in ("keys", "values", "items", "__iter__", "to_py"):
            self._watch(monkeypatch, name, len)
        for name in ("get", "__getitem__", "__contains__"):
            self._watch(monkeypatch, name, lambda _: 1)

    def _watch(self, monkeypatch: pytest.MonkeyPatch, name: str, size: Callable[[Any], int]) -> None:
        original = getattr(Map, name)

        def counted(shared: Any, *args: Any, **more: Any) -> Any:
            self.count += size(shared)
            return original(shared, *args, **more)

        monkeypatch.setattr(Map, name, counted)


def board(size: int) -> tuple[Replica, Canvas]:
    """A copy of a board that others drew, with one object of one's own on it."""
    others, replica = Replica(), Replica()
    canvas = Canvas(others, lambda: None)
    for at in range(size):
        canvas.add({"type": "shape", "shape": "ellipse", "x": at, "y": 0, "w": 9, "h": 9})
    replica.doc.apply_update(others.doc.get_update())
    own = Canvas(replica, lambda: None)
    own.add({"type": "frame", "w": 9, "h": 9}, "own")
    return replica, own


def test_drawing_reads_no_more_of_a_large_board(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own edits and others', each by the same number of reads on a board of 20 objects and of 600."""

    def reads(size: int) -> list[int]:
        replica, canvas = board(size)
        friend = Replica()
        friend.doc.apply_update(replica.doc.get_update())
        Canvas(friend, lambda: None).add({"type": "frame", "w": 5, "h": 5}, "theirs")
        update = friend.doc.get_update(replica.doc.get_state())
        steps: tuple[Callable[[], object], ...] = (
            lambda: canvas.add({"type": "frame", "w": 9, "h": 9}),
            lambda: canvas.update("own", x=4.0),
            lambda: replica.doc.apply_update(update),
            lambda: canvas.add({"type": "frame", "w": 9, "h": 9}),
            lambda: canvas.delete("own"),
        )
        counts = []
        with monkeypatch.context() as patch:
            read = Reads(patch)
            for step in steps:
                before = read.count
                step()
                counts.append(read.count - before)
        z = [fields["z"] for fields in canvas.values()]
        assert max(z) == replica.top_key()
        return counts

    assert reads(20) == reads(600)
