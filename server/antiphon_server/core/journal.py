"""A write-behind queue from a room to the store, with callbacks for durable changes.

Nothing is dropped: refused changes are kept and offered again. From the first refusal on the room takes no further
edits, so that the queue exceeds its bound by one tick's changes at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from antiphon_server.store.api import (
    Change,
    Entry,
    JamEntry,
    RoomStore,
    RunTokens,
    Snapshot,
    StorageUnavailable,
)

Durable: TypeAlias = Callable[[], None]
_RETRY_FIRST = 0.25
_RETRY_CAP = 5.0


class _Group:
    """Changes that are committed together."""

    __slots__ = ("changes", "durable")

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.durable: list[Durable] = []


class Journal:
    """`bound` is in bytes of updates that may wait; `monotonic` gives seconds."""

    def __init__(self, store: RoomStore, room: str, bound: int, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._room = room
        self._bound = bound
        self._monotonic = monotonic
        self._open = _Group()
        self._refused: list[_Group] = []
        self._in_flight = 0
        self._waiting_bytes = 0
        self._retry_at = 0.0
        self._delay = _RETRY_FIRST
        self._failure: StorageUnavailable | None = None
        self._stopped = False
        self._gathering = False

    @property
    def available(self) -> bool:
        """Whether edits may be taken."""
        return self.problem is None and self._waiting_bytes < self._bound and not self._stopped

    @property
    def problem(self) -> StorageUnavailable | None:
        """Why nothing can be written now; None while all is well."""
        return self._store.problem or self._failure

    @property
    def settled(self) -> bool:
        """Everything is on disk."""
        return not (self._open.changes or self._open.durable or self._refused or self._in_flight)

    def stop(self) -> None:
        """Take no more edits: the room is closing."""
        self._stopped = True

    def add(self, *changes: Change) -> None:
        self._open.changes += changes
        self._waiting_bytes += _weight(changes)

    def when_durable(self, call: Durable) -> None:
        """Call once everything added so far is on disk."""
        self._open.durable.append(call)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Entries added meanwhile are handed over at once, with all that waits: it is durable as a whole, or not."""
        self._gathering = True
        try:
            yield
        finally:
            self._gathering = False

    def flush(self) -> None:
        """Hand over new changes, and refused ones when their retry is due. Call every tick."""
        if self._gathering:
            return
        if self._refused:
            if self._open.changes or self._open.durable:
                self._refused.append(self._open)
                self._open = _Group()
            if self._monotonic() < self._retry_at:
                return
            groups, self._refused = self._refused, []
            for number, group in enumerate(groups):
                if not self._put(group):
                    self._refused += groups[number + 1 :]
                    return
        elif self._open.changes or self._open.durable:
            group, self._open = self._open, _Group()
            self._put(group)

    def _put(self, group: _Group) -> bool:
        self._in_flight += 1
        try:
            self._store.put(self._room, group.changes, lambda error: self._on_committed(group, error))
        except StorageUnavailable as error:
            self._in_flight -= 1
            self._refuse(group, error)
            return False
        return True

    def _on_committed(self, group: _Group, error: StorageUnavailable | None) -> None:
        self._in_flight -= 1
        if error is not None:
            self._refuse(group, error)
            return
        self._waiting_bytes -= _weight(group.changes)
        if not self._refused:
            self._failure = None
            self._delay = _RETRY_FIRST
        for call in group.durable:
            call()

    def _refuse(self, group: _Group, error: StorageUnavailable) -> None:
        self._refused.append(group)
        self._failure = error
        self._retry_at = self._monotonic() + self._delay
        self._delay = min(2 * self._delay, _RETRY_CAP)


def _weight(changes: list[Change] | tuple[Change, ...]) -> int:
    return sum(
        len(change.update)
        if isinstance(change, Entry)
        else len(change.state if isinstance(change, Snapshot) else change.body)
        for change in changes
        if isinstance(change, Entry | Snapshot | JamEntry | RunTokens)
    )
