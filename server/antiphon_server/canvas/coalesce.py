"""What becomes of a picture that is being painted when the same person asks anew for the same frame.

Stopping at every change would starve who draws fast: nothing would ever be shown. Letting everything finish would fall
behind. So what has not begun is replaced; what has run for a second, and has a while to go, is stopped at its next
step; anything shorter is finished while the newest request waits, and only the newest (krita-ai-diffusion#1248).
"""

from __future__ import annotations

from typing import Final, Literal

Verdict = Literal["replace", "stop", "finish"]
ENOUGH: Final = 1.0
"""Seconds that a picture may be painted before a newer request stops it."""
NEARLY: Final = 0.5
"""Seconds from its end a picture is finished, however long it took."""


def verdict(begun: bool, elapsed: float, remaining: float | None) -> Verdict:
    """For a picture that has been painted for `elapsed` seconds and needs about `remaining` more (None: not known)."""
    if not begun:
        return "replace"
    if elapsed < ENOUGH or (remaining is not None and remaining <= NEARLY):
        return "finish"
    return "stop"
