"""Scores and loops as MIDI files (type 1): a track with tempi, meters and chords, and one for each instrument.

A port has sixteen channels; tracks beyond its own go to further ports (the meta event 0x21), so that no two tracks
share a channel, its instrument or its volume.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Final

from mido import Message, MetaMessage, MidiFile, MidiTrack

from antiphon_proto.document.jam import PPQ
from antiphon_server.jam.levels import Tone
from antiphon_server.jam.score import Score, Track
from antiphon_server.jam.tempo_map import TempoMap

_DRUMS: Final = 128
_DRUM_CHANNEL: Final = 9
_CHANNELS: Final = tuple(channel for channel in range(16) if channel != _DRUM_CHANNEL)
_VOLUME, _PAN, _BRIGHTNESS = 7, 10, 74
"""Controllers."""
_KEYS: Final = {
    "maj": ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"),
    "min": ("Cm", "C#m", "Dm", "Ebm", "Em", "Fm", "F#m", "Gm", "G#m", "Am", "Bbm", "Bm"),
}
_Event = tuple[int, int, Message | MetaMessage]
"""Tick, order within the tick, and the event."""


def midi(score: Score, title: str) -> bytes:
    """The file."""
    time = score.time
    first: list[_Event] = [(0, 0, MetaMessage("track_name", name=title))]
    first += [(round(one.tick), 1, MetaMessage("set_tempo", tempo=one.microseconds)) for one in time.pieces]
    first += [
        (one.tick, 1, MetaMessage("time_signature", numerator=one.beats, denominator=4))
        for one in time.meters
    ]
    first += [
        (one.tick, 1, MetaMessage("key_signature", key=_KEYS[one.mode][one.tonic])) for one in time.keys
    ]
    first += [(time.tick(at_ms), 2, MetaMessage("marker", text=name)) for at_ms, name in score.chords]
    tracks = [_events(first)]
    ports: dict[bool, int] = {False: 0, True: 0}
    for track in score.tracks:
        drums = track.program == _DRUMS
        number, ports[drums] = ports[drums], ports[drums] + 1
        port, place = (number, 0) if drums else divmod(number, len(_CHANNELS))
        channel = _DRUM_CHANNEL if drums else _CHANNELS[place]
        tones = score.tones if track.part == "band" else ()
        tracks.append(_events(_track(track, port, channel, time, tones)))
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


def _track(track: Track, port: int, channel: int, time: TempoMap, tones: tuple[Tone, ...]) -> list[_Event]:
    program = track.kit if track.program == _DRUMS else track.program
    events: list[_Event] = [(0, 0, MetaMessage("track_name", name=track.name))]
    if port:
        events.append((0, 0, MetaMessage("midi_port", port=port)))
    events.append((0, 1, Message("program_change", channel=channel, program=program)))
    controls = [(one.at_ms, _VOLUME, one.volume) for one in track.levels]
    controls += [(one.at_ms, _PAN, one.pan) for one in track.levels]
    if any(one.brightness != 0.5 for one in tones):
        controls += [(one.at_ms, _BRIGHTNESS, one.brightness) for one in tones]
    stands: dict[int, int] = {}
    for at_ms, control, part in controls:
        value = seven_bits(part)
        if stands.get(control) != value:
            stands[control] = value
            message = Message("control_change", channel=channel, control=control, value=value)
            events.append((time.tick(at_ms), 2, message))
    free: dict[int, int] = {}
    for note in track.notes:
        # Two presses of a key within a tick come one tick after the other.
        start = max(time.tick(note.start_ms), free.get(note.pitch, 0))
        free[note.pitch] = end = max(time.tick(note.start_ms + note.duration_ms), start + 1)
        events += _strike(start, end, channel, note.pitch, note.velocity)
    return events


def seven_bits(part: float) -> int:
    """0 to 1 as a controller has it; the middle is 64."""
    return min(127, int(part * 127 + 0.5))


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
