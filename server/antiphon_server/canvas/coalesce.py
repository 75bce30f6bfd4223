"""Coalesces requests of one person to paint the same frame.

Stopping a run at every change would starve a fast artist: nothing would ever be shown. Finishing every run would fall
behind. So a run that has not begun is replaced; one that has run for a second, and has a while to go, is stopped at its
next step; a shorter one is finished while only the newest request waits (krita-ai-diffusion#1248).
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
