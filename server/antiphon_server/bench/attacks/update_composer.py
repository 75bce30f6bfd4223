"""Makes Yjs updates for a document: well formed, nearly so, and meant to harm; of every kind, in every place.

It looks into the document's index, so that about half of its updates can be applied.
"""

from __future__ import annotations

import random
from typing import Final

from antiphon_server.bench.attacks import yjs_updates as y
from antiphon_server.document.updates.item_index import ItemIndex
from antiphon_server.document.updates.item_runs import Place, Run
from antiphon_server.document.updates.parser import DELETED

WORDS: Final = (
    *("a", "слово ", "two words", "😀", "x😀y", "e\u0301", "\n", "字"),
    *("\ufffd", "\0", "\u202eb", "🎭🎭", "z" * 40),
)
MARKS: Final = ("bold", "ai", "header", "comment:x", "suggest", "link", "constructor", "é")
JSON: Final = (
    *("true", "null", "1", '"r1"', '{"a":[1,2.5]}', "false", '"😀"', "-0", "1.0", "1e3", "0.1", "-2.5e-7"),
    *(
        "0.10315712405198155",
        "1e-40",
        "123456789012345.5",
        '{"a":1,"a":2}',
        '"\\u0041\\n"',
        '{"constructor":1}',
    ),
)
KEYS: Final = ("", "toString", "o1", "o2", "points", "x", "name", "title", "band", "loops", "form", "😀")
ROOTS: Final = ("story", "canvas", "jam", "film", "meta", "chat", "comments", "style", "other")
_SEEN: Final = 40
"""Runs of a place that are looked at."""


class Composer:
    """`strange` is the share of parts that are made without looking whether they fit."""

    def __init__(self, chance: random.Random, index: ItemIndex, *, strange: float = 0.15) -> None:
        self._chance = chance
        self._index = index
        self._strange = strange
        self._clients = [
            chance.choice((chance.randrange(1, 100), chance.getrandbits(31), 2**32 + chance.getrandbits(30)))
            if chance.random() < 0.95
            else chance.choice((0, 2**31, 2**32 - 1, 2**53 - 1 - chance.getrandbits(20)))
            for _ in range(5)
        ]

    def write_as(self, client: int) -> None:
        """Write under this Yjs client id more often than under any other."""
        self._clients[:3] = [client] * 3

    def update(self) -> bytes:
        chance = self._chance
        structs: dict[int, list[bytes]] = {}
        first = 0
        if chance.random() < 0.9:
            client = chance.choice(self._clients)
            first = self._index.ends.get(client, 0)
            clock = max(0, first - chance.randrange(4)) if chance.random() < 0.1 else first
            items: list[bytes] = []
            first = clock
            for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
                made, length = self._item(client, first, clock)
                items.append(made)
                clock += length
            structs[client] = items
        deletions = self._deletions() if chance.random() < 0.35 or not structs else []
        made = y.update(structs, first=first, deletions=deletions)
        if chance.random() < 0.02:
            data = bytearray(made)
            data[chance.randrange(len(data))] = chance.randrange(256)
            return bytes(data)
        return made

    def _odd(self) -> bool:
        return self._chance.random() < self._strange

    def _item(self, client: int, first: int, clock: int) -> tuple[bytes, int]:
        chance = self._chance
        if chance.random() < 0.02:
            length = chance.randrange(1, 4)
            return y.collected(length), length
        if clock > first and chance.random() < 0.6:
            # It follows on an item of the same update.
            content, length = self._content("text" if chance.random() < 0.8 else "map", None)
            right = self._any_id() if self._odd() else None
            return y.item(content, origin=(client, clock - 1), right=right), length
        place = self._place()
        if place is None or self._odd():
            content, length = self._content(chance.choice(("text", "map", "array")), None)
            if chance.random() < 0.5:
                left, right = self._any_id(), self._any_id()
                return y.item(content, origin=left, right=right, parent="story"), length
            key = chance.choice((None, chance.choice(KEYS)))
            parent = chance.choice(ROOTS) if chance.random() < 0.7 else self._any_id()
            return y.item(content, parent=parent or "story", key=key), length
        root, node_id, found = place
        shape = found.node.rule.shape
        content, length = self._content(shape, found.key)
        left, right = self._between(found)
        if shape == "map":
            right = None
        if left is None and right is None:
            return y.item(content, parent=root or node_id, key=found.key), length
        return y.item(content, origin=left, right=right), length

    def _content(self, shape: str, key: str | None) -> tuple[y.Content, int]:
        chance = self._chance
        if self._odd():
            shape = chance.choice(("text", "map", "array"))
        match shape, chance.randrange(10):
            case "text", 0 | 1 | 2 | 3 | 4 | 5:
                word = chance.choice(WORDS)
                return y.string(word), len(word.encode("utf-16-le")) // 2
            case "text", 6 | 7:
                return y.mark(chance.choice(MARKS), chance.choice(JSON)), 1
            case "text", 8:
                return y.embed(chance.choice(('{"image":"x"}', '{"video":{"a":1}}', '"zzz"', '{"a":1}'))), 1
            case _, 9:
                length = chance.randrange(1, 4)
                return y.deleted(length), length
            case "map", 0 | 1 | 2:
                return y.shared(chance.choice((0, 1, 1))), 1
            case "array", 0:
                return y.shared(1), 1
            case "array", 1 | 2 | 3 | 4 | 5:
                some = [chance.choice((1.0, -0.0, 2.5, 1e300)) for _ in range(chance.randrange(1, 5))]
                return y.numbers(*some), len(some)
            case _:
                words = [chance.choice(WORDS) for _ in range(1 if shape == "map" else chance.randrange(1, 3))]
                return y.values(*words), len(words)

    def _place(self) -> tuple[str | None, y.Id, Place] | None:
        """The name or the id of a type, and a place in it."""
        chance, index = self._chance, self._index
        root = "story" if chance.random() < 0.5 else chance.choice(ROOTS[:-1])
        node, node_id, name = index._roots[root], (0, 0), root
        if index._types and chance.random() < 0.4:
            node_id = chance.choice(list(index._types))
            node, name = index._types[node_id], ""
        if node.rule.shape != "map":
            return name or None, node_id, node.places.get(None) or Place(node, None)
        key = chance.choice([*node.places, chance.choice(KEYS)]) or "k"
        return name or None, node_id, node.places.get(key) or Place(node, key)

    def _between(self, place: Place) -> tuple[y.Id | None, y.Id | None]:
        """Two neighbours: of now, of when another item came between them, or none at all."""
        chance = self._chance
        runs: list[Run] = []
        run = place.head
        while run is not None and len(runs) < _SEEN:
            runs.append(run)
            run = run.right
        if not runs:
            return None, None
        run = chance.choice(runs)
        if place.node.rule.shape == "map":
            run = runs[-1] if chance.random() < 0.8 else run
            return ((run.client, run.clock + run.length - 1) if chance.random() < 0.9 else None), None
        if self._odd():
            return self._any_id(), self._any_id()
        if chance.random() < 0.3:
            return run.origin, run.right_origin
        inside = chance.randrange(run.length + 1)
        if inside == 0:
            before = run.left
            left = (before.client, before.clock + before.length - 1) if before else None
            return left, (run.client, run.clock)
        left = (run.client, run.clock + inside - 1)
        if inside < run.length:
            return left, (run.client, run.clock + inside)
        after = run.right
        return left, (after.client, after.clock) if after else None

    def _any_id(self) -> y.Id | None:
        ends = self._index.ends
        if not ends or self._chance.random() < 0.05:
            return None
        client = self._chance.choice(list(ends))
        return client, self._chance.randrange(max(1, ends[client]))

    def _deletions(self) -> list[tuple[int, int, int]]:
        found = []
        for _ in range(self._chance.choice((1, 1, 2, 4))):
            item = self._any_id()
            if item is None:
                continue
            run = self._index._find(item)
            if self._odd() or run.what == DELETED:
                found.append((*item, self._chance.randrange(1, 3)))
            else:
                found.append((run.client, run.clock, run.length))
        return found
