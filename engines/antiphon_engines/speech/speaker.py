"""The interface of what can speak: a model, a program or a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from antiphon_engines.api import MouthAt, Voice
from antiphon_proto.errors import AntiphonError, ErrorCode, PeerError

Pcm = NDArray[np.int16]


class Sound(Struct, frozen=True):
    """Mono samples at `rate`, and the shapes of the mouth, in order, from second 0."""

    pcm: Pcm
    rate: int
    mouth: tuple[MouthAt, ...]


class Unspeakable(PeerError):
    """This text cannot be spoken by this voice, now or later."""


class SpeakerFailed(AntiphonError):
    """The voice cannot speak now; the message is one line for people."""

    code = ErrorCode.ENGINE_FAILED


class Speaker(Protocol):
    """Speaks one sentence at a time. `on_device`: it computes on the worker's device, in the scheduler's turn; others
    run beside the loop, and may be called from several threads."""

    name: str
    backend: str
    voices: tuple[Voice, ...]
    on_device: bool

    def units(self, text: str, voice: Voice) -> list[str]:
        """The text in pieces that are spoken one by one. Raises Unspeakable when there is nothing to say."""
        ...

    def speak(self, piece: str, voice: Voice, speed: float) -> Sound:
        """Raises Unspeakable or SpeakerFailed."""
        ...

    @property
    def awake(self) -> bool:
        """Whether it holds what it needs to speak; False: `wake` takes a while."""
        ...

    def wake(self) -> None:
        """Load. Raises SpeakerFailed."""
        ...

    def rest(self) -> None:
        """Free the memory that `wake` took. Idempotent."""
        ...

    def close(self) -> None:
        """End what it started."""
        ...


Progress = Callable[[str, float], None]
