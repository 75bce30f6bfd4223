"""The recording of a jam: events with their authors and times, bounded, written in batches.

Every event has its server time in milliseconds, so that the record can be read alone. Events are kept for a moment and
go to the store about once a second, with the journal; a crash loses that second.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from antiphon_proto.document.jam import BandControls, BandRole, BandVoice, Transport
from antiphon_server.store.api import JamEntry, JamTrim

Part = Literal["person", "loop", "band"]
"""Whose music it is."""


class Person(Struct, frozen=True, tag="person"):
    """Who a participant is, before the first that they play."""

    at_ms: float
    participant: str
    name: str


class LoopNamed(Struct, frozen=True, tag="loop_named"):
    """A loop is new or has another name; `by` recorded it."""

    at_ms: float
    loop: str
    by: str
    name: str


class Mixed(Struct, frozen=True, tag="mixed"):
    """From now on a person or a loop is heard at this volume and place (`jam.mixer`)."""

    at_ms: float
    part: Literal["person", "loop"]
    key: str
    volume: float
    pan: float


class KeyPlayed(Struct, frozen=True, tag="key"):
    """A key pressed, or with velocity 0 released, on General MIDI program `program` (128: drums)."""

    at_ms: float
    participant: str
    program: int
    pitch: int
    velocity: int


class LoopPlayed(Struct, frozen=True, tag="loop"):
    """A note of a loop, which participant `by` recorded."""

    at_ms: float
    duration_ms: float
    loop: str
    by: str
    program: int
    pitch: int
    velocity: int


class BandPlayed(Struct, frozen=True, tag="band"):
    at_ms: float
    duration_ms: float
    run: str
    role: BandRole
    program: int
    pitch: int
    velocity: int


class BandVoiced(Struct, frozen=True, tag="band_voiced"):
    """From now on the band sounds like this: instrument, volume and place of every role, and its brightness."""

    at_ms: float
    run: str
    brightness: float
    voices: tuple[BandVoice, ...]


class BandSounded(Struct, frozen=True, tag="sound"):
    """A frame of a band that tells no notes: one Opus packet of `samples` samples."""

    at_ms: float
    run: str
    samples: int
    opus: bytes


class ChordPlayed(Struct, frozen=True, tag="chord"):
    at_ms: float
    run: str
    name: str


class Turned(Struct, frozen=True, tag="transport"):
    """Another transport is in force. `by`: who asked for it."""

    at_ms: float
    transport: Transport
    by: tuple[str, ...] = ()


class Asked(Struct, frozen=True, tag="controls"):
    """The controls of the band changed."""

    at_ms: float
    by: str
    controls: BandControls


class BandBegan(Struct, frozen=True, tag="band_began"):
    """A band plays from now on; its sample 0 is at `start_ms`."""

    at_ms: float
    run: str
    by: str
    model: str
    seed: int
    start_ms: float


class SessionNamed(Struct, frozen=True, tag="session_named"):
    """Somebody gave the session that `session_ms` lies in a name; an empty one takes it away."""

    at_ms: float
    by: str
    session_ms: float
    name: str


class BandEnded(Struct, frozen=True, tag="band_ended"):
    at_ms: float
    run: str
    reason: str = ""


JamEvent: TypeAlias = (
    Person
    | LoopNamed
    | Mixed
    | SessionNamed
    | KeyPlayed
    | LoopPlayed
    | BandPlayed
    | BandVoiced
    | BandSounded
    | ChordPlayed
    | Turned
    | Asked
    | BandBegan
    | BandEnded
)
_BATCH = 2000
"""Number of events that causes a write at once."""
_WAITING = 20_000
"""Events that wait for a store that refuses them; beyond it the oldest are lost."""
_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(list[JamEvent])


def read(entry: JamEntry) -> list[JamEvent]:
    """Raises msgspec.MsgspecError."""
    return decode(entry.body)


def decode(body: bytes) -> list[JamEvent]:
    """The events of an entry. Raises msgspec.MsgspecError."""
    return _decoder.decode(body)


def write(events: Sequence[JamEvent]) -> bytes:
    """The body of an entry."""
    return _encode(events)


class JamLog:
    """`kept`: (seq, bytes) of the batches that the store holds. At most `max_bytes` of them, and `max_batches`: the
    oldest go. `record` brings a change to the store, while it is `writable`."""

    def __init__(
        self,
        kept: Iterable[tuple[int, int]],
        record: Callable[[JamEntry | JamTrim], None],
        *,
        max_bytes: int,
        max_batches: int,
        writable: Callable[[], bool] = lambda: True,
    ) -> None:
        self._kept = deque(kept)
        self._bytes = sum(size for _, size in self._kept)
        self._record = record
        self._max_bytes = max_bytes
        self._max_batches = max_batches
        self._writable = writable
        self._waiting: list[JamEvent] = []

    def add(self, *events: JamEvent) -> None:
        self._waiting += events
        if len(self._waiting) >= _BATCH:
            self.flush()
            del self._waiting[: max(0, len(self._waiting) - _WAITING)]

    def flush(self) -> None:
        """Hand the gathered events to the store."""
        if not self._waiting or not self._writable():
            return
        events, self._waiting = self._waiting, []
        body = write(events)
        seq = self._kept[-1][0] + 1 if self._kept else 1
        times = [event.at_ms for event in events]
        self._record(JamEntry(seq, int(min(times)), int(max(times)) + 1, body))
        self._kept.append((seq, len(body)))
        self._bytes += len(body)
        self._trim()

    def _trim(self) -> None:
        first = self._kept[0][0]
        while len(self._kept) > 1 and (self._bytes > self._max_bytes or len(self._kept) > self._max_batches):
            self._bytes -= self._kept.popleft()[1]
        if self._kept[0][0] != first:
            self._record(JamTrim(self._kept[0][0]))
