"""Events of each run that are still to be sent to the gateway, in the run's order.

A file that is being written holds back later events of the same run, its end too, and none of other runs."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, wait
from itertools import islice
from typing import TypeAlias

from antiphon_engines.ipc.channel import Events
from antiphon_engines.ipc.events import RunEvent
from antiphon_engines.worker.encoders import File

Item: TypeAlias = RunEvent | Future[File]


class ReportQueue:
    """By ticket. It holds the events since the last `drain`, and behind files no more than the run made meanwhile; how
    many of these there are is the encoder's bound."""

    def __init__(self) -> None:
        self._runs: dict[int, deque[Item]] = {}

    def add(self, ticket: int, item: Item) -> None:
        self._runs.setdefault(ticket, deque()).append(item)

    def drop(self, ticket: int) -> None:
        """Drop the reports of a cancelled run."""
        self._runs.pop(ticket, None)

    def drain(self) -> list[Events]:
        """The events that can be sent now."""
        taken: list[Events] = []
        for ticket, items in list(self._runs.items()):
            events: list[RunEvent] = []
            while items and (event := _event(items[0])) is not None:
                events.append(event)
                items.popleft()
            if not items:
                del self._runs[ticket]
            if events:
                taken.append(Events(ticket, tuple(events)))
        return taken

    def broken(self) -> list[tuple[int, BaseException]]:
        """Runs of which a file could not be written, and why; it and the events behind it are dropped."""
        found: list[tuple[int, BaseException]] = []
        for ticket, items in self._runs.items():
            for index, item in enumerate(items):
                if not isinstance(item, Future):
                    continue
                if not item.done():
                    break
                if (error := item.exception()) is not None:
                    found.append((ticket, error))
                    self._runs[ticket] = deque(islice(items, index))
                    break
        return found

    def settle(self) -> None:
        """Wait until every file has been written, or could not be."""
        wait([item for items in self._runs.values() for item in items if isinstance(item, Future)])


def _event(item: Item) -> RunEvent | None:
    """The event, if it can be sent now."""
    if not isinstance(item, Future):
        return item
    return item.result() if item.done() and item.exception() is None else None
