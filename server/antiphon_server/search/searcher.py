"""Search in the rooms of a server, in a helper process: it keeps a copy of each room's document, which is brought up to
date with each search, and its index. It keeps ROOMS rooms and PASSAGES passages; the room that was searched longest ago
goes first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from pycrdt import Doc

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.embedding import prepare
from antiphon_engines.embedding.encoder import Encoder
from antiphon_server.search.hits import ROOMS, Found, Kind, Meaning, Update
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
        self._encoder: Encoder | None = None
        """Loaded with the first passages that are read: a search does not wait for it."""
        self._rooms: OrderedDict[str, _Room] = OrderedDict()

    def search(
        self, news: Update, query: str, kinds: Collection[Kind], limit: int, meaning: bool
    ) -> Found | None:
        """None: the copy is not in the state `news.before`, and the whole document is needed."""
        room = self._current(news)
        if room is None:
            return None
        encoder = self._encoder if meaning else None
        if encoder is not None:
            room.index.read(encoder, AT_ONCE)
        state: Meaning = "off" if not meaning else "ready" if self._prepared() else "absent"
        return room.index.search(query, kinds, limit, state, encoder)

    def read(self, room: str, version: str, seconds: float) -> int:
        """Read the meaning of a room's passages for so long, and load the model before that; returns how many are left,
        0 of a room not held."""
        held, prepared = self._rooms.get(room), self._prepared()
        if held is None or held.version != version or not prepared:
            return 0
        if self._encoder is None:
            self._encoder = Encoder(*prepared)
        return held.index.read(self._encoder, seconds)

    def _prepared(self) -> tuple[Path, Path] | None:
        """The model's files; None where they are not there, or are damaged: then words alone are searched."""
        try:
            return prepare.find(self._cache_dir)
        except EngineUnavailable:
            return None

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
