"""The places of runs in the story: for `choose` and `retry`, also in later lives of the room.

A place follows everybody's edits while the room is in memory. The store has each run's place as of one entry of the
history (`RunRecord.place`): as it was when the run was asked for, and again with every snapshot. A room that is loaded
carries it over the entries since, as it did when they were made.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator

from antiphon_proto.errors import Conflict
from antiphon_server.core.run_registry import RunEntry
from antiphon_server.document.anchors import Anchors, Place
from antiphon_server.document.change import Change
from antiphon_server.store.api import RunRecord, StoredPlace

_PLACES = 64
"""Each costs every edit a microsecond. Of an older run its own words still say where it wrote."""


class RunPlaces:
    """Of the newest runs. `stored` are the runs that a loaded room has, oldest first, and `since` the entry of its
    snapshot: a place as of an earlier one was given up."""

    def __init__(self, anchors: Anchors, stored: Iterable[RunRecord], since: int) -> None:
        self._anchors = anchors
        self._places: OrderedDict[str, Place] = OrderedDict()
        known = [
            (run.place, run.info.id) for run in stored if run.place is not None and run.place.seq >= since
        ]
        self._asleep = sorted(known[-_PLACES:], key=lambda each: each[0].seq, reverse=True)

    def keep(self, run: RunEntry, place: Place, seq: int) -> None:
        """`place` is that of the run, as the story stands after entry `seq`."""
        self._places[run.info.id] = place
        run.placed(_stored(place, seq))
        if len(self._places) > _PLACES:
            self._places.popitem(last=False)

    def of(self, run: str) -> Place:
        """Raises Conflict when it is no longer known."""
        try:
            return self._places[run]
        except KeyError:
            raise Conflict("the place of this run is no longer known; ask again") from None

    def forget(self, run: str) -> None:
        self._places.pop(run, None)

    def snapshot(self, runs: Iterable[RunEntry], seq: int) -> Iterator[RunRecord]:
        """The records of runs whose places are known, as of entry `seq`, to be kept together with a snapshot of it."""
        for run in runs:
            if (place := self._places.get(run.info.id)) is not None:
                run.placed(_stored(place, seq))
                yield run.record

    # While a room is loaded -----------------------------------------------------------------------------

    def wake(self, before: int | None = None) -> None:
        """The next entry to be replayed is `before`, or there is none: places known by then follow from now on."""
        while self._asleep and (before is None or self._asleep[-1][0].seq < before):
            stored, run = self._asleep.pop()
            selection = self._anchors.passage(0, 0)
            selection.ranges = list(stored.ranges)
            self._places[run] = Place(self._anchors.put(stored.at), selection, stored.carried)

    def at(self, run: str | None) -> int | None:
        """Where a run's next text would go; asked before an entry of it is replayed."""
        place = self._places.get(run or "")
        return place.at.at if place else None

    def replayed(self, run: str | None, at: int | None, change: Change | None) -> None:
        """An entry of `run` was replayed, whose place was `at`: its next text goes behind its last."""
        if change is None or at is None:
            return
        last = change.splices[-1] if change.splices else None
        if last is not None and last.inserted and last.at == at:
            self._places[run or ""].at.at = at + last.inserted


def _stored(place: Place, seq: int) -> StoredPlace:
    return StoredPlace(seq, place.at.at, tuple(place.selection.ranges), place.carried)
