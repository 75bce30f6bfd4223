"""Search in the rooms of a server, in a helper process: it keeps a copy of each room's document, which is brought up to
date with each search, and its index. It keeps ROOMS rooms and PASSAGES passages; the room that was searched longest ago
goes first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any, Final

from pycrdt import Doc

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.embedding import prepare
from antiphon_engines.embedding.encoder import Encoder
from antiphon_server.search.hits import ROOMS, Found, Kind, Update
from antiphon_server.search.index import RoomIndex
from antiphon_server.search.passages import passages

PASSAGES: Final = 60_000
AT_ONCE: Final = 0.15
"""Seconds that a search itself reads passages for whose meaning is not known yet."""


class _Room:
    def __init__(self, version: str) -> None:
        self.version = version
        self.document: Doc[Any] = Doc()
        self.vector = b""
        self.index = RoomIndex()


class Searcher:
    """Not for two threads at once. `cache_dir`: the folder of prepared models."""

    def __init__(self, cache_dir: Path) -> None:
        self._cache_dir = cache_dir
        self._rooms: OrderedDict[str, _Room] = OrderedDict()

    def search(
        self, news: Update, query: str, kinds: Collection[Kind], limit: int, meaning: bool
    ) -> Found | None:
        """None: the copy is not in the state `news.before`, and the whole document is needed."""
        room = self._current(news)
        if room is None:
            return None
        encoder = _encoder(self._cache_dir) if meaning else None
        if encoder is not None:
            room.index.read(encoder, AT_ONCE)
        return room.index.search(query, kinds, limit, encoder, off=not meaning)

    def read(self, room: str, version: str, seconds: float) -> int:
        """Read the meaning of a room's passages for so long; returns how many are left; 0 of a room not held."""
        held, encoder = self._rooms.get(room), _encoder(self._cache_dir)
        if held is None or held.version != version or encoder is None:
            return 0
        return held.index.read(encoder, seconds)

    def _current(self, news: Update) -> _Room | None:
        room = self._rooms.get(news.room)
        if not news.before:
            room = self._rooms[news.room] = _Room(news.version)
        elif room is None or room.version != news.version or room.vector != news.before:
            return None
        self._rooms.move_to_end(news.room)
        room.document.apply_update(news.update)
        room.vector = news.after
        room.index.take(passages(room.document))
        while len(self._rooms) > 1 and (
            len(self._rooms) > ROOMS or sum(len(one.index) for one in self._rooms.values()) > PASSAGES
        ):
            self._rooms.popitem(last=False)
        return room


def _encoder(cache_dir: Path) -> Encoder | None:
    """None where it is not prepared, or damaged: then words alone are searched."""
    try:
        return _loaded(*prepare.find(cache_dir))
    except EngineUnavailable:
        return None


@cache
def _loaded(weights: Path, graph: Path) -> Encoder:
    return Encoder(weights, graph)
