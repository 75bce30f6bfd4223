"""Which items may stand where and beside which: each refusal, and that refused items leave no trace."""

from __future__ import annotations

import contextlib
import itertools
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text

from antiphon_server.bench.attacks.yjs_updates import (
    delete,
    embed,
    item,
    mark,
    numbers,
    shared,
    string,
    update,
    values,
)
from antiphon_server.document.updates.item_index import ItemIndex, Misplaced
from antiphon_server.document.updates.parser import NUMBERS, inspect


def story(text: str, client: int = 7) -> bytes:
    return update({client: [item(string(text), parent="story")]})


def indexed(*updates: bytes) -> ItemIndex:
    index = ItemIndex()
    for one in updates:
        index.add(inspect(one), "client")
    return index


def refused(index: ItemIndex, one: bytes, match: str = "") -> None:
    """The update is refused, and the next one finds all as it was."""
    before = picture(index)
    with pytest.raises(Misplaced, match=match):
        index.add(inspect(one), "client")
    assert picture(index) == before


def picture(index: ItemIndex) -> Any:
    """All that the index knows, runs that follow each other joined."""
    places: dict[Any, list[tuple[int, int, int]]] = {}
    todo = [(name, node) for name, node in index._roots.items()]
    todo += [(str(key), node) for key, node in index._types.items()]
    for name, node in todo:
        for key, place in node.places.items():
            found = places[name, key] = []
            run = place.head
            while run is not None:
                last = found[-1] if found else None
                if last is not None and last[0] == run.client and last[1] + last[2] == run.clock:
                    found[-1] = (last[0], last[1], last[2] + run.length)
                else:
                    found.append((run.client, run.clock, run.length))
                run = run.right
    return dict(index.ends), places, index._wide.known()


CANVAS = Doc(client_id=8)
CANVAS.get("canvas", type=Map)["o"] = Map({"x": 1.0, "points": Array([1.0, 2.0, 0.5])})
OBJECT = CANVAS.get_update()


def clocks(what: int) -> list[int]:
    return [one[0] for one in inspect(OBJECT).structs[8] if one[2] == what]


@pytest.mark.parametrize(
    ("one", "match"),
    [
        (update({9: [item(string("x"), parent="film", key="s")]}), "no place"),
        (update({9: [item(string("x"), parent="chat")]}), "server"),
        # A string with an emoji in an array never came back from Yrs' `str`.
        (update({9: [item(string("😀"), origin=(8, clocks(NUMBERS)[-1] + 2))]}), "no place"),
        (update({9: [item(values("x"), origin=(8, clocks(NUMBERS)[-1] + 2))]}), "no place"),
        (update({9: [item(shared(2), parent="meta", key="t")]}), "no place"),
        # Formats, embeds and values where they have no place.
        (update({9: [item(mark("bold", "true"), parent="film", key="s")]}), "no place"),
        (update({9: [item(embed('{"image":1}'), parent="canvas", key="k")]}), "no place"),
        (update({9: [item(numbers(1), parent="story")]}), "text and embeds"),
        (update({9: [item(numbers(1), origin=(7, 2))]}), "text and embeds"),
        (update({9: [item(string("x"), parent="story", key="k")]}), "has a key"),
        (update({9: [item(numbers(1), parent="canvas")]}), "has a key"),
        (update({9: [item(numbers(1), parent="elsewhere")]}), "root"),
        (update({9: [item(numbers(1), parent=(7, 0))]}), "no type"),
        # Neighbours in different places: words that no page shows.
        (update({9: [item(string("x"), origin=(8, 0), right=(7, 0))]}), "different places"),
        (update({9: [item(string("x"), origin=(7, 0), right=(8, 0))]}), "different places"),
        (update({9: [item(numbers(1, 2), parent="meta", key="k")]}), "several values"),
        # Neighbours that never were.
        (update({9: [item(string("x"), origin=(7, 0), right=(7, 2))]}), "never were"),
        (update({9: [item(string("x"), origin=(7, 2), right=(7, 1))]}), "never were"),
        (update({9: [item(string("x"), right=(7, 2))]}), "never were"),
        # Characters of two units.
        (update({9: [item(string("x"), origin=(7, 4), right=(7, 5))]}), "inside a character"),
        (delete((7, 4, 1)), "splits a character"),
        (delete((7, 0, 5)), "splits a character"),
        (update({7: [item(string("a"), origin=(7, 4), right=(7, 5))]}), "inside a character"),
        # An item that follows on an item elsewhere, or on itself.
        (update({7: [item(string("abcd😀12"), parent="canvas", key="k")]}), "different places"),
        (update({9: [item(string("a"), origin=(9, 0))]}), "not there"),
        (update({9: [item(string("a"), origin=(10, 0))], 10: [item(string("b"), origin=(9, 0))]}), "circle"),
    ],
)
def test_refuses(one: bytes, match: str) -> None:
    refused(indexed(story("abcd😀1"), OBJECT), one, match)


def test_what_the_server_wrote_is_deleted_by_nobody_else() -> None:
    index = ItemIndex()
    doc: Doc[Any] = Doc(client_id=3)
    doc.get("chat", type=Array).append(Map({"text": "hi"}))
    index.add(inspect(doc.get_update()), "server")
    assert index.closed_deletions(inspect(delete((3, 0, 1)))) == [(3, 0, 1)]
    index.add(inspect(story("x")), "client")
    assert index.closed_deletions(inspect(delete((7, 0, 1)))) == []


def test_what_stands_in_something_deleted_is_collected() -> None:
    doc: Doc[Any] = Doc(client_id=8)
    doc.apply_update(OBJECT)
    del doc.get("canvas", type=Map)["o"]
    index = ItemIndex()
    index.add(inspect(doc.get_update()), "stored")  # a deleted item, its content collected
    index.add(inspect(update({9: [item(values("x"), parent=(8, 0), key="name")]})), "client")
    index.add(inspect(update({9: [item(values("x"), origin=(9, 0))]}, first=1)), "client")
    refused(index, update({9: [item(values("x"), origin=(9, 1), right=(8, 0))]}, first=2), "different places")


def test_several_values_under_one_key_are_taken_when_they_are_deleted() -> None:
    one = update({9: [item(numbers(1, 2), parent="meta", key="k")]}, deletions=[(9, 0, 2)])
    indexed().add(inspect(one), "client")


def test_what_depends_on_the_order_of_arrival_is_refused_in_every_order() -> None:
    chance = random.Random(1)
    ids = [None, *((50, clock) for clock in range(4))]
    base = story("abcd", 50)
    depends = 0
    for _ in range(300):
        clients = chance.sample([10, 60, 70], 3)
        forged = [
            update(
                {
                    one: [
                        item(string("x"), origin=chance.choice(ids), right=chance.choice(ids), parent="story")
                    ]
                }
            )
            for one in clients
        ]
        orders, taken = set(), False
        for order in itertools.permutations(forged):
            doc: Doc[Any] = Doc()
            for part in (base, *order):
                doc.apply_update(part)
            orders.add(str(doc.get("story", type=Text)))
            index = indexed(base)
            with contextlib.suppress(Misplaced):
                for part in order:
                    index.add(inspect(part), "client")
                taken = True
        depends += len(orders) > 1
        assert not (taken and len(orders) > 1)
    assert depends > 50


@given(st.integers(0, 2**32))
@settings(deadline=None, derandomize=True, max_examples=150)
def test_whatever_honest_clients_write_is_taken_and_sorted_as_yrs_does(seed: int) -> None:
    chance = random.Random(seed)
    docs: list[Doc[Any]] = [Doc(client_id=chance.getrandbits(31)) for _ in range(3)]
    server: Doc[Any] = Doc(client_id=1)
    server.get("story", type=Text)
    index = ItemIndex()
    for _ in range(40):
        doc = chance.choice(docs)
        text = doc.get("story", type=Text)
        before = doc.get_state()
        with doc.transaction():
            for _ in range(chance.choice((1, 1, 3))):
                at = chance.randint(0, len(text))
                match chance.randrange(6):
                    case 0 | 1 | 2:
                        text.insert(at, chance.choice(("a", "bc", "def")), chance.choice(({}, {"b": 1.0})))
                    case 3 if len(text) > at:
                        del text[at : chance.randint(at + 1, len(text))]
                    case 4 if len(text) > at:
                        text.format(at, len(text), {"b": chance.choice((None, 2.0))})
                    case _:
                        doc.get("canvas", type=Map)[chance.choice("ab")] = chance.choice(
                            (1.0, Map({"x": 2.0}))
                        )
        news = doc.get_update(before)
        index.add(inspect(news), "client")
        server.apply_update(news)
        if chance.random() < 0.4:
            doc.apply_update(server.get_update(doc.get_state()))
    loaded = ItemIndex()
    loaded.add(inspect(server.get_update()), "client")
    mine, theirs = picture(index), picture(loaded)
    assert mine[0] == theirs[0]
    assert mine[1].get(("story", None)) == theirs[1].get(("story", None))
