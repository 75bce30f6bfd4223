"""The order of the canvas as the server keeps it: no two objects share a key, and no key grows without bound.

Clients make keys themselves (`antiphon_proto.document.order`), so two may make the same key at the same moment, and
repeated placing into the same gap makes longer and longer keys. Both are corrected here, before clients receive them: a
few neighbours get new keys in the same order. These stay between the objects around them, so that an object placed
there at the same moment keeps its place.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping

from antiphon_proto.document.order import LONG, keys_between, sound

_SHORT = LONG // 2
"""Characters that new keys may have: then many fit in between before it has to be done again."""
_Place = tuple[str, str]
"""Key and id: the sort key of an object."""


class BoardOrder:
    """`read` gives the key of every object, when it is first needed; `note` follows the changes from then on."""

    def __init__(self, read: Callable[[], Mapping[str, str]]) -> None:
        self._read = read
        self._keys: dict[str, str] | None = None
        self._places: list[_Place] = []

    def take(self, keys: Mapping[str, str]) -> None:
        """The key of every object, read already."""
        self._keys = dict(keys)
        self._places = sorted((z, key) for key, z in self._keys.items())

    def note(self, key: str, z: str | None) -> None:
        """Object `key` stands at `z` now; None: it has gone."""
        if self._keys is None:
            return
        if (old := self._keys.pop(key, None)) is not None:
            del self._places[bisect_left(self._places, (old, key))]
        if z is not None:
            self._keys[key] = z
            insort(self._places, (z, key))

    def top(self) -> str:
        """The key of the foremost object; "" of an empty board."""
        self._load()
        return self._places[-1][0] if self._places else ""

    def unsound(self, keys: Iterable[str] | None = None) -> list[str]:
        """Those of `keys` (None: all objects) and of their left neighbours that share a key with another, or
        whose key is too long. Of objects with one key the first by id is sound."""
        known = self._load()
        if keys is None:
            return [key for key in known if not self._sound(key)]
        beside = [each for key in keys if key in known for each in (key, self._next(key))]
        return [key for key in beside if key and not self._sound(key)]

    def spread(self, keys: Iterable[str]) -> dict[str, str]:
        """New keys, by object, after which `keys` are sound. The order stays."""
        known = self._load()
        moved: dict[str, str] = {}
        for key in keys:
            if key not in known or self._sound(key):
                continue  # put right together with another
            for place, z in self._window(key):
                moved[place] = z
                self.note(place, z)
        return moved

    def _sound(self, key: str) -> bool:
        z = self._load()[key]
        at = bisect_left(self._places, (z, key))
        return sound(z) and (at == 0 or self._places[at - 1][0] != z)

    def _next(self, key: str) -> str | None:
        """The object right before this one."""
        at = bisect_left(self._places, (self._load()[key], key)) + 1
        return self._places[at][1] if at < len(self._places) else None

    def _window(self, key: str) -> list[_Place]:
        """(id, new key): of its neighbours with long keys, and of as many more as it takes to have short ones."""
        places = self._places
        first = last = bisect_left(places, (self._load()[key], key))
        while first and len(places[first - 1][0]) > _SHORT:
            first -= 1
        while last < len(places) and (last <= first or len(places[last][0]) > _SHORT):
            last += 1
        more = 1
        while True:
            low = places[first - 1][0] if first else ""
            high = places[last][0] if last < len(places) else ""
            try:
                made = keys_between(low, high, last - first)
            except ValueError:  # the objects around them share a key, or leave no room
                made = []
            whole = first == 0 and last == len(places)
            if made and (whole or max(map(len, made)) <= _SHORT):
                return [(place[1], z) for place, z in zip(places[first:last], made, strict=True)]
            first, last = max(0, first - more), min(len(places), last + more)
            more *= 2

    def _load(self) -> dict[str, str]:
        if self._keys is None:
            self.take(self._read())
        assert self._keys is not None
        return self._keys
