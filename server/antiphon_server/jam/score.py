"""From the record of a jam to a score: who played which notes when, track by track, and the tempo under them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct

from antiphon_proto.jam import SAMPLE_RATE, Transport
from antiphon_server.jam.recording import (
    BandEnded,
    BandPlayed,
    BandSounded,
    ChordPlayed,
    JamEvent,
    KeyPlayed,
    LoopPlayed,
    Person,
    Turned,
)

_LONGEST_MS: Final = 30_000.0
"""Of a key whose release the record lacks."""
_PAUSE_MS: Final = 600_000.0
"""Ten minutes in which nothing happens part two sessions."""

_TOGETHER_MS: Final = 1.0
"""Frames so close are one take."""

Part = Literal["person", "loop", "band"]


class ScoreNote(Struct, frozen=True, array_like=True):
    """Times are milliseconds, `start_ms` from the beginning of the score."""

    start_ms: float
    duration_ms: float
    pitch: int
    velocity: int


class Track(Struct, frozen=True):
    """The notes of one author on one instrument; no two notes of one pitch overlap."""

    name: str
    part: Part
    author: str
    """A participant, or the run of a band."""
    program: int
    notes: tuple[ScoreNote, ...]


class Take(Struct, frozen=True):
    """The audible sound of a band that reports no notes: consecutive Opus packets."""

    start_ms: float
    packets: tuple[bytes, ...]


class Tempo(Struct, frozen=True):
    """From `at_ms` of the score on."""

    at_ms: float
    transport: Transport


class Score(Struct, frozen=True):
    """`start_ms` is server time."""

    start_ms: float
    length_ms: float
    tracks: tuple[Track, ...]
    tempos: tuple[Tempo, ...]
    chords: tuple[tuple[float, str], ...] = ()
    takes: tuple[Take, ...] = ()


def session(events: Sequence[JamEvent]) -> tuple[float, float]:
    """[from, to) of the last session: from the last long pause on."""
    spans = sorted(_span(event) for event in events if not isinstance(event, Person))
    if not spans:
        return 0.0, 0.0
    start, end = spans[0]
    for low, high in spans:
        if low - end > _PAUSE_MS:
            start = low
        end = max(end, high)
    return start, end + 1


def score(
    events: Iterable[JamEvent], from_ms: float, to_ms: float, loops: Mapping[str, str] | None = None
) -> Score:
    """The notes that begin in [from_ms, to_ms) of server time. Where the transport plays at its beginning the score
    begins with that bar, so that its bars are the jam's. `loops`: loop id -> its name."""
    ordered = sorted(events, key=lambda event: event.at_ms)
    turns = [event for event in ordered if isinstance(event, Turned) and event.at_ms < to_ms]
    start_ms = _beginning(turns, from_ms)
    names = {event.participant: event.name for event in ordered if isinstance(event, Person)}
    tracks: dict[tuple[Part, str, str, int], list[ScoreNote]] = {}
    for key, note in (*_keys(ordered, to_ms), *_loops(ordered), *_band(ordered, turns)):
        if from_ms <= note.start_ms < to_ms:
            late = ScoreNote(note.start_ms - start_ms, note.duration_ms, note.pitch, note.velocity)
            tracks.setdefault(key, []).append(late)
    names |= {f"loop {key}": name for key, name in (loops or {}).items()}
    made = tuple(_track(key, notes, names) for key, notes in sorted(tracks.items()))
    chords = tuple(
        (event.at_ms - start_ms, event.name)
        for event in ordered
        if isinstance(event, ChordPlayed) and from_ms <= event.at_ms < to_ms
    )
    ends = [note.start_ms + note.duration_ms for track in made for note in track.notes]
    length_ms = max([to_ms - start_ms, *ends], default=0.0)
    takes = tuple(_takes(_heard(ordered, turns, from_ms, to_ms), start_ms))
    return Score(start_ms, length_ms, made, _tempos(turns, start_ms), chords, takes)


def _span(event: JamEvent) -> tuple[float, float]:
    return event.at_ms, event.at_ms + getattr(event, "duration_ms", 0.0)


def _beginning(turns: Sequence[Turned], from_ms: float) -> float:
    known = [turn.transport for turn in turns if turn.at_ms <= from_ms]
    if not known or not known[-1].playing:
        return from_ms
    transport = known[-1]
    beat = transport.beat_at(from_ms)
    line = transport.bar_beat + (transport.bar_at(beat + 1e-6) - transport.bar) * transport.beats
    return transport.ms_at(line)


def _tempos(turns: Sequence[Turned], start_ms: float) -> tuple[Tempo, ...]:
    """Each once, though the record states it again and again."""
    found: list[Tempo] = []
    for turn in turns:
        tempo = Tempo(max(0.0, turn.at_ms - start_ms), turn.transport)
        if found and (found[-1].at_ms == tempo.at_ms or found[-1].transport == tempo.transport):
            found.pop()
        found.append(tempo)
    return tuple(found)


_Key = tuple[Part, str, str, int]
"""Part, author, their instrument or loop, and program."""


def _keys(events: Sequence[JamEvent], to_ms: float) -> Iterable[tuple[_Key, ScoreNote]]:
    """Presses and releases as notes."""
    held: dict[tuple[str, int], KeyPlayed] = {}
    for event in events:
        if not isinstance(event, KeyPlayed):
            continue
        place = event.participant, event.pitch
        if (pressed := held.pop(place, None)) is not None:
            yield _note(pressed, event.at_ms)
        if event.velocity:
            held[place] = event
    for pressed in held.values():
        yield _note(pressed, max(to_ms, pressed.at_ms + 1))


def _note(pressed: KeyPlayed, end_ms: float) -> tuple[_Key, ScoreNote]:
    duration = min(end_ms - pressed.at_ms, _LONGEST_MS)
    key: _Key = ("person", pressed.participant, "", pressed.program)
    return key, ScoreNote(pressed.at_ms, duration, pressed.pitch, pressed.velocity)


def _loops(events: Sequence[JamEvent]) -> Iterable[tuple[_Key, ScoreNote]]:
    for event in events:
        if isinstance(event, LoopPlayed):
            key: _Key = ("loop", event.by, event.loop, event.program)
            yield key, ScoreNote(event.at_ms, event.duration_ms, event.pitch, event.velocity)


def _band(events: Sequence[JamEvent], turns: Sequence[Turned]) -> Iterable[tuple[_Key, ScoreNote]]:
    """The audible notes of the band: notes that it had promised after a stop, or after its end, are left out."""
    ended = {event.run: event.at_ms for event in events if isinstance(event, BandEnded)}
    at = 0
    playing = True
    for event in events:
        if not isinstance(event, BandPlayed):
            continue
        while at < len(turns) and turns[at].at_ms <= event.at_ms:
            playing = turns[at].transport.playing
            at += 1
        if playing and event.at_ms < ended.get(event.run, event.at_ms + 1):
            key: _Key = ("band", event.run, event.role, event.program)
            yield key, ScoreNote(event.at_ms, event.duration_ms, event.pitch, event.velocity)


def _heard(
    events: Sequence[JamEvent], turns: Sequence[Turned], from_ms: float, to_ms: float
) -> Iterable[BandSounded]:
    """Frames of bands that told no notes at all, while the transport played."""
    told = {event.run for event in events if isinstance(event, BandPlayed)}
    at = 0
    playing = True
    for event in events:
        if isinstance(event, BandSounded) and event.run not in told and from_ms <= event.at_ms < to_ms:
            while at < len(turns) and turns[at].at_ms <= event.at_ms:
                playing = turns[at].transport.playing
                at += 1
            if playing:
                yield event


def _takes(frames: Iterable[BandSounded], start_ms: float) -> Iterable[Take]:
    """Frames that follow each other, in one take."""
    packets: list[bytes] = []
    begin = end = float("-inf")
    for frame in frames:
        if packets and abs(frame.at_ms - end) > _TOGETHER_MS:
            yield Take(begin - start_ms, tuple(packets))
            packets = []
        if not packets:
            begin = frame.at_ms
        packets.append(frame.opus)
        end = frame.at_ms + frame.samples * 1000 / SAMPLE_RATE
    if packets:
        yield Take(begin - start_ms, tuple(packets))


def _track(key: _Key, notes: list[ScoreNote], names: dict[str, str]) -> Track:
    part, author, what, program = key
    person = names.get(author, author)
    name = {
        "person": person,
        "loop": f"{person}: {names.get(f'loop {what}', f'loop {what}')}",
        "band": f"Band: {what}",
    }[part]
    return Track(name, part, author, program, tuple(_apart(notes)))


def _apart(notes: list[ScoreNote]) -> list[ScoreNote]:
    """In order; a note ends where the next of its pitch begins."""
    found: list[ScoreNote] = []
    later: dict[int, float] = {}
    for note in sorted(notes, key=lambda one: (one.start_ms, one.pitch), reverse=True):
        end_ms = min(note.start_ms + note.duration_ms, later.get(note.pitch, float("inf")))
        if end_ms > note.start_ms:
            found.append(ScoreNote(note.start_ms, end_ms - note.start_ms, note.pitch, note.velocity))
        later[note.pitch] = note.start_ms
    return found[::-1]
