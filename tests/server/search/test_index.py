from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text

from antiphon_server.search.hits import KINDS, Found, Hit, Piece, Update
from antiphon_server.search.index import RoomIndex
from antiphon_server.search.passages import LONGEST, passages
from antiphon_server.search.searcher import Searcher
from antiphon_server.search.words import words


def by_words(index: RoomIndex, query: str) -> list[Hit]:
    return list(index.search(query, KINDS, 50, "off", None).hits)


def indexed(*texts: str) -> RoomIndex:
    index = RoomIndex()
    index.take(Piece("text", text) for text in texts)
    return index


def cut(hit: Hit) -> list[str]:
    data = hit.piece.text.encode("utf-16-le")
    return [data[2 * start : 2 * end].decode("utf-16-le") for start, end in hit.marks]


@pytest.mark.parametrize(
    ("text", "query", "marked"),
    [
        ("She was running home.", "run", ["running"]),
        ("They ran.", "run", None),  # no stemmer knows this
        ("The cities burned", "city", ["cities"]),
        ("Он шёл домой", "идти", ["шёл"]),
        ("У Марты зелёные глаза", "марта зеленый глаз", ["Марты", "зелёные", "глаза"]),
        ("холодные стали", "сталь", None),
        ("холодная сталь", "стали", ["сталь"]),
        ("Ёлка и ежи", "елка", ["Ёлка"]),
        ("the café's naïve owner", "CAFE naive", ["café", "naïve"]),
        ("lighthouse keeper", "light", ["lighthouse"]),
        ("a keeper of the light", '"of the light"', ["of", "the", "light"]),
        ("the light of a keeper", '"of the light"', None),
        ("маяк на скале", "«на скале»", ["на", "скале"]),
        ("👩‍👩‍👧 and 😀 the sea", "sea", ["sea"]),
        ("AND OR NOT", "not", ["NOT"]),
        ("it's 2026-11-30", "2026", ["2026"]),
    ],
)
def test_words_are_found_in_any_form_and_marked(text: str, query: str, marked: list[str] | None) -> None:
    hits = by_words(indexed(text, "nothing of this kind", "ничего такого"), query)
    assert [cut(hit) for hit in hits if hit.piece.text == text] == ([marked] if marked else [])


WORDS = st.text(alphabet="abcdeг ёÉ😀'\"*-.:^\n\x00(){}|", max_size=40)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(WORDS, max_size=6), min_size=1, max_size=4), WORDS)
def test_what_is_gone_is_not_found_and_every_word_that_stands_is(steps: list[list[str]], query: str) -> None:
    index = RoomIndex()
    for texts in steps:
        index.take(Piece("chat", text, id=str(i)) for i, text in enumerate(texts))
    texts = steps[-1]
    for hit in by_words(index, query):
        assert hit.piece.text in texts
        assert len(cut(hit)) == len(hit.marks)
    for i, text in enumerate(texts):
        for start, end, word in words(text):
            hits = by_words(index, text[start:end])
            assert (str(i), True) in [(hit.piece.id, bool(hit.marks)) for hit in hits], word


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab. \n😀\u0301щ", max_size=3000))
def test_passages_are_short_and_hold_all_words_at_their_places(story: str) -> None:
    document: Doc[Any] = Doc()
    document.get("story", type=Text).insert(0, story)
    units = story.encode("utf-16-le")
    found = [piece for piece in passages(document) if piece.kind == "text"]
    for piece in found:
        assert 0 < len(piece.text) <= LONGEST
        assert units[2 * piece.start :].decode("utf-16-le").startswith(piece.text)
    together = [piece.text for piece in found]
    assert "".join("".join(together).split()) == "".join(story.split())


def document() -> Doc[Any]:
    made: Doc[Any] = Doc()
    made.get("story", type=Text).insert(0, "The last ferry had already left when Marta reached the pier.\n")
    made.get("chat", type=Array)
    made.get("comments", type=Map)
    made.get("canvas", type=Map)["one"] = Map({"type": "frame", "prompt": "a harbour at dusk"})
    return made


def ask(searcher: Searcher, news: Update, query: str) -> Found | None:
    return searcher.search(news, query, KINDS, 10, meaning=True)


def test_a_copy_follows_its_room_and_says_when_it_cannot(tmp_path: Path) -> None:
    searcher, room = Searcher(tmp_path), document()
    first = room.get_state()
    found = ask(searcher, Update("r", "1", b"", first, room.get_update()), "ferry")
    assert found is not None
    assert (found.meaning, [hit.piece.kind for hit in found.hits]) == ("absent", ["text"])
    text = room.get("story", type=Text)
    del text[4:14]
    later = room.get_state()
    news = Update("r", "1", first, later, room.get_update(first))
    found = ask(searcher, news, "ferry harbour")
    assert found is not None
    assert [hit.piece.kind for hit in found.hits] == ["board"]
    assert ask(searcher, Update("r", "1", b"\x01\x01\x05", later, room.get_update(later)), "marta") is None
    assert ask(searcher, Update("r", "2", later, later, room.get_update(later)), "marta") is None
    assert ask(searcher, Update("other", "1", later, later, room.get_update(later)), "marta") is None
    assert searcher.read("r", "1", 1.0) == 0
