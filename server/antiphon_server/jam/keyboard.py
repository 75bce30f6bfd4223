"""The keys of one participant: the events that others hear, and the notes that still sound."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Final

from antiphon_proto.document.jam import NoteEvent
from antiphon_proto.errors import PeerError
from antiphon_server.jam_settings import JamSettings
from antiphon_server.token_bucket import TokenBucket

_TELL_EVERY: Final = 1.0
"""Seconds between two messages to a member who exceeds the rate."""


class Keys:
    """`clock` gives monotonic seconds."""

    def __init__(self, settings: JamSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._presses = TokenBucket(settings.notes_per_second, settings.note_burst, clock)
        self._complaints = TokenBucket(1 / _TELL_EVERY, 1, clock)
        self._sounding: dict[int, float] = {}
        """Pitch -> when it was pressed."""

    def take(self, events: Iterable[NoteEvent], now_ms: float) -> tuple[tuple[NoteEvent, ...], bool]:
        """Returns the events that are heard, at times within the bounds, and whether some were refused.

        A release is always heard when its press was, so that no key hangs. Raises PeerError for times that are none.
        """
        events = tuple(events)
        if not all(math.isfinite(event.at_ms) for event in events):
            raise PeerError("the time of a key is a finite number of milliseconds")
        earliest, latest = now_ms - 1000 * self._settings.late, now_ms + 1000 * self._settings.early
        heard: list[NoteEvent] = []
        refused = False
        for event in events:
            at_ms = min(max(event.at_ms, earliest), latest)
            if event.velocity == 0:
                if event.pitch not in self._sounding:
                    continue
                del self._sounding[event.pitch]
            elif self._presses.allow():
                self._sounding[event.pitch] = at_ms
            else:
                refused = True
                continue
            heard.append(NoteEvent(at_ms, event.pitch, event.velocity))
        return tuple(heard), refused and self._complaints.allow()

    def overdue(self, now_ms: float) -> tuple[NoteEvent, ...]:
        """Release the keys that were pressed too long ago: their page has frozen, or lost the release."""
        before = now_ms - 1000 * self._settings.longest_key
        overdue = sorted(pitch for pitch, at_ms in self._sounding.items() if at_ms < before)
        for pitch in overdue:
            del self._sounding[pitch]
        return tuple(NoteEvent(now_ms, pitch, 0) for pitch in overdue)

    def release(self, now_ms: float) -> tuple[NoteEvent, ...]:
        """These keys are released."""
        released = tuple(NoteEvent(now_ms, pitch, 0) for pitch in sorted(self._sounding))
        self._sounding.clear()
        return released
