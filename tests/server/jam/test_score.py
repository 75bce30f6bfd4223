"""The one model of a session: what people, loops and the band did comes back from a MIDI file as it was."""

from __future__ import annotations

import io
import random
from bisect import bisect_right
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from mido import MidiFile

from antiphon_proto.document.jam import BAND_ROLES, PPQ, BandRole, BandVoice, TransportChange
from antiphon_server.jam.midi import midi, seven_bits
from antiphon_server.jam.recording import (
    BandPlayed,
    BandVoiced,
    JamEvent,
    KeyPlayed,
    LoopNamed,
    LoopPlayed,
    Mixed,
    Person,
    Turned,
)
from antiphon_server.jam.score import score
from antiphon_server.jam.transport import Conductor, Wish

NOTICE = 150.0


class Read(NamedTuple):
    """A note of a MIDI file: its track, program and kit, controllers at its beginning, and its times."""

    track: str
    drums: bool
    program: int
    volume: int
    pan: int
    pitch: int
    velocity: int
    tick: int
    end: int


class File:
    """A MIDI file, read with nothing but what it says."""

    def __init__(self, data: bytes) -> None:
        self.midi = MidiFile(file=io.BytesIO(data), charset="utf-8")
        self.notes: list[Read] = []
        self.places: list[tuple[int, int]] = []
        """Port and channel of each track."""
        tick = 0
        self.tempos: list[tuple[int, float, float]] = []
        self.meters: list[tuple[int, int]] = []
        for message in self.midi.tracks[0]:
            tick += message.time
            if message.type == "set_tempo":
                self.tempos.append((tick, self.ms(tick) if self.tempos else 0.0, message.tempo / 1000 / PPQ))
            elif message.type == "time_signature":
                self.meters.append((tick, message.numerator))
        for track in self.midi.tracks[1:]:
            self._track(track)

    def _track(self, track: list) -> None:
        tick, port, channels = 0, 0, set()
        state = {"program": 0, 7: 100, 10: 64}
        held: dict[int, Read] = {}
        name = ""
        for message in track:
            tick += message.time
            if hasattr(message, "channel"):
                channels.add(message.channel)
            match message.type:
                case "track_name":
                    name = message.name
                case "midi_port":
                    port = message.port
                case "program_change":
                    state["program"] = message.program
                case "control_change":
                    state[message.control] = message.value
                case "note_on":
                    assert message.note not in held
                    held[message.note] = Read(
                        name, message.channel == 9, state["program"], state[7], state[10], message.note,
                        message.velocity, tick, tick,
                    )  # fmt: skip
                case "note_off":
                    self.notes.append(held.pop(message.note)._replace(end=tick))
        assert not held
        [channel] = channels
        self.places.append((port, channel))

    def ms(self, tick: int) -> float:
        at = bisect_right(self.tempos, tick, key=lambda one: one[0]) - 1
        start, ms, per_tick = self.tempos[at]
        return ms + (tick - start) * per_tick

    def place(self, tick: int) -> float:
        """Beats since the bar line before a tick."""
        start, beats = self.meters[bisect_right(self.meters, tick, key=lambda one: one[0]) - 1]
        return (tick - start) / PPQ % beats


class Played(NamedTuple):
    at_ms: float
    place: float | None
    """Beats after its bar line; None while nothing ran."""
    pitch: int
    velocity: int


ACTS = st.one_of(
    st.tuples(st.just("wait"), st.floats(1, 20_000)),
    st.tuples(st.just("play"), st.none()),
    st.tuples(st.just("stop"), st.sampled_from(["now", "bar"])),
    st.tuples(st.just("tempo"), st.floats(30, 300)),
    st.tuples(st.just("beats"), st.integers(2, 7)),
    st.tuples(st.just("bar"), st.integers(0, 40)),
    st.tuples(st.just("note"), st.integers(0, 15)),
)


@settings(deadline=None, max_examples=120)
@given(st.lists(ACTS, min_size=3, max_size=30))
def test_notes_of_the_beat_are_on_the_grid_of_the_file_and_at_their_time(
    acts: list[tuple[str, object]],
) -> None:
    """Whatever was played, stopped, begun again and changed in between."""
    now = 1_000_000.0
    conductor = Conductor()
    events: list[JamEvent] = [Person(now, "ann", "Ann")]
    played: list[Played] = []

    def go(until: float) -> None:
        nonlocal now
        while conductor.turns and conductor.turns[0].transport.at_ms <= until:
            for turn in conductor.advance(conductor.turns[0].transport.at_ms):
                events.append(Turned(turn.transport.at_ms, turn.transport))
        now = until

    def ask(when: str, change: TransportChange) -> None:
        conductor.conduct(Wish(0, "ann", change, when), now, NOTICE)

    for kind, value in acts:
        match kind, value:
            case "wait", float(ms):
                go(now + ms)
            case "play", _:
                ask("now", TransportChange(playing=True))
            case "stop", str(when):
                ask(when, TransportChange(playing=False))
            case "tempo", float(tempo):
                ask("now", TransportChange(tempo=tempo))
            case "beats", int(beats):
                ask("bar", TransportChange(beats=beats))
            case "bar", int(bar):
                ask("now", TransportChange(bar=bar))
            case "note", int(sixteenth):
                transport = conductor.now
                at_ms, place = now, None
                if transport.playing:
                    beat = transport.next_line(transport.beat_at(now), "beat") + sixteenth / 4
                    at_ms = transport.ms_at(beat)
                    if conductor.turns and conductor.turns[0].transport.at_ms <= at_ms + 0.5:
                        continue
                    place = (beat - transport.bar_beat) % transport.beats
                    go(at_ms)
                pitch = 36 + len(played) % 60
                played.append(Played(at_ms, place, pitch, 1 + len(played) % 127))
                events += [
                    KeyPlayed(at_ms, "ann", 5, pitch, played[-1].velocity),
                    KeyPlayed(at_ms + 40, "ann", 5, pitch, 0),
                ]
                now = at_ms + 50
                go(now)
    if not played:
        return
    first = min(min(one.at_ms for one in played), *(e.at_ms for e in events if isinstance(e, Turned)), now)
    made = score(events, first, now + 1000)
    file = File(midi(made, "Jam"))
    assert file.tempos[0][0] == file.meters[0][0] == 0
    assert len(file.notes) == len(played)
    for read, one in zip(file.notes, played, strict=True):
        assert (read.pitch, read.velocity, read.program, read.track) == (one.pitch, one.velocity, 5, "Ann")
        # A tick of the slowest tempo is 4 ms; a tempo is a whole number of microseconds.
        assert abs(file.ms(read.tick) - (one.at_ms - made.start_ms)) < 8.5
        if one.place is not None:
            assert abs(file.place(read.tick) - one.place) < 1.5 / PPQ


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32))
def test_instruments_volumes_places_and_names_come_back(seed: int) -> None:
    dice = random.Random(seed)
    people = [f"p{number}" for number in range(dice.randint(1, 24))]
    events: list[JamEvent] = [Person(0.0, one, f"Name of {one}") for one in people[: len(people) // 2]]
    names = {one: f"Name of {one}" for one in people}
    now = 1000.0
    wanted: list[tuple[str, bool, int, float, float, int, int]] = []
    strips: dict[tuple[str, str], tuple[float, float]] = {}
    titles: dict[str, str] = {}
    voices: dict[BandRole, BandVoice] = {}
    for number in range(dice.randint(5, 60)):
        now += 100
        pitch, velocity = dice.randint(0, 127), dice.randint(1, 127)
        volume, pan = dice.choice([0.0, dice.random(), 1.0]), dice.random()
        program = dice.choice([0, 56, 128])
        match dice.randint(0, 4):
            case 0 | 1:
                who = dice.choice(people)
                if ("person", who) not in strips or dice.random() < 0.5:
                    strips["person", who] = volume, pan
                    events.append(Mixed(now, "person", who, volume, pan))
                press = KeyPlayed(now, who, program, pitch, velocity)
                events += [press, KeyPlayed(now + 50, who, program, pitch, 0)]
                kit = program == 128
                level = strips["person", who]
                wanted.append((names[who], kit, 0 if kit else program, *level, pitch, velocity))
            case 2:
                loop, who = f"l{number % 3}", people[number % 3 % len(people)]
                if loop not in titles:
                    titles[loop] = f"Riff {loop}"
                    events.append(LoopNamed(now, loop, who, titles[loop]))
                    events.append(Mixed(now, "loop", loop, volume, pan))
                    strips["loop", loop] = volume, pan
                events.append(LoopPlayed(now, 60.0, loop, who, 19, pitch, velocity))
                wanted.append(
                    (f"{names[who]}: {titles[loop]}", False, 19, *strips["loop", loop], pitch, velocity)
                )
            case _:
                if not voices or dice.random() < 0.3:
                    voices = {
                        role: BandVoice(
                            role,
                            128 if role == "drums" else dice.choice([26, 32, 66]),
                            dice.choice([0, 8]) if role == "drums" else 0,
                            dice.choice([0.0, 1.0, 0.4]),
                            dice.random(),
                        )
                        for role in BAND_ROLES
                    }
                    events.append(BandVoiced(now, "run", 0.5, tuple(voices.values())))
                role = dice.choice(BAND_ROLES)
                events.append(BandPlayed(now, 70.0, "run", role, 80, pitch, velocity))
                voice = voices[role]
                program = voice.kit if role == "drums" else voice.program
                wanted.append(
                    (f"Band: {role}", role == "drums", program, voice.volume, voice.pan, pitch, velocity)
                )
    made = score(events, 0.0, now + 1000, names)
    file = File(midi(made, "Jam"))
    assert len(set(file.places)) == len(file.places)
    found = sorted(
        (
            one.tick,
            one.track.split(" (")[0],
            one.drums,
            one.program,
            one.volume,
            one.pan,
            one.pitch,
            one.velocity,
        )
        for one in file.notes
    )
    heard = [one for one in wanted if one[3] > 0]
    assert [one[1:] for one in found] == [
        (name, drums, program, seven_bits(volume), seven_bits(pan), pitch, velocity)
        for name, drums, program, volume, pan, pitch, velocity in heard
    ]
