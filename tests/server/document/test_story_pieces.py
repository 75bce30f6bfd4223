"""The story in pieces equals Yrs' text after every change, and knows the text that each change removed."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pycrdt import Doc, Text

from antiphon_proto.document.splices import reformats, splices
from antiphon_proto.errors import AntiphonError
from antiphon_server.bench.attacks.update_composer import Composer
from antiphon_server.document.document import Document
from antiphon_server.document.state import SharedState
from antiphon_server.document.story_pieces import Drifted, StoryPieces
from antiphon_server.room_limits import RoomLimits

WORDS = ("ab", "é", "🎭🎭", "\n", "שלום", "語", "e\u0301", "long " * 900)
MARKS: tuple[dict[str, Any], ...] = ({}, {"bold": True}, {"ai": "r1"}, {"comment:x": True})


def characters(pieces: Any) -> list[tuple[Any, dict[str, Any]]]:
    """Each character, or embed, with its formatting."""
    return [
        (one, dict(attributes or {}))
        for content, attributes in pieces
        for one in (content if isinstance(content, str) else [content])
    ]


def edit(text: Text, chance: random.Random) -> None:
    """An edit of an editor's: text, embeds, formats, deletions."""
    data = "".join(one if isinstance(one, str) else "\x1a" for one, _ in characters(text.diff())).encode()
    places = [at for at in range(len(data) + 1) if at == len(data) or data[at] & 0xC0 != 0x80]
    start, end = sorted((chance.choice(places), chance.choice(places)))
    match chance.randrange(6):
        case 0 | 1:
            text.insert(start, chance.choice(WORDS), chance.choice(MARKS))
        case 2:
            text.insert_embed(start, {"image": str(chance.random())}, chance.choice(MARKS))
        case 3 if end > start:
            del text[start:end]
        case 4 | 5 if end > start:
            text.format(start, end, chance.choice(({"bold": True}, {"bold": None}, {"ai": "r2"})))


@pytest.mark.parametrize("seed", range(5))
def test_it_is_what_the_document_holds_after_every_update(seed: int) -> None:
    chance = random.Random(seed)
    document = SharedState(RoomLimits()).document
    composer = Composer(chance, document._index)
    people = [Doc(client_id=client) for client in (11, 12, 13)]
    for _ in range(70):
        who = chance.randrange(4)
        if who == 3:
            update = composer.update()
        else:
            # They edit the state that they last saw: concurrently, as often as not.
            if chance.random() < 0.6:
                people[who].apply_update(document.state())
            vector = people[who].get_state()
            with people[who].transaction():
                for _ in range(chance.randrange(1, 4)):
                    edit(people[who].get("story", type=Text), chance)
            update = people[who].get_update(vector)
        document._kept()
        before = document.pieces()
        try:
            change = document.apply(update, 16)
        except AntiphonError:
            continue
        pieces = document._pieces
        assert pieces is not None
        assert characters(pieces) == characters(document.pieces())
        assert pieces.length == document.length
        if change is not None and change.splices:
            told = splices(document._deltas, before)
            assert [characters(one.removed) for one in change.splices] == [
                characters(one.removed) for one in told
            ]
        if change is not None:
            former = reformats(document._deltas, before)
            assert _spread(change.reformats) == _spread(former)
    assert document.recounts == 0


def _spread(formats: Any) -> set[tuple[int, str, str]]:
    return {
        (at, one.name, repr((one.former, one.value))) for one in formats for at in range(one.start, one.end)
    }


def test_a_long_text_is_cut_read_and_put_together_anywhere() -> None:
    chance = random.Random(3)
    doc = Doc()
    text = doc.get("story", type=Text)
    for _ in range(300):
        text.insert(len(text), "я word " * chance.randrange(1, 900), chance.choice(MARKS))
    pieces = StoryPieces(text.diff())
    whole = str(text).encode()
    for _ in range(300):
        a, b = sorted(
            len(whole[: chance.randrange(len(whole))].decode(errors="ignore").encode()) for _ in "ab"
        )
        assert "".join(content for content, _ in pieces.between(a, b)).encode() == whole[a:b]
        pieces.follow([{"retain": a}, {"delete": b - a}])
        pieces.follow([{"retain": a}, {"insert": whole[a:b].decode()}])
    assert "".join(content for content, _ in pieces).encode() == whole
    # All of it may go, and come again.
    pieces.follow([{"delete": len(whole)}])
    assert list(pieces) == []
    assert pieces.length == 0
    pieces.follow([{"insert": "back"}, {"insert": {"image": "x"}, "attributes": {"bold": True}}])
    assert list(pieces) == [("back", {}), ({"image": "x"}, {"bold": True})]


@pytest.mark.parametrize(
    "delta", [[{"retain": 3}, {"delete": 3}], [{"retain": 9}, {"insert": "x"}], [{"delete": 1}]]
)
def test_a_change_that_does_not_fit_is_refused(delta: Any) -> None:
    with pytest.raises(Drifted):
        StoryPieces([("é語", None)]).follow(delta)


def test_pieces_that_nobody_needs_are_let_go() -> None:
    document = Document(max_update=1000, max_items=100, max_document=10_000)
    document.insert(0, "text", {}, 1)
    assert document._pieces is None
    document.delete([(0, 1)], 1)
    assert document._pieces is not None
    for _ in range(30):
        document.forget_state()
    assert document.chunks(1, 3) == (("xt", {}),)
    for _ in range(61):
        document.forget_state()
    assert document._pieces is None
    assert document.marked("bold", True) == []
