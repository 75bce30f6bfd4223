"""Comments follow their words through cut and paste, in everybody's copy."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon_proto.messages import AddComment, DeleteComment, Undo
from antiphon_proto.sync import SyncUpdate
from support.replica import NativeReplica, PlainReplica
from support.rooms import House

STORY = "One line. The old lamp 🎭 burned. The last line."
WORDS = "old lamp 🎭"


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def ann(house: House) -> NativeReplica:
    ann = house.join(NativeReplica("Ann", "owner", 11))
    ann.edit(house.room, 0, insert=STORY)
    settle(house, ann)
    comment(house, ann, "c", WORDS)
    return ann


def settle(house: House, *people: NativeReplica) -> None:
    house.tick()
    for one in people:
        one.receive()


def comment(house: House, ann: NativeReplica, key: str, words: str) -> None:
    start = len(ann.text[: ann.text.index(words)].encode())
    assert ann.resume
    message = AddComment(key, ann.resume.offset, start, start + len(words.encode()), "hm")
    ann.send(house.room, message)
    settle(house, ann)


def passage(copy: Any, key: str = "c") -> str:
    return "".join(text for text, marks in copy.story.diff() if marks and marks.get(f"comment:{key}"))


def cut(house: House, who: NativeReplica | PlainReplica, words: str) -> None:
    who.edit(house.room, who.text.index(words), delete=len(words))


def test_cut_and_pasted_words_keep_their_comment_in_everybodys_copy(house: House, ann: NativeReplica) -> None:
    ben = house.join(NativeReplica("Ben", "editor", 12))
    plain = PlainReplica("Pi", client_id=13)
    plain.connect(house.room)
    cut(house, ann, f"The {WORDS} burned. ")
    settle(house, ann, ben)
    assert passage(ann) == ""
    ann.edit(house.room, len(ann.text), insert=f" The {WORDS} burned. ")
    settle(house, ann, ben)
    plain.receive(house.room)
    for copy in (ann, ben, plain):
        assert passage(copy) == WORDS
    assert house.room.text() == "One line. The last line. The old lamp 🎭 burned. "
    # And again, by another, from a plain Yjs client.
    cut(house, plain, WORDS)
    plain.edit(house.room, 0, insert=WORDS)
    settle(house, ann, ben)
    plain.receive(house.room)
    for copy in (ann, ben, plain):
        assert passage(copy) == WORDS
        assert copy.text.startswith(WORDS)


def test_a_paste_in_several_formats_and_with_another_line_end_is_known(
    house: House, ann: NativeReplica
) -> None:
    cut(house, ann, f"The {WORDS} burned. ")
    settle(house, ann)
    before = ann.doc.get_state()
    with ann.doc.transaction():
        at = 0
        for text, marks in (("The ", {}), ("old ", {"bold": True}), ("lamp 🎭", {}), (" burned. \n", {})):
            ann.story.insert(at, text, marks)
            at += len(text.encode())
    ann.send_update(house.room, ann.doc.get_update(before))
    settle(house, ann)
    assert passage(ann) == WORDS


def test_words_that_were_moved_in_one_change_keep_it(house: House, ann: NativeReplica) -> None:
    before = ann.doc.get_state()
    with ann.doc.transaction():
        start = len(ann.text[: ann.text.index(WORDS)].encode())
        del ann.story[start : start + len(WORDS.encode())]
        ann.story.insert(0, WORDS, {})
    ann.send_update(house.room, ann.doc.get_update(before))
    settle(house, ann)
    assert passage(ann) == WORDS
    assert ann.text.startswith(WORDS)


def test_half_of_a_passage_that_is_moved_is_still_of_it(house: House, ann: NativeReplica) -> None:
    cut(house, ann, "lamp 🎭 burned.")
    ann.edit(house.room, 0, insert="lamp 🎭 burned.")
    settle(house, ann)
    assert passage(ann) == "lamp 🎭old "


def test_two_comments_each_stay_on_their_own(house: House, ann: NativeReplica) -> None:
    comment(house, ann, "d", "lamp 🎭 burned")
    cut(house, ann, f"The {WORDS} burned.")
    ann.edit(house.room, 0, insert=f"The {WORDS} burned.")
    settle(house, ann)
    assert (passage(ann), passage(ann, "d")) == (WORDS, "lamp 🎭 burned")


def test_a_copy_and_a_second_paste_and_anothers_typing_take_no_comment(
    house: House, ann: NativeReplica
) -> None:
    ben = house.join(NativeReplica("Ben", "editor", 12))
    ann.edit(house.room, 0, insert=WORDS)
    settle(house, ann, ben)
    assert passage(ann) == WORDS
    ann.edit(house.room, 0, delete=len(WORDS))
    cut(house, ann, WORDS)
    settle(house, ann, ben)
    ben.edit(house.room, 0, insert=WORDS)
    settle(house, ann, ben)
    assert passage(ann) == "", "these are Ben's words"
    ann.edit(house.room, 0, insert=WORDS)
    ann.edit(house.room, 0, insert=WORDS)
    settle(house, ann, ben)
    assert passage(ann) == WORDS


def test_what_undo_brought_back_is_not_marked_twice(house: House, ann: NativeReplica) -> None:
    house.tick(60)
    cut(house, ann, WORDS)
    settle(house, ann)
    ann.send(house.room, Undo())
    settle(house, ann)
    assert passage(ann) == WORDS
    ann.edit(house.room, 0, insert=WORDS)
    settle(house, ann)
    assert passage(ann) == WORDS


def test_a_comment_that_was_deleted_does_not_come_back(house: House, ann: NativeReplica) -> None:
    cut(house, ann, WORDS)
    ann.send(house.room, DeleteComment("c"))
    ann.edit(house.room, 0, insert=WORDS)
    settle(house, ann)
    assert passage(ann) == ""


def test_forged_marks_are_no_comments(house: House, ann: NativeReplica) -> None:
    plain = PlainReplica("Pi", client_id=13)
    plain.connect(house.room)
    before = plain.doc.get_state()
    plain.story.insert(0, "forged", {"comment:nobody": True})
    plain.send(house.room, SyncUpdate(plain.doc.get_update(before)))
    cut(house, plain, "forged")
    plain.edit(house.room, 0, insert="forged")
    settle(house, ann)
    assert passage(ann, "nobody") == ""
