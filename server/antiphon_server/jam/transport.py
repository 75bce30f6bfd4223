"""The transport of a room: which beat sounds when, and the changes that are promised.

Pure. A change is wished for at a line (beat, bar) or at once, and is given its time at once: no sooner than everybody
can know of it (`notice`). Changes within one notice of each other take effect together, at the last of their times.
A change that everybody may count on (less than a notice away) stands; later ones move when an earlier one makes them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, structs
from msgspec.structs import replace

from antiphon_engines.api import QueueFull
from antiphon_proto.document.jam import PPQ, Transport, TransportChange, When
from antiphon_proto.errors import PeerError

_NEAR: Final = 1e-6
"""Beats before a line that count as on it."""
MAX_WISHES: Final = 32
"""Changes that wait for their line; one more is refused."""


class Wish(Struct, frozen=True):
    """A change that was asked for. `conduct` is the request's own number."""

    conduct: int
    asker: str
    change: TransportChange
    when: When


class Turn(Struct, frozen=True):
    """A promise: `transport` takes over at its `at_ms`."""

    transport: Transport
    wishes: tuple[Wish, ...]


class Conductor:
    """Times are server time, in milliseconds. `now` and `coming` are the room's former transports, if it had any."""

    def __init__(self, now: Transport | None = None, coming: Transport | None = None) -> None:
        self.now = now or Transport()
        self._past = self.now
        """The former transport."""
        self.turns: list[Turn] = []
        self._serial = self.now.serial
        if coming is not None:
            self.turns.append(Turn(coming, (Wish(0, "", _difference(self.now, coming), "bar"),)))
            self._serial = max(self._serial, coming.serial)

    @classmethod
    def stored(cls, value: object) -> Conductor:
        """From the output of `view`."""
        try:
            found = msgspec.convert(value, type=_View, strict=False)  # Yjs brings whole numbers as floats
        except msgspec.MsgspecError:
            return cls()
        return cls(found.now, found.next)

    def view(self) -> dict[str, Any]:
        """The transports as the document holds them."""
        coming = self.turns[0].transport if self.turns else None
        return {"now": msgspec.to_builtins(self.now), "next": msgspec.to_builtins(coming)}

    @property
    def course(self) -> tuple[Transport, ...]:
        """The current and the promised transports, in order."""
        return (self.now, *(turn.transport for turn in self.turns))

    def at(self, ms: float) -> Transport:
        """The transport that is, or will be, in force then."""
        return next((one for one in reversed(self.course) if one.at_ms <= ms), self.now)

    def span_ms(self, tick: int, duration: int, near_ms: float) -> tuple[float, float]:
        """When something that is played about now begins and how long it is, in milliseconds, from ticks of the jam."""
        beat = tick / PPQ
        pieces = [one for one in (self._past, *self.course) if one.playing]
        found = [(one.ms_at(beat), one) for one in pieces if self._plays(one, beat)]
        if not found:
            # Of a transport that is over: as if the one of now had always been.
            found = [(self.now.at_ms + (beat - self.now.beat) * 60_000 / self.now.tempo, self.now)]
        at_ms, transport = min(found, key=lambda one: abs(one[0] - near_ms))
        return at_ms, duration / PPQ * 60_000 / transport.tempo

    def _plays(self, transport: Transport, beat: float) -> bool:
        """Whether a beat falls into the time in which a transport is in force."""
        pieces = (self._past, *self.course)
        later = next((one for one in pieces if one.serial > transport.serial), None)
        end = transport.beat_at(later.at_ms) if later else math.inf
        return transport.beat - 1e-6 <= beat < end

    def advance(self, now_ms: float) -> list[Turn]:
        """Put promised changes whose time has come in force; returns them."""
        come = [turn for turn in self.turns if turn.transport.at_ms <= now_ms]
        if come:
            del self.turns[: len(come)]
            self._past = [self.now, *(turn.transport for turn in come)][-2]
            self.now = come[-1].transport
        return come

    def conduct(self, wish: Wish, now_ms: float, notice_ms: float) -> list[Turn]:
        """Give a wish its time. Returns the turns that are new or were moved by it. Raises PeerError or QueueFull."""
        if wish.change == TransportChange():
            raise PeerError("this changes nothing of the transport")
        soon = now_ms + notice_ms
        standing = [turn for turn in self.turns if turn.transport.at_ms < soon]
        waiting = _joined([known for turn in self.turns[len(standing) :] for known in turn.wishes], wish)
        if len(waiting) > MAX_WISHES:
            raise QueueFull("too many changes of the transport wait for their time")
        base = standing[-1].transport if standing else self.now
        floor = soon if not standing else max(soon, base.at_ms + notice_ms)
        turns: list[Turn] = []
        while waiting:
            turn, waiting = self._settle(base, waiting, floor, notice_ms)
            turns.append(turn)
            base, floor = turn.transport, turn.transport.at_ms + notice_ms
        self.turns = standing + turns
        return turns

    def halt(self, at_ms: float) -> bool:
        """Stop at a time that may be past, and drop promised changes; returns whether it was playing."""
        self.turns.clear()
        if not self.now.playing:
            return False
        self._serial += 1
        self.now = _turned(
            self.now, [TransportChange(playing=False)], at_ms, self.now.beat_at(at_ms), self._serial
        )
        return True

    def _settle(
        self, base: Transport, wishes: Sequence[Wish], floor: float, notice_ms: float
    ) -> tuple[Turn, list[Wish]]:
        """The turn that comes first, and the wishes that are left."""
        places = [(_place(base, wish, floor), wish) for wish in wishes]
        first = min(at for (at, _), _ in places)
        taken = [one for one in places if one[0][0] < first + max(notice_ms, 1e-6)]
        at_ms, beat = max(place for place, _ in taken)
        self._serial += 1
        changes = [wish.change for _, wish in taken]
        turn = Turn(_turned(base, changes, at_ms, beat, self._serial), tuple(wish for _, wish in taken))
        return turn, [wish for wish in wishes if wish not in turn.wishes]


class _View(Struct, frozen=True):
    now: Transport
    next: Transport | None = None


def _place(base: Transport, wish: Wish, floor: float) -> tuple[float, float]:
    """When, and at which beat, a wish comes true, not before `floor`. Another meter begins with a bar, and a jump cuts
    no beat in two."""
    if not base.playing:
        return floor, base.beat
    meter = wish.change.beats
    when = wish.when if meter in (UNSET, base.beats) else "bar"
    if when == "now" and wish.change.bar is not UNSET:
        when = "beat"
    if when == "now":
        return floor, base.beat_at(floor)
    beat = base.next_line(base.beat_at(floor), when)
    return base.ms_at(beat), beat


def _turned(
    base: Transport, changes: Sequence[TransportChange], at_ms: float, beat: float, serial: int
) -> Transport:
    """`base` goes on from `beat` at `at_ms`, changed. The beat goes on unless a change jumps to another bar; the bar
    that it lies in keeps its number and its beginning."""
    values: dict[str, Any] = {}
    for change in changes:
        values |= given(change)
    bar = base.bar_at(beat + _NEAR)
    bar_beat = base.bar_beat + (bar - base.bar) * base.beats
    if not base.playing and values.get("playing"):
        # Music begins with a bar: the one in which it stopped.
        beat = bar_beat
    if "bar" in values:
        bar = values.pop("bar")
        beat = bar_beat = float(bar * values.get("beats", base.beats))
    return replace(base, serial=serial, at_ms=at_ms, beat=beat, bar=bar, bar_beat=bar_beat, **values)


def given(change: TransportChange) -> Mapping[str, Any]:
    """The fields that are set."""
    return {name: value for name, value in structs.asdict(change).items() if value is not UNSET}


def _joined(wishes: list[Wish], new: Wish) -> list[Wish]:
    """Wishes of one person for the same kind of line are one: a slider that is drawn does not fill the list."""
    for number, known in enumerate(wishes):
        if (known.asker, known.when) == (new.asker, new.when):
            change = TransportChange(**{**given(known.change), **given(new.change)})
            return [*wishes[:number], *wishes[number + 1 :], replace(new, change=change)]
    return [*wishes, new]


def _difference(old: Transport, new: Transport) -> TransportChange:
    names = ("playing", "tempo", "beats", "tonic", "mode")
    return TransportChange(
        **{name: getattr(new, name) for name in names if getattr(old, name) != getattr(new, name)}
    )
