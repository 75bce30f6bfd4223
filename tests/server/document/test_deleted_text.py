"""Deleted text is history: the state of a document, which everybody gets, has none of it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text, merge_updates

from antiphon_proto.messages import Redo, Undo
from antiphon_server.document.document import Document
from antiphon_server.room_limits import RoomLimits
from support.replica import NativeReplica
from support.rooms import House

_LIMITS = RoomLimits()


def loaded(state: bytes) -> Document:
    return Document(
        state,
        max_update=_LIMITS.max_update,
        max_items=_LIMITS.max_items,
        max_document=_LIMITS.max_document,
    )


class Secrets:
    """Words of which each is different from all others."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.made = 0

    def word(self) -> str:
        self.made += 1
        return f"<{self.made:05d}{self.chance.choice(('', 'é', '語', '😀'))}>"

    def write(self, doc: Doc[Any]) -> None:
        """Something in story or canvas that comes, changes or goes."""
        story, canvas = doc.get("story", type=Text), doc.get("canvas", type=Map)
        places = [0]
        for character in str(story):
            places.append(places[-1] + len(character.encode()))
        key = f"o{self.chance.randrange(6)}"
        match self.chance.randrange(8):
            case 0 | 1:
                marks = self.chance.choice(({}, {"bold": True}))
                story.insert(self.chance.choice(places), self.word() * self.chance.randint(1, 3), marks)
            case 2 | 3 if len(places) > 2:
                start, end = sorted(self.chance.sample(places, 2))
                del story[start:end]
            case 4 if len(places) > 2:
                start, end = sorted(self.chance.sample(places, 2))
                story.format(start, end, {"bold": self.chance.choice((True, None))})
            case 5:
                canvas[key] = Map({"type": "text", "x": 1.0, "y": 2.0, "z": "0V", "text": Text(self.word())})
            case 6 if key in canvas:
                del canvas[key]
            case 7:
                canvas[key] = Map(
                    {"type": "stroke", "x": 1.0, "y": 2.0, "z": "0V", "color": "#112233", "size": 3.0,
                     "points": Array([1.0, 2.0])}
                )  # fmt: skip


def shown(doc: Doc[Any]) -> str:
    canvas = doc.get("canvas", type=Map)
    texts = (one.get("text") for one in map(canvas.get, canvas.keys()) if isinstance(one, Map))
    return str(doc.get("story", type=Text)) + "".join(str(one) for one in texts if one is not None)


@pytest.mark.parametrize("seed", range(6))
def test_the_state_has_no_deleted_words(seed: int) -> None:
    secrets = Secrets(seed)
    house = House()
    people = [house.join(NativeReplica(name, "owner", 11 + i)) for i, name in enumerate(("Ann", "Bo"))]
    for _ in range(120):
        who = secrets.chance.choice(people)
        before = who.doc.get_state()
        with who.doc.transaction():
            for _ in range(secrets.chance.choice((1, 1, 1, 4))):
                secrets.write(who.doc)
        who.send_update(house.room, who.doc.get_update(before))
        if not secrets.chance.randrange(5):
            who.send(house.room, secrets.chance.choice((Undo(None), Redo())))
        if secrets.chance.randrange(3):
            house.tick()
            for one in people:
                one.receive()
    house.tick()
    for one in people:
        one.receive()
    document = house.room.shared.document
    for state in (document.state(), document.since(b"\x00"), loaded(document.state()).state()):
        assert hidden(secrets, shown(people[0].doc), state) == []


def test_a_stored_document_that_has_them_loses_them() -> None:
    """Insertions and deletions as they came, in one update."""
    secrets = Secrets(1)
    doc = Doc[Any](client_id=5)
    updates: list[bytes] = []
    for _ in range(80):
        before = doc.get_state()
        with doc.transaction():
            secrets.write(doc)
        updates.append(doc.get_update(before))
    merged = merge_updates(*updates)
    assert len(hidden(secrets, shown(doc), merged)) > 10
    assert hidden(secrets, shown(doc), loaded(merged).state()) == []


def hidden(secrets: Secrets, text: str, state: bytes) -> list[str]:
    """Words that `state` has, and `text` not."""
    words = [f"<{number:05d}" for number in range(1, secrets.made + 1)]
    return [word for word in words if word not in text and word.encode() in state]
