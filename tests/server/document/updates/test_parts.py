"""Parts of a large update come to the same as the whole of it, and each builds only on those before it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text

from antiphon_proto.document.yjs_update import read
from antiphon_server.document.document import Document
from antiphon_server.document.updates.parser import inspect
from antiphon_server.document.updates.parts import LARGE, parts


def fresh() -> Document:
    return Document(max_update=2**22, max_items=20_000, max_document=2**24)


def shown(doc: Doc) -> tuple[str, Any]:
    return repr(doc.get("story", type=Text).diff()), doc.get("canvas", type=Map).to_py()


def write(doc: Doc, chance: random.Random, count: int) -> None:
    """Words, formats, deletions and strokes of one person."""
    story, canvas = doc.get("story", type=Text), doc.get("canvas", type=Map)
    with doc.transaction():
        for number in range(count):
            at = chance.randrange(len(story) + 1)
            match chance.randrange(6):
                case 0 | 1 | 2:
                    story.insert(at, "ab", {})
                case 3 if at + 2 < len(story):
                    del story[at : at + 2]
                case 4 if at + 2 < len(story):
                    story.format(at, at + 2, {"bold": True})
                case 5:
                    key = f"{doc.client_id}-{chance.randrange(count)}"
                    fields = {"type": "stroke", "x": 1.0, "z": f"{number}V", "points": Array([1.0, 2.0])}
                    canvas[key] = Map(fields)
                    if chance.random() < 0.3:
                        canvas[key]["x"] = 2.0
                    if chance.random() < 0.2:
                        del canvas[key]


@pytest.mark.parametrize("seed", range(4))
def test_applied_one_by_one_they_come_to_the_same(seed: int) -> None:
    chance = random.Random(seed)
    base = Doc(client_id=1)
    write(base, chance, 200)
    known = base.get_state()
    people = [Doc(client_id=client) for client in (2, 3, 4)]
    for _ in range(3):  # they build on each other's words
        for person in people:
            for other in (base, *people):
                if other is not person:
                    person.apply_update(other.get_update(person.get_state()))
            write(person, chance, 120)
    for other in people:
        people[0].apply_update(other.get_update(people[0].get_state()))
    update = people[0].get_update(known)
    found = parts(update, inspect(update))
    assert len(found) > 5
    whole = Doc()
    whole.apply_update(base.get_update())
    whole.apply_update(update)
    document, cut = fresh(), Doc()
    document.apply(base.get_update(), 16)
    cut.apply_update(base.get_update())
    for part, info in found:
        assert info.items <= LARGE
        assert len(info.deletions) <= LARGE
        document.bring(part, info, 16)  # it refuses items that build on missing ones
        cut.apply_update(part)
    assert shown(cut) == shown(whole)
    assert document.text() == str(whole.get("story", type=Text))
    assert cut.get_state() == whole.get_state()


def test_a_small_update_stays_whole_and_a_long_text_is_one_item() -> None:
    doc = Doc(client_id=2)
    doc.get("story", type=Text).insert(0, "я" * 100_000)
    update = doc.get_update()
    assert parts(update, inspect(update)) == ()
    items, _ = read(update)
    assert len(items) == 1
