"""Suspects: updates that stopped the gateway before, by the notes of the watchdog. They are not applied again, neither
from a client nor from the store, and a room with several stops is held back for a while."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Final

from antiphon_server.watchdog.beacon import fingerprint

log = logging.getLogger(__name__)
FILE: Final = "suspects.jsonl"
_MEMORY: Final = 3600.0
"""Seconds for which a room's freezes count."""
_HELD: Final = 600.0
"""Seconds for which a room is held back after its second freeze; twice as long after each further one."""
_KEPT: Final = 1000


class Suspects:
    """`unix_seconds` is the wall clock."""

    def __init__(self, path: Path | None = None, unix_seconds: Callable[[], float] = lambda: 0.0) -> None:
        self._now = unix_seconds
        self._updates: defaultdict[str, set[str]] = defaultdict(set)
        self._times: defaultdict[str, list[float]] = defaultdict(list)
        for note in _read(path) if path is not None else ():
            room, update, at = note.get("room"), note.get("update"), note.get("at")
            if not isinstance(room, str) or not isinstance(at, int | float):
                continue
            self._times[room].append(float(at))
            if isinstance(update, str) and update:
                self._updates[room].add(update)
            log.warning(
                "room %s stopped this server before (%s, update %s): the update is kept aside",
                room, note.get("why"), str(update)[:16] or "unknown",
            )  # fmt: skip

    def refuses(self, room: str, update: bytes) -> bool:
        """Whether this update of the room is one that stopped the gateway."""
        known = self._updates.get(room)
        return known is not None and fingerprint(update) in known

    def held_back(self, room: str) -> float:
        """Seconds for which the room is not opened yet."""
        now = self._now()
        recent = [at for at in self._times.get(room, ()) if now - at < _MEMORY]
        if len(recent) < 2:
            return 0.0
        return max(0.0, max(recent) + _HELD * 2.0 ** (len(recent) - 2) - now)


def _read(path: Path) -> list[dict[str, object]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()[-_KEPT:]
    except FileNotFoundError:
        return []
    notes = []
    for line in lines:
        try:
            note = json.loads(line)
        except ValueError:  # the last line of a disk that was full
            continue
        if isinstance(note, dict):
            notes.append(note)
    return notes
