"""Updates of one's own, taken apart and put together again."""

from __future__ import annotations

import random

from pycrdt import Array, Doc, Map, Text

from antiphon_proto.document.yjs_update import read, renamed, without, write


def _edited(seed: int, client: int) -> tuple[Doc, list[bytes]]:
    """A document with all that rooms hold, and the updates that made it."""
    chance = random.Random(seed)
    doc = Doc(client_id=client)
    text, canvas = doc.get("story", type=Text), doc.get("canvas", type=Map)
    updates: list[bytes] = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    for number in range(40):
        at = len(str(text)[: chance.randint(0, len(str(text)))].encode())
        match chance.randrange(6):
            case 0 | 1:
                text.insert(at, chance.choice(["ab", "é🎭", "語"]), {"bold": True} if number % 3 else None)
            case 2:
                text.insert_embed(at, {"image": "x"})
            case 3:
                canvas[f"o{number}"] = Map({"x": 1.5, "points": Array([1.0, 2.0]), "name": "n🎭"})
            case 4 if len(text):
                text.format(0, len(text), {"italic": True})
            case 5 if str(text) and len(text) == len(str(text).encode()):
                first = len(str(text)[:1].encode())
                del text[0:first]
    doc.unobserve(subscription)
    return doc, updates


def test_what_was_read_is_written_as_it_was() -> None:
    for seed in range(20):
        doc, updates = _edited(seed, 7)
        for update in (doc.get_update(), *updates):
            items, deletions = read(update)
            assert write(items, deletions) == update


def test_the_same_words_under_another_client_id() -> None:
    for seed in range(20):
        _, updates = _edited(seed, 7)
        doc, other = Doc(client_id=1), Doc(client_id=1)
        for update in updates:
            doc.apply_update(update)
            other.apply_update(renamed(update, 7, 9, 0, 0))
        text = other.get("story", type=Text)
        assert text.diff() == doc.get("story", type=Text).diff()
        assert other.get("canvas", type=Map).to_py() == doc.get("canvas", type=Map).to_py()
        assert {item.client for item in read(other.get_update())[0]} == {9}


def test_only_what_comes_after_a_clock_gets_another_id() -> None:
    mine, server = Doc(client_id=7), Doc(client_id=1)
    text = mine.get("story", type=Text)
    text += "known "
    server.apply_update(mine.get_update())
    before = mine.get_state()
    text += "🎭new"
    text.insert(0, "first ")
    del text[len(b"first ") : len(b"first k")]
    update = mine.get_update(before)
    server.apply_update(renamed(update, 7, 9, len("known "), 0))
    assert str(server.get("story", type=Text)) == str(text) == "first nown 🎭new"


def test_items_of_some_clients_are_left_out() -> None:
    doc, other = Doc(client_id=7), Doc(client_id=8)
    doc.get("story", type=Text).insert(0, "mine")
    other.get("story", type=Text).insert(0, "theirs")
    doc.apply_update(other.get_update())
    text = doc.get("story", type=Text)
    del text[0 : len(text)]
    found = without(doc.get_update(), {8}, {8: 2})
    items, deletions = read(found)
    assert {item.client for item in items} == {7}
    assert deletions == {7: [(0, 4)], 8: [(0, 2)]}
