"""A comment stays on its passage, whatever three people and the AI do to the story at once, in any script.

Characters are unique, so that a passage's text is known without a second implementation: the characters in it when the
comment was made, and those that somebody typed between two such characters with the passage's attribute.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_proto.messages import AddComment, Ask, Undo
from support.replica import NativeReplica
from support.rooms import House

ALPHABET = "абвгдежзиклмноп漢字假名交文𠀀𠀁𠀂𠀃😀😁😂🤣é̀́̂ñabcdefghijklm"
EDITS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 40), st.integers(0, 4), st.integers(0, 3), st.booleans()),
    max_size=14,
)


def _passage(house: House) -> str:
    return "".join(text for text, marks in house.formatted() if marks and "comment:c" in marks)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    start=st.integers(0, len(ALPHABET) - 1),
    length=st.integers(1, 12),
    before=EDITS,
    after=EDITS,
    run_at=st.integers(0, 40),
    selected=st.integers(0, 5),
)
def test_a_comment_stays_on_its_passage(
    start: int,
    length: int,
    before: list[tuple[int, int, int, int, bool]],
    after: list[tuple[int, int, int, int, bool]],
    run_at: int,
    selected: int,
) -> None:
    house = House()
    people = [house.join(NativeReplica(name, "owner", 11 + i)) for i, name in enumerate(("Ann", "Bo", "Cy"))]
    author = people[0]
    story = "".join(dict.fromkeys(ALPHABET))
    author.edit(house.room, 0, insert=story)
    house.tick()
    for person in people:
        person.receive()
    fresh = iter(range(0xAC00, 0xD7A0))

    def edit(edits: list[tuple[int, int, int, int, bool]]) -> None:
        for who, at, delete, insert, tick in edits:
            text = "".join(chr(next(fresh)) for _ in range(insert))
            people[who].edit(house.room, at, delete, text)
            if tick:
                house.tick()
                people[who].receive()

    # Others edit while the comment is on its way: it names the text as its author saw it.
    assert author.resume is not None
    marked = story[start : start + length]
    message = AddComment(
        "c", author.resume.offset, author.index(start), author.index(start + len(marked)), "hm"
    )
    edit([one for one in before if one[0] != 0])
    left = [c for c in house.room.text() if c in set(marked)]
    author.send(house.room, message)
    house.tick()
    whole = _passage(house)
    assert whole in house.room.text()
    # Text that others typed inside belongs to it, also where the characters beside it are gone by now.
    assert set(whole) & set(story) == set(left)
    if not whole:
        assert "c" not in house.room.shared.document.side.comments()
        return
    if left:
        first, last = house.room.text().index(left[0]), house.room.text().index(left[-1])
        assert house.room.text()[first : last + 1] in whole

    for person in people:
        person.receive()
    at = min(run_at, len(author.text))
    end = min(at + selected, len(author.text))
    place = author.index(at), author.index(end)
    author.send(
        house.room, Ask(1, "rewrite" if at < end else "continue", "write", author.resume.offset, *place)
    )
    run = house.host.last
    house.host.start(run)
    edit(after)
    house.host.say(run, "\u0561\u0562", "\u0563")
    house.tick()
    edit(after[::-1])
    author.send(house.room, Undo(run))
    house.tick()

    marked_now, text = _passage(house), house.room.text()
    # Nothing that was outside came in, and nothing of it that still stands went out.
    assert set(marked_now) & set(story) == set(whole) & set(text) & set(story)
    assert [c for c in text if c in set(marked_now)] == list(marked_now)
    for person in people:
        person.receive()
        assert person.text == text
