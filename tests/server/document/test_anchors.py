"""Places that follow edits, against the same places marked by characters of their own."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Doc, Text

from antiphon_proto.document.splices import Splice, fold, size, splices
from antiphon_server.document.anchors import Anchors

EDITS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 4), st.text(alphabet="aя字😀́", max_size=3)), max_size=25
)


def test_an_insertion_at_the_place_goes_to_the_side_that_is_asked_for() -> None:
    change = (Splice(3, inserted=2, text="xx"),)
    assert fold(3, change, "left") == 3
    assert fold(3, change, "right") == 5
    assert fold(2, change, "right") == 2


def test_a_deletion_around_the_place_leaves_it_at_the_gap() -> None:
    assert fold(5, (Splice(2, deleted=10),), "left") == 2


@given(st.text(alphabet="aя字😀", max_size=20), st.integers(0, 20), EDITS)
@settings(deadline=None, derandomize=True, max_examples=150)
def test_anchor_stays_between_its_neighbours(
    text: str, place: int, edits: list[tuple[int, int, str]]
) -> None:
    """The oracle is a list of characters that holds the anchor as an element of its own."""
    doc = Doc()
    story = doc.get("story", type=Text)
    story.insert(0, text)
    anchors = Anchors()
    place = min(place, len(text))
    anchor = anchors.put(size(text[:place]))
    deltas: list[object] = []
    story.observe(lambda event: deltas.append(event.delta))
    oracle: list[str | None] = [*text[:place], None, *text[place:]]
    for at, delete, insert in edits:
        now = str(story)
        at = min(at, len(now))
        deltas.clear()
        with doc.transaction():
            if now[at : at + delete]:
                del story[size(now[:at]) : size(now[: at + delete])]
            if insert:
                story.insert(size(now[:at]), insert)
        for delta in deltas:
            anchors.fold(splices(delta))
        characters = [i for i, c in enumerate(oracle) if c is not None]
        doomed = characters[at : at + delete]
        oracle = [c for i, c in enumerate(oracle) if i not in doomed]
        seen = -1
        where = len(oracle)
        for i, character in enumerate(oracle):
            if character is not None:
                seen += 1
            if seen == at:
                where = i
                break
        if where == len(oracle) and None in oracle and oracle.index(None) == len(oracle) - 1:
            where = len(oracle)
        before = oracle.index(None)
        at_anchor = sum(c is not None for c in oracle[:before]) == at
        where = before + 1 if at_anchor else where
        oracle[where:where] = list(insert)
        index = oracle.index(None)
        assert anchor.at == size("".join(c for c in oracle[:index] if c is not None))


def test_a_passage_does_not_grow_over_what_is_typed_into_it() -> None:
    anchors = Anchors()
    passage = anchors.passage(2, 6)
    anchors.fold([Splice(4, inserted=3, text="new")])
    assert passage.ranges == [(2, 4), (7, 9)]
    anchors.fold([Splice(2, inserted=1, text="x"), Splice(10, inserted=1, text="y")])
    assert passage.ranges == [(3, 5), (8, 10)]
    anchors.fold([Splice(0, deleted=9)])
    assert passage.ranges == [(0, 1)]
