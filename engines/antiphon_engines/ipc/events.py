"""Events for the owner of a run, in this order: `Queued`*, `Started`, then its outputs (`Token`* of a text,
`Fills`* of a gap, `Progressed`, `Preview`* and one `Image` of a picture, `Audio` and `Performed` of a band, `Spoken`*
of a line), then `Done` or `Failed`.

`Done` and `Failed` are last. Each steer of a run that goes on is answered, in order, by `Steered` or `SteerRejected`:
earlier outputs were made without it, later ones with it."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from antiphon_engines.api import Audio, Done, Failed, Fills, Image, Output, Performed, Preview, Spoken, Token


class Queued(Struct, frozen=True, tag="queued"):
    """The run waits. `position` counts from 1; `expected_start_ms` is milliseconds from now, an estimate made of
    measured costs (0 while nothing has been measured). Sent again when either changes noticeably."""

    position: int
    expected_start_ms: int

    def is_news_after(self, told: Queued | None) -> bool:
        """Whether it differs enough from the last report to be sent. A second or a quarter, whichever is more, is noise
        to a person who waits."""
        if told is None or told.position != self.position:
            return True
        return abs(self.expected_start_ms - told.expected_start_ms) > max(1000, told.expected_start_ms / 4)


class Started(Struct, frozen=True, tag="started"):
    """The run holds a place in the engine and will be stepped, by the model of that name."""

    model: str = ""


class Progressed(Struct, frozen=True, tag="progressed"):
    """A picture is `step` of its `of` steps on; 0: it has been prepared and will be stepped. `remaining_ms` is the time
    left, in milliseconds, at the measured pace under the present load (0 while nothing was measured)."""

    step: int
    of: int
    remaining_ms: int
    thinned: bool = False
    """Its steps come noticeably more rarely because the device has more to do than it can."""


class Steered(Struct, frozen=True, tag="steered"):
    """The steer that began the run's `epoch` is in force from the next unit on."""

    epoch: int


class SteerRejected(Struct, frozen=True, tag="steer_rejected"):
    """The steer that began the run's `epoch` could not be applied; the run goes on unchanged."""

    message: str
    epoch: int


RunEvent: TypeAlias = (
    Queued
    | Started
    | Token
    | Fills
    | Progressed
    | Preview
    | Image
    | Audio
    | Performed
    | Spoken
    | Done
    | Failed
    | Steered
    | SteerRejected
)

__all__ = [
    "Audio",
    "Done",
    "Failed",
    "Fills",
    "Image",
    "Output",
    "Performed",
    "Preview",
    "Progressed",
    "Queued",
    "RunEvent",
    "Spoken",
    "Started",
    "SteerRejected",
    "Steered",
    "Token",
]
