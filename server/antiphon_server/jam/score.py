"""From the record of a jam to a score, the one model of a session: who played which notes when, on which instrument,
how loud and where they were heard, and the time under them. MIDI, sound and stems are made from it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from antiphon_proto.document.jam import SAMPLE_RATE, Transport
from antiphon_server.jam.levels import Level, Mix, ScoreNote, Tone, TrackKey
from antiphon_server.jam.program_names import program_name
from antiphon_server.jam.recording import (
    BandEnded,
    BandPlayed,
    BandSounded,
    ChordPlayed,
    JamEvent,
    KeyPlayed,
    LoopNamed,
    LoopPlayed,
    Part,
    Person,
    Turned,
)
from antiphon_server.jam.tempo_map import TempoMap, tempo_map

_LONGEST_MS: Final = 30_000.0
"""Of a key whose release the record lacks."""

_TOGETHER_MS: Final = 1.0
"""Frames so close are one take."""


class Track(Struct, frozen=True):
    """The notes of one author on one instrument; no two notes of one pitch overlap. `program` 128 is drum kit `kit`."""

    name: str
    part: Part
    key: str
    """A participant, a loop, or a role of the band."""
    author: str
    """A participant, or the run of a band."""
    program: int
    kit: int
    notes: tuple[ScoreNote, ...]
    levels: tuple[Level, ...]
    """In order; the first counts from the beginning."""


class Take(Struct, frozen=True):
    """The audible sound of a band that reports no notes: consecutive Opus packets."""

    start_ms: float
    packets: tuple[bytes, ...]


class Score(Struct, frozen=True):
    """`start_ms` is server time."""

    start_ms: float
    length_ms: float
    tracks: tuple[Track, ...]
    time: TempoMap
    chords: tuple[tuple[float, str], ...] = ()
    takes: tuple[Take, ...] = ()
    tones: tuple[Tone, ...] = ()


def score(
    events: Iterable[JamEvent],
    from_ms: float,
    to_ms: float,
    names: Mapping[str, str] | None = None,
    parts: frozenset[tuple[str, str]] | None = None,
) -> Score:
    """The audible notes that begin in [from_ms, to_ms) of server time. Where the transport plays at its beginning the
    score begins with that bar, so that its bars are the jam's. `names`: participant -> name, of those who played no
    key. `parts`: only these, as (part, key)."""
    ordered = sorted(events, key=lambda event: event.at_ms)
    turns = _turns(event for event in ordered if isinstance(event, Turned) and event.at_ms < to_ms)
    start_ms = _beginning(turns, from_ms)
    called = _Names(ordered, names or {})
    mix = Mix(ordered)
    tracks: dict[TrackKey, list[ScoreNote]] = {}
    for key, note in (*_keys(ordered, to_ms), *_loops(ordered), *_band(ordered, turns, mix)):
        chosen = parts is None or (key.part, key.key) in parts
        if chosen and from_ms <= note.start_ms < to_ms and mix.audible(key, note):
            late = ScoreNote(note.start_ms - start_ms, note.duration_ms, note.pitch, note.velocity)
            tracks.setdefault(key, []).append(late)
    several = _several(tracks)
    made = tuple(
        Track(
            called.track(key, several),
            key.part,
            key.key,
            key.author,
            key.program,
            key.kit,
            tuple(_apart(notes)),
            mix.levels(key, start_ms),
        )
        for key, notes in sorted(tracks.items())
    )
    chords = tuple(
        (event.at_ms - start_ms, event.name)
        for event in ordered
        if isinstance(event, ChordPlayed) and from_ms <= event.at_ms < to_ms
    )
    ends = [note.start_ms + note.duration_ms for track in made for note in track.notes]
    length_ms = max([to_ms - start_ms, *ends], default=0.0)
    heard = _heard(ordered, turns, from_ms, to_ms) if parts is None or ("band", "all") in parts else ()
    return Score(
        start_ms,
        length_ms,
        made,
        tempo_map(turns, start_ms),
        chords,
        tuple(_takes(heard, start_ms)),
        mix.tones(start_ms),
    )


def _turns(events: Iterable[Turned]) -> list[Transport]:
    """Each once, though the record states it again and again."""
    found: list[Transport] = []
    for event in events:
        transport = event.transport
        if found and (found[-1].serial, found[-1].at_ms) == (transport.serial, transport.at_ms):
            continue
        while found and found[-1].at_ms >= transport.at_ms:
            found.pop()
        found.append(transport)
    return found


def _beginning(turns: Sequence[Transport], from_ms: float) -> float:
    """The time of the bar line before `from_ms`, through changes of tempo; `from_ms` where nothing runs."""
    known = [transport for transport in turns if transport.at_ms <= from_ms]
    if not known or not known[-1].playing:
        return from_ms
    transport = known.pop()
    beat = transport.beat_at(from_ms)
    line = transport.bar_beat + (transport.bar_at(beat + 1e-6) - transport.bar) * transport.beats
    while known and line < transport.beat - 1e-6:
        former = known.pop()
        if not former.playing or abs(former.beat_at(transport.at_ms) - transport.beat) > 1e-3:
            break
        transport = former
    return transport.ms_at(line)


class _Names:
    """What people and loops are called."""

    def __init__(self, events: Sequence[JamEvent], members: Mapping[str, str]) -> None:
        self._people = dict(members)
        self._loops: dict[str, str] = {}
        for event in events:
            if isinstance(event, Person):
                self._people[event.participant] = event.name
            elif isinstance(event, LoopNamed):
                self._loops[event.loop] = event.name

    def track(self, key: TrackKey, several: Mapping[tuple[Part, str, str], int]) -> str:
        """The instrument is named where its author plays more than one."""
        program = program_name(key.program)
        match key.part:
            case "person":
                name = self._people.get(key.author) or "Somebody"
            case "loop":
                title = self._loops.get(key.key) or program
                name = f"{self._people.get(key.author) or 'Somebody'}: {title}"
            case "band":
                name = f"Band: {key.key}"
        more = several[key.part, key.author, key.key] > 1
        return f"{name} ({program}{f' {key.kit}' if key.kit else ''})" if more else name


def _several(keys: Iterable[TrackKey]) -> dict[tuple[Part, str, str], int]:
    counts: dict[tuple[Part, str, str], int] = {}
    for key in keys:
        counts[key.part, key.author, key.key] = counts.get((key.part, key.author, key.key), 0) + 1
    return counts


def _keys(events: Sequence[JamEvent], to_ms: float) -> Iterable[tuple[TrackKey, ScoreNote]]:
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


def _note(pressed: KeyPlayed, end_ms: float) -> tuple[TrackKey, ScoreNote]:
    duration = min(end_ms - pressed.at_ms, _LONGEST_MS)
    key = TrackKey("person", pressed.participant, pressed.participant, pressed.program)
    return key, ScoreNote(pressed.at_ms, duration, pressed.pitch, pressed.velocity)


def _loops(events: Sequence[JamEvent]) -> Iterable[tuple[TrackKey, ScoreNote]]:
    for event in events:
        if isinstance(event, LoopPlayed):
            key = TrackKey("loop", event.by, event.loop, event.program)
            yield key, ScoreNote(event.at_ms, event.duration_ms, event.pitch, event.velocity)


def _band(
    events: Sequence[JamEvent], turns: Sequence[Transport], mix: Mix
) -> Iterable[tuple[TrackKey, ScoreNote]]:
    """The audible notes of the band: notes that it had promised after a stop, or after its end, are left out."""
    ended = {event.run: event.at_ms for event in events if isinstance(event, BandEnded)}
    at = 0
    playing = True
    for event in events:
        if not isinstance(event, BandPlayed):
            continue
        while at < len(turns) and turns[at].at_ms <= event.at_ms:
            playing = turns[at].playing
            at += 1
        if playing and event.at_ms < ended.get(event.run, event.at_ms + 1):
            key = TrackKey("band", event.run, event.role, *mix.instrument(event))
            yield key, ScoreNote(event.at_ms, event.duration_ms, event.pitch, event.velocity)


def _heard(
    events: Sequence[JamEvent], turns: Sequence[Transport], from_ms: float, to_ms: float
) -> Iterable[BandSounded]:
    """Frames of bands that told no notes at all, while the transport played."""
    told = {event.run for event in events if isinstance(event, BandPlayed)}
    at = 0
    playing = True
    for event in events:
        if isinstance(event, BandSounded) and event.run not in told and from_ms <= event.at_ms < to_ms:
            while at < len(turns) and turns[at].at_ms <= event.at_ms:
                playing = turns[at].playing
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
