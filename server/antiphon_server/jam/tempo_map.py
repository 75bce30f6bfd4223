"""The time of a score as a file has it: ticks for milliseconds, with tempi and meters that keep every note on its grid.

A file has one row of bars; a jam stops, starts again, and jumps. What was played while the transport ran keeps its
beats exactly. A time in which it stood still becomes whole bars (whole beats where it is shorter than a bar), at the
tempo that makes them last as long as it did. A bar that a jump cuts short gets a meter of its own.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

from msgspec import Struct

from antiphon_proto.document.jam import PPQ, Transport

_SAME = 1e-3
"""Beats that count as none."""


class Piece(Struct, frozen=True):
    """From `at_ms` of the score, which is tick `tick`, ticks go by at `per_ms` a millisecond."""

    at_ms: float
    tick: float
    per_ms: float

    @property
    def microseconds(self) -> int:
        """Of a quarter note."""
        return max(1, min(0xFFFFFF, round(1000 * PPQ / self.per_ms)))


class Meter(Struct, frozen=True):
    """Bars of `beats` quarter notes from tick `tick` on."""

    tick: int
    beats: int


class Key(Struct, frozen=True):
    tick: int
    tonic: int
    mode: str


class TempoMap(Struct, frozen=True):
    """Each list begins at tick 0."""

    pieces: tuple[Piece, ...]
    meters: tuple[Meter, ...]
    keys: tuple[Key, ...]

    def tick(self, ms: float) -> int:
        """The tick of a time of the score; 0 for times before it."""
        at = max(0, bisect_right(self.pieces, ms, key=lambda piece: piece.at_ms) - 1)
        piece = self.pieces[at]
        return max(0, round(piece.tick + (ms - piece.at_ms) * piece.per_ms))


def tempo_map(transports: Sequence[Transport], start_ms: float) -> TempoMap:
    """Of a score that begins at `start_ms` of server time; where a transport plays then, with one of its bars."""
    known = [one for one in transports if one.at_ms <= start_ms]
    first = known[-1] if known else _still(transports[0]) if transports else Transport()
    course = [first, *(one for one in transports if one.at_ms > start_ms)]
    made = _Making(first)
    for number, transport in enumerate(course):
        begin = max(0.0, transport.at_ms - start_ms)
        later = course[number + 1 : number + 2]
        made.add(transport, begin, later[0].at_ms - start_ms if later else math.inf, start_ms)
    return made.done()


def _still(coming: Transport) -> Transport:
    """Before the first transport that is known: its tempo, meter and key."""
    return Transport(tempo=coming.tempo, beats=coming.beats, tonic=coming.tonic, mode=coming.mode)


class _Making:
    """A map that grows, piece by piece."""

    def __init__(self, first: Transport) -> None:
        self._pieces: list[Piece] = []
        self._meters = [Meter(0, first.beats)]
        self._keys: list[Key] = []
        self._tick = 0.0
        self._line = 0.0
        """Tick of the last bar line."""
        self._beats = first.beats
        self._last: Transport | None = None
        """The transport that ran until now, if one did."""
        self._still: tuple[float, float] | None = None
        """Since when, in milliseconds of the score, none runs, and the tempo until then."""

    def add(self, transport: Transport, begin: float, end: float, start_ms: float) -> None:
        """`transport` is in force from `begin` to `end`, in milliseconds of the score."""
        if not transport.playing:
            if self._still is None:
                self._still = begin, transport.tempo
            self._last = None
            if math.isinf(end):
                self._pause(end, transport, 0.0)
            self._key(transport)
            return
        beat = transport.beat_at(start_ms + begin)
        place = (beat - transport.bar_beat) % transport.beats
        place = 0.0 if transport.beats - place < _SAME else place
        if self._still is not None:
            self._pause(begin, transport, place * PPQ)
            self._still = None
        elif self._last is not None and abs(self._last.beat_at(start_ms + begin) - beat) > _SAME:
            self._cut(begin, self._last)
            self._line = self._tick - place * PPQ
        if transport.beats != self._beats:
            self._cut(begin, transport)
        self._turn(transport.beats)
        self._key(transport)
        self._run(begin, transport.tempo)
        if math.isfinite(end):
            self._go((end - begin) * transport.tempo / 60_000 * PPQ)
        self._last = transport

    def done(self) -> TempoMap:
        return TempoMap(tuple(self._pieces), tuple(self._meters), tuple(self._keys))

    def _run(self, begin: float, tempo: float) -> None:
        self._piece(Piece(begin, self._tick, tempo * PPQ / 60_000))

    def _piece(self, piece: Piece) -> None:
        while self._pieces and self._pieces[-1].at_ms >= piece.at_ms:
            self._pieces.pop()
        if not self._pieces or self._pieces[-1].per_ms != piece.per_ms or piece.tick != self._expected(piece):
            self._pieces.append(piece)

    def _expected(self, piece: Piece) -> float:
        last = self._pieces[-1]
        return last.tick + (piece.at_ms - last.at_ms) * last.per_ms

    def _go(self, ticks: float) -> None:
        """So many ticks of the meter in force go by."""
        self._tick += ticks
        bar = self._beats * PPQ
        self._line += math.floor((self._tick - self._line) / bar + _SAME / bar) * bar

    def _pause(self, end: float, transport: Transport, place: float) -> None:
        """Nothing ran until `end`; then the music stands `place` ticks after a bar line."""
        assert self._still is not None
        begin, tempo = self._still
        if math.isinf(end) or end - begin <= 0:
            self._run(begin, tempo)
            return
        natural = (end - begin) * tempo / 60_000 * PPQ
        bar, inside = self._beats * PPQ, self._tick - self._line
        rest = (bar - inside) % bar if inside > _SAME * PPQ else 0.0
        if natural < bar and place == 0.0:
            # Whole beats, counted from the last line: short of a bar nobody would want to wait for one.
            beats = max(math.floor(inside / PPQ + 1e-6) + 1, round((inside + natural) / PPQ))
            ticks = beats * PPQ - inside
            self._piece(Piece(begin, self._tick, ticks / (end - begin)))
            self._tick += ticks
            whole, short = divmod(beats, self._beats)
            self._line += whole * bar
            self._shorten(short)
            return
        long = transport.beats * PPQ
        bars = max(0, round((natural - rest - place) / long))
        if rest + place + bars * long <= 0:
            bars = 1
        ticks = rest + place + bars * long
        self._piece(Piece(begin, self._tick, ticks / (end - begin)))
        self._line = self._tick + rest
        if transport.beats != self._beats:
            self._beats = transport.beats
            self._mark(self._line, self._beats)
        self._line += bars * long
        self._tick += ticks

    def _shorten(self, beats: int) -> None:
        """The open bar ends here, after `beats`; another begins."""
        if beats:
            self._mark(self._line, beats)
            self._line = self._tick
            self._mark(self._line, self._beats)

    def _cut(self, now: float, transport: Transport) -> None:
        """The open bar ends at `now`; what is left of a beat is drawn out to a whole one."""
        inside = self._tick - self._line
        if inside < _SAME * PPQ:
            return
        beats = math.floor(inside / PPQ + _SAME)
        part = inside - beats * PPQ
        if part > _SAME * PPQ and self._pieces:
            last = self._pieces[-1]
            since = max(last.at_ms, now - part / last.per_ms)
            tick = last.tick + (since - last.at_ms) * last.per_ms
            beats += 1
            left = self._line + beats * PPQ - tick
            if now > since:
                self._piece(Piece(since, tick, left / (now - since)))
            self._tick = self._line + beats * PPQ
        if beats == self._beats:
            self._line = self._tick
        else:
            self._shorten(beats)

    def _turn(self, beats: int) -> None:
        if beats != self._beats:
            self._beats = beats
            self._mark(self._line, beats)

    def _mark(self, tick: float, beats: int) -> None:
        while self._meters and self._meters[-1].tick >= round(tick):
            self._meters.pop()
        if not self._meters or self._meters[-1].beats != beats:
            self._meters.append(Meter(round(tick), beats))

    def _key(self, transport: Transport) -> None:
        key = Key(round(self._tick) if self._keys else 0, transport.tonic, transport.mode)
        if not self._keys or (self._keys[-1].tonic, self._keys[-1].mode) != (key.tonic, key.mode):
            self._keys.append(key)
