"""The loops of a room's jam as plain objects: read, add, change, delete. Fields and bounds are in
`antiphon_proto.document.jam`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pycrdt import Map

from antiphon_client.errors import ClientError
from antiphon_client.session.replica import Replica
from antiphon_proto.document.jam import LOOPS
from antiphon_proto.document.jam_fields import loop_faults


class Loops(Mapping[str, dict[str, Any]]):
    """Loop id -> its fields (a copy). `changed` is called after every edit."""

    def __init__(self, replica: Replica, changed: Callable[[], None]) -> None:
        self._replica = replica
        self._changed = changed

    def __getitem__(self, key: str) -> dict[str, Any]:
        return dict(self._loop(key).to_py() or {})

    def __iter__(self) -> Iterator[str]:
        return iter([key for key, found in self._map().items() if isinstance(found, Map)])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def add(
        self,
        notes: Iterable[tuple[int, int, int, int]],
        *,
        bars: int = 1,
        beats: int = 4,
        program: int = 0,
        key: str | None = None,
        **more: Any,
    ) -> str:
        """A loop of `bars` bars of `beats` beats; notes are (tick, duration, pitch, velocity), 480 ticks a beat.
        `more`: name, volume, muted, solo. Returns its id. Raises ClientError."""
        fields = {
            "notes": [list(note) for note in notes],
            "bars": bars,
            "beats": beats,
            "program": program,
            **more,
        }
        _check(fields)
        key = key or secrets.token_urlsafe(9)
        with self._replica.doc.transaction():
            self._replica.jam_part(LOOPS)[key] = Map(fields)
        self._changed()
        return key

    def update(self, key: str, **fields: Any) -> None:
        """Change fields. Raises ClientError or KeyError."""
        found = self._loop(key)
        _check({**(found.to_py() or {}), **fields})
        with self._replica.doc.transaction():
            for name, value in fields.items():
                found[name] = value
        self._changed()

    def delete(self, key: str) -> None:
        """Raises KeyError."""
        self._loop(key)
        del self._map()[key]
        self._changed()

    def _map(self) -> Map[Any]:
        return self._replica.jam_part(LOOPS)

    def _loop(self, key: str) -> Map[Any]:
        found = self._map().get(key)
        if not isinstance(found, Map):
            raise KeyError(key)
        return found


def _check(fields: Mapping[str, object]) -> None:
    if wrong := loop_faults(fields):
        raise ClientError(f"not a loop: {', '.join(wrong)} is invalid or missing")
