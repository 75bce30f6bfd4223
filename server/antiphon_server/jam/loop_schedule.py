"""Which notes of the room's loops sound when, by the transport. Pure; the same for the band and for the record."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from antiphon_proto.document.jam import PPQ, Transport, loop_notes
from antiphon_proto.document.jam_fields import loop_faults


class LoopNote(Struct, frozen=True):
    """A note of a loop; times are milliseconds, `at_ms` server time."""

    at_ms: float
    duration_ms: float
    loop: str
    by: str
    program: int
    pitch: int
    velocity: int


class _Loop:
    """A loop's notes in order."""

    def __init__(self, key: str, fields: Mapping[str, Any]) -> None:
        self.key = key
        self.by = str(fields.get("by", ""))
        self.program = int(fields["program"])
        self.bars = int(fields["bars"])
        self.muted = bool(fields.get("muted", False))
        self.solo = bool(fields.get("solo", False))
        self.notes = sorted(loop_notes(fields["notes"]) or ())
        self.ticks = [note[0] for note in self.notes]

    def between(
        self, low: float, high: float, beats: int
    ) -> Iterator[tuple[float, tuple[int, int, int, int]]]:
        """Of [low, high) in beats since bar 0, all bars of `beats`: the beat of each note, and the note. Notes
        beyond the loop's own bars, which may have been longer when it was recorded, do not sound."""
        length = self.bars * beats
        turn = int(low // length)
        while turn * length < high:
            start = turn * length
            first = bisect_left(self.ticks, (low - start) * PPQ - 1e-6)
            last = bisect_left(self.ticks, min(high - start, length) * PPQ - 1e-6)
            for note in self.notes[first:last]:
                yield start + note[0] / PPQ, note
            turn += 1


class LoopBook:
    """The loops now, and their former versions: `replace` gives the time from which a change counts."""

    def __init__(self, loops: Mapping[str, Mapping[str, Any]]) -> None:
        self._loops = {key: _Loop(key, fields) for key, fields in loops.items() if not loop_faults(fields)}

    def replace(self, key: str, fields: Mapping[str, Any] | None) -> None:
        """A loop is new, other or, with None, gone."""
        if fields is None or loop_faults(fields):
            self._loops.pop(key, None)
        else:
            self._loops[key] = _Loop(key, fields)

    def audible(self) -> list[_Loop]:
        """Muted ones are silent, and while one is solo all that are not."""
        heard = [loop for loop in self._loops.values() if not loop.muted]
        return [loop for loop in heard if loop.solo] or heard

    def between(self, course: Sequence[Transport], from_ms: float, to_ms: float) -> list[LoopNote]:
        """The notes that begin in [from_ms, to_ms) of server time, in order. `course`: the transports that are in
        force one after the other."""
        loops = self.audible()
        if not loops:
            return []
        found: list[LoopNote] = []
        for number, transport in enumerate(course):
            start = max(from_ms, transport.at_ms)
            end = min([to_ms, *(later.at_ms for later in course[number + 1 : number + 2])])
            if transport.playing and start < end:
                for loop in loops:
                    found += _sound(loop, transport, start, end)
        return sorted(found, key=lambda note: note.at_ms)


def _sound(loop: _Loop, transport: Transport, start: float, end: float) -> Iterator[LoopNote]:
    # Bars are counted as if all had the meter of now, so that a loop begins where its bar does.
    zero = transport.bar_beat - transport.bar * transport.beats
    low, high = transport.beat_at(start) - zero, transport.beat_at(end) - zero
    beat_ms = 60_000 / transport.tempo
    for beat, (_, duration, pitch, velocity) in loop.between(max(0.0, low), high, transport.beats):
        at_ms = transport.ms_at(beat + zero)
        yield LoopNote(at_ms, duration / PPQ * beat_ms, loop.key, loop.by, loop.program, pitch, velocity)
