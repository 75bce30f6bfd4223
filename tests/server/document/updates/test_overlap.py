"""Items that come again are compared with those that are there, at a cost that follows from the bytes."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text

from antiphon_server.bench.attacks import yjs_updates as y
from antiphon_server.document.updates.overlap import differing
from antiphon_server.document.updates.parser import inspect

_HUGE = 2**31 - 2


def written(seed: int, other: bool = False) -> Doc[Any]:
    """A document of one client; with `other`, one character in it is another one."""
    chance = random.Random(seed)
    doc: Doc[Any] = Doc(client_id=5)
    story, canvas = doc.get("story", type=Text), doc.get("canvas", type=Map)
    changed = chance.randrange(30)
    for number in range(30):
        word = "".join(chance.choice("abcé語😀") for _ in range(chance.randint(1, 6)))
        if other and number == changed:
            word = ("x" if word[0] in "abcé語" else "🎭") + word[1:]
        places = [0]
        for character in str(story):
            places.append(places[-1] + len(character.encode()))
        at = chance.choice(places)
        match chance.randrange(6):
            case 0 if number != changed:
                canvas[f"o{number}"] = Map({"a": 1.0, "b": "two", "points": Array([1.0, 2.0])})
            case 1 if number != changed and len(places) > 1:
                start, end = sorted(chance.sample(places, 2))
                story.format(start, end, {"bold": True})
            case _:
                story.insert(at, word, {})
    return doc


@given(st.integers(0, 10**6), st.booleans())
@settings(deadline=None, max_examples=60, derandomize=True)
def test_the_same_items_are_the_same_however_they_are_cut(seed: int, deletes: bool) -> None:
    doc = written(seed)
    update = doc.get_update()
    copy: Doc[Any] = Doc()
    copy.apply_update(update)
    if deletes:
        story = copy.get("story", type=Text)
        del story[0 : len(str(story)[0].encode())]
    assert differing(update, copy.get_update(), {5: 0}) == frozenset()
    assert differing(update, written(seed, other=True).get_update(), {5: 0}) == {5}


def test_many_short_items_against_a_long_one() -> None:
    """20,000 characters one by one, which are one string in the document."""
    text = "ab" * 10_000
    first = y.item(y.string("a"), parent="story")
    rest = [y.item(y.string(text[at]), origin=(5, at - 1)) for at in range(1, len(text))]
    one = y.update({5: [y.item(y.string(text), parent="story")]})
    assert differing(y.update({5: [first, *rest]}), one, {5: 0}) == frozenset()
    rest[-1] = y.item(y.string("c"), origin=(5, len(text) - 2))
    assert differing(y.update({5: [first, *rest]}), one, {5: 0}) == {5}


@pytest.mark.parametrize("made", [y.collected(_HUGE), y.item(y.deleted(_HUGE), parent="story")])
def test_items_that_claim_all_clocks_cost_nothing(made: bytes) -> None:
    update = y.update({5: [made]})
    assert inspect(update).ends == {5: _HUGE}
    assert differing(update, update, {5: 0}) == frozenset()
    word = y.update({5: [y.item(y.string("word"), parent="story")]})
    assert differing(update, word, {5: 0}) == differing(word, update, {5: 0}) == frozenset()
