"""Scores and loops as MIDI files (type 1): a track with tempi, meters and chords, and one for each author.

Bars of the file are the bars of the jam while it plays; while it stands still the file goes on at the last tempo.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Final

from mido import Message, MetaMessage, MidiFile, MidiTrack, bpm2tempo

from antiphon_proto.jam import PPQ, Transport
from antiphon_server.jam.score import Score, Tempo, Track

_DRUMS: Final = 128
_DRUM_CHANNEL: Final = 9
_CHANNELS: Final = tuple(channel for channel in range(16) if channel != _DRUM_CHANNEL)
_KEYS: Final = {
    "maj": ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"),
    "min": ("Cm", "C#m", "Dm", "Ebm", "Em", "Fm", "F#m", "Gm", "G#m", "Am", "Bbm", "Bm"),
}
_Event = tuple[int, int, Message | MetaMessage]
"""Tick, order within the tick, and the event."""


def midi(score: Score, title: str) -> bytes:
    """The file."""
    clock = _Clock(score.tempos)
    first: list[_Event] = [(0, 0, MetaMessage("track_name", name=title))]
    known: list[MetaMessage] = []
    for tempo in score.tempos or (Tempo(0.0, Transport()),):
        state = _state(tempo.transport)
        first += [(clock.tick(tempo.at_ms), 1, meta) for meta in state if meta not in known]
        known = state
    first += [
        (max(0, clock.tick(at_ms)), 2, MetaMessage("marker", text=name)) for at_ms, name in score.chords
    ]
    tracks = [_events(first)]
    for number, track in enumerate(score.tracks):
        channel = _DRUM_CHANNEL if track.program == _DRUMS else _CHANNELS[number % len(_CHANNELS)]
        tracks.append(_events(_track(track, channel, clock)))
    return _file(tracks)


def loop_midi(name: str, program: int, beats: int, notes: Iterable[tuple[int, int, int, int]]) -> bytes:
    """A loop as it stands in the room: [tick, duration, pitch, velocity]."""
    channel = _DRUM_CHANNEL if program == _DRUMS else 0
    events: list[_Event] = [
        (0, 0, MetaMessage("track_name", name=name)),
        (0, 1, MetaMessage("time_signature", numerator=beats, denominator=4)),
        (0, 2, Message("program_change", channel=channel, program=program % _DRUMS)),
    ]
    for tick, duration, pitch, velocity in notes:
        events += _strike(tick, tick + duration, channel, pitch, velocity)
    return _file([_events(events)])


class _Clock:
    """Milliseconds of the score in ticks, by tempi as a MIDI file holds them: whole microseconds a beat."""

    def __init__(self, tempos: Sequence[Tempo]) -> None:
        self._pieces: list[tuple[float, float, float]] = []
        at_ms, tick, per_ms = 0.0, 0.0, 1000 * PPQ / _microseconds(Transport())
        for tempo in tempos:
            tick += (tempo.at_ms - at_ms) * per_ms
            at_ms, per_ms = tempo.at_ms, 1000 * PPQ / _microseconds(tempo.transport)
            self._pieces.append((at_ms, tick, per_ms))
        if not self._pieces or self._pieces[0][0] > 0:
            self._pieces.insert(0, (0.0, 0.0, 1000 * PPQ / _microseconds(Transport())))

    def tick(self, ms: float) -> int:
        at_ms, tick, per_ms = next(
            (piece for piece in reversed(self._pieces) if piece[0] <= ms), self._pieces[0]
        )
        return round(tick + (ms - at_ms) * per_ms)


def _microseconds(transport: Transport) -> int:
    return int(bpm2tempo(transport.tempo))


def _state(transport: Transport) -> list[MetaMessage]:
    return [
        MetaMessage("set_tempo", tempo=_microseconds(transport)),
        MetaMessage("time_signature", numerator=transport.beats, denominator=4),
        MetaMessage("key_signature", key=_KEYS[transport.mode][transport.tonic]),
    ]


def _track(track: Track, channel: int, clock: _Clock) -> list[_Event]:
    events: list[_Event] = [
        (0, 0, MetaMessage("track_name", name=track.name)),
        (0, 1, Message("program_change", channel=channel, program=track.program % _DRUMS)),
    ]
    free: dict[int, int] = {}
    for note in track.notes:
        # Two presses of a key within a tick come one tick after the other.
        start = max(clock.tick(note.start_ms), free.get(note.pitch, 0))
        free[note.pitch] = end = max(clock.tick(note.start_ms + note.duration_ms), start + 1)
        events += _strike(start, end, channel, note.pitch, note.velocity)
    return events


def _strike(start: int, end: int, channel: int, pitch: int, velocity: int) -> list[_Event]:
    """Releases stand before presses of the same tick, and every note has one tick at least."""
    return [
        (start, 4, Message("note_on", channel=channel, note=pitch, velocity=velocity)),
        (max(end, start + 1), 3, Message("note_off", channel=channel, note=pitch)),
    ]


def _events(events: list[_Event]) -> MidiTrack:
    track = MidiTrack()
    now = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=max(0, tick - now)))
        now = max(now, tick)
    track.append(MetaMessage("end_of_track"))
    return track


def _file(tracks: list[MidiTrack]) -> bytes:
    made = MidiFile(type=1, ticks_per_beat=PPQ, charset="utf-8", tracks=tracks)
    out = io.BytesIO()
    made.save(file=out)
    return out.getvalue()
