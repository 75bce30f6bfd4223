"""Counts the audio frames of all bands of a server, as plain integers that metrics read."""

from __future__ import annotations


class Sound:
    __slots__ = ("frames", "gaps", "late", "late_seconds", "stale")

    def __init__(self) -> None:
        self.frames = 0
        self.gaps = 0
        """Frames that would have come too late and were never sent."""
        self.late = 0
        """Frames that left the engine after their time."""
        self.late_seconds = 0.0
        self.stale = 0
        """Frames that a change of the transport made wrong before they were sent."""

    def took(self, late: float) -> None:
        """A frame left its engine so many seconds after it had to."""
        if late > 0:
            self.late += 1
            self.late_seconds += late
