"""Suggestions of participants: they wait for a decision, and nobody's words but their own are touched."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_proto.messages import Accept, Error, Reject, Suggest, Undo
from support.replica import NativeReplica
from support.rooms import House


def joined() -> tuple[House, NativeReplica, NativeReplica]:
    house = House()
    ann = house.join(NativeReplica("Ann", "owner", 11))
    return house, ann, house.join(NativeReplica("Bo", "editor", 12))


def write(house: House, who: NativeReplica, text: str, at: int = 0) -> None:
    who.edit(house.room, at, insert=text)
    house.tick(1)
    who.receive()


def suggest(house: House, who: NativeReplica, start: int, end: int, text: str, reason: str = "") -> str:
    """The run that stands for it; empty when it was refused."""
    who.receive()
    assert who.resume is not None
    known = {run.info.id for run in house.room.runs}
    place = who.index(start), who.index(end)
    who.send(house.room, Suggest(5, who.resume.offset, *place, text, reason))
    house.tick()
    return next((run.info.id for run in house.room.runs if run.info.id not in known), "")


def story(house: House) -> str:
    return house.room.text()


def errors(who: NativeReplica) -> list[tuple[str, str, str]]:
    who.receive()
    return [(error.code, error.re, error.ref) for error in who.of(Error)]


def decide(house: House, who: NativeReplica, message: Accept | Reject | Undo) -> None:
    who.send(house.room, message)
    house.tick()


@settings(max_examples=40, deadline=None)
@given(
    st.text("ab é🎭\n", min_size=1, max_size=20),
    st.integers(0, 20),
    st.integers(0, 20),
    st.text("xy я", max_size=8),
    st.sampled_from(["accept", "reject", "undo"]),
)
def test_a_decision_changes_the_passage_and_nothing_else(
    text: str, first: int, last: int, new: str, verdict: str
) -> None:
    house, ann, bo = joined()
    write(house, ann, text)
    before = story(house)
    start, end = sorted((min(first, len(text)), min(last, len(text))))
    run = suggest(house, bo, start, end, new)
    if start == end and not new:
        assert not run
        assert [error[1:] for error in errors(bo)] == [("suggest", "5")]
        return
    assert story(house) == before[:end] + new + before[end:]
    decisions = {"accept": Accept(run), "reject": Reject(run), "undo": Undo(run)}
    decide(house, ann, decisions[verdict])
    assert story(house) == (before[:start] + new + before[end:] if verdict == "accept" else before)
    spans = house.room.shared.authorship.spans()
    assert sum(span.length for span in spans) == len(story(house).encode())


def test_what_somebody_writes_beside_it_stays() -> None:
    house, ann, bo = joined()
    write(house, ann, "one two three")
    run = suggest(house, bo, 4, 7, "2", "shorter")
    write(house, ann, "very ", 4)
    decide(house, ann, Accept(run))
    assert story(house).strip() == "one very 2 three"
    decide(house, ann, Undo(run))
    assert story(house).strip() == "one very two three"


def test_a_second_suggestion_in_the_same_passage_is_refused() -> None:
    house, ann, bo = joined()
    write(house, ann, "one two three")
    assert suggest(house, bo, 4, 7, "2")
    before = story(house)
    assert not suggest(house, ann, 0, 6, "x")
    assert errors(ann) == [("conflict", "suggest", "5")]
    assert story(house) == before


def test_a_viewer_may_not() -> None:
    house, ann, _ = joined()
    write(house, ann, "one")
    viewer = house.join(NativeReplica("Cy", "viewer", 13))
    assert not suggest(house, viewer, 0, 3, "two")
    assert errors(viewer) == [("denied", "suggest", "5")]
