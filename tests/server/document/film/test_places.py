"""Shots keep their places in the text, whatever people do to it at the same time."""

from __future__ import annotations

import random

import pytest
from pycrdt import Doc, Text

from antiphon_server.document.film.places import StoryPlaces
from antiphon_server.document.text_index import plain

LETTERS = "ab\nЖ€😀 "


def story(client: int) -> tuple[Doc, Text]:
    doc: Doc = Doc(client_id=client)
    return doc, doc.get("story", type=Text)


def edit(text: Text, luck: random.Random) -> None:
    """Any edit at any place; indices are UTF-8 bytes."""
    words = str(text)
    at = luck.randrange(len(words) + 1)
    index = len(words[:at].encode())
    match luck.randrange(4):
        case 0 if at < len(words):
            last = min(len(words), at + luck.randrange(1, 6))
            del text[index : index + len(words[at:last].encode())]
        case 1 if at < len(words):
            text.format(index, index + len(words[at].encode()), {"bold": luck.choice((True, None))})
        case _:
            text.insert(index, "".join(luck.choices(LETTERS, k=luck.randrange(1, 6))))


@pytest.mark.parametrize("seed", range(10))
def test_of_a_thousand_places_none_is_lost_under_concurrent_edits(seed: int) -> None:
    luck = random.Random(seed)
    first, ours = story(2)
    for _ in range(60):
        edit(ours, luck)
    ours.insert(0, "😀start")
    second, theirs = story(900_000_001)
    second.apply_update(first.get_update())

    # A letter of its own at each of 100 places, which nobody else writes.
    marked: dict[str, str] = {}
    for number in range(100):
        letter = chr(0x10400 + number) if number % 2 else chr(0x3400 + number)
        words = str(ours)
        at = luck.randrange(len(words) + 1)
        ours.insert(len(words[:at].encode()), letter)
        places = StoryPlaces(first.get_update(), plain(ours.diff()))
        marked[letter] = places.name(plain(ours.diff()).index(letter))
    second.apply_update(first.get_update(second.get_state()))
    for _ in range(40):
        edit(ours, luck)
        edit(theirs, luck)
        if luck.random() < 0.2:
            first.apply_update(second.get_update(first.get_state()))
        if luck.random() < 0.2:
            second.apply_update(first.get_update(second.get_state()))
    first.apply_update(second.get_update(first.get_state()))
    second.apply_update(first.get_update(second.get_state()))
    assert str(ours) == str(theirs)

    for doc, text in ((first, ours), (second, theirs)):
        words = plain(text.diff())
        places = StoryPlaces(doc.get_update(), words)
        for letter, name in marked.items():
            found = places.find(name)
            assert found is not None
            at, alive = found
            assert 0 <= at <= len(words)
            assert alive == (letter in words)
            if alive:
                assert words[at] == letter
                assert places.name(at) == name


def test_an_id_that_the_story_never_had_has_no_place() -> None:
    doc, text = story(5)
    text.insert(0, "abc")
    places = StoryPlaces(doc.get_update(), "abc")
    assert places.find("5:1") == (1, True)
    assert places.find("5:3") is None
    assert places.find("6:0") is None
    assert places.find("5:9007199254740993") is None
