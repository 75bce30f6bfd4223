"""The record of a jam: bounded, kept over restarts, and exported as it was played."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import av
import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mido import MidiFile
from pycrdt import Map

from antiphon_engines.api import Performed
from antiphon_engines.audio.opus import OpusEncoder
from antiphon_proto.document.jam import PPQ, BandNote, NoteEvent, Transport, TransportChange
from antiphon_proto.messages import Conduct, Conducted, Perform, Play, Played
from antiphon_server.jam.midi import midi
from antiphon_server.jam.recording import (
    BandEnded,
    BandPlayed,
    JamEvent,
    JamLog,
    KeyPlayed,
    LoopNamed,
    LoopPlayed,
    Person,
    SessionNamed,
    Turned,
    read,
)
from antiphon_server.jam.score import Score, score
from antiphon_server.jam.sessions import sessions
from antiphon_server.jam_settings import JamSettings
from antiphon_server.room_limits import RoomLimits
from antiphon_server.store.api import JamEntry, JamTrim
from support.replica import NativeReplica
from support.rooms import House
from support.server import LiveServer, bearer, running

LOOP = {"program": 4, "bars": 1, "beats": 4, "notes": [[0, 480, 48, 70], [960, 480, 52, 60]], "name": "bass"}


def key(at_ms: float, pitch: int, velocity: int, who: str = "ann", program: int = 0) -> KeyPlayed:
    return KeyPlayed(at_ms, who, program, pitch, velocity)


# The record ---------------------------------------------------------------------------------------------


def test_the_oldest_goes_when_the_record_is_full() -> None:
    changes: list[JamEntry | JamTrim] = []
    log = JamLog([(5, 100), (6, 100)], changes.append, max_bytes=600, max_batches=4)
    for number in range(40):
        log.add(key(1000.0 * number, 60, 1))
        log.flush()
    log.flush()
    entries = [change for change in changes if isinstance(change, JamEntry)]
    assert [entry.seq for entry in entries] == list(range(7, 47))
    assert read(entries[3]) == [key(3000.0, 60, 1)]
    assert (entries[3].from_ms, entries[3].to_ms) == (3000, 3001)
    last = [change for change in changes if isinstance(change, JamTrim)][-1]
    kept = [entry for entry in entries if entry.seq >= last.first]
    assert 1 <= len(kept) <= 4
    assert sum(len(entry.body) for entry in kept) <= 600


def test_a_store_that_refuses_costs_the_oldest_events_and_no_memory() -> None:
    changes: list[JamEntry | JamTrim] = []
    open_ = [False]
    log = JamLog([], changes.append, max_bytes=10**9, max_batches=100, writable=lambda: open_[0])
    for number in range(30_000):
        log.add(key(float(number), 60, 1))
    assert not changes
    open_[0] = True
    log.flush()
    [entry] = changes
    assert isinstance(entry, JamEntry)
    events = read(entry)
    assert len(events) == 20_000
    assert events[-1].at_ms == 29_999.0


def test_what_people_and_loops_played_survives_a_restart() -> None:
    house = House(RoomLimits(jam=JamSettings()))
    ann = house.join(NativeReplica("Ann", "owner", 11))
    ann.send(house.room, Conduct(1, TransportChange(playing=True, tempo=120.0), "now"))
    ann.receive()
    began = ann.of(Conducted)[0].at_ms
    before = ann.doc.get_state()
    root = ann.doc.get("jam", type=Map)
    with ann.doc.transaction():
        root["loops"] = Map({"a": Map(LOOP)})
        root["players"] = Map({ann.participant: {"program": 24}})
    ann.send_update(house.room, ann.doc.get_update(before))
    now = house.room.context.server_ms()
    ann.send(house.room, Play((NoteEvent(now, 60, 90), NoteEvent(now + 500, 60, 0))))
    for _ in range(45):
        house.clock.advance(0.1)
        house.room.sweep()
    house.restart()
    ann.connect(house.room)
    ann.send(house.room, Play((NoteEvent(house.room.context.server_ms(), 62, 90),)))
    house.room.sweep()
    entries = house.store._jams["room"]
    assert sorted(entries) == list(range(1, len(entries) + 1))
    events = [event for seq in sorted(entries) for event in read(entries[seq])]
    assert [event.name for event in events if isinstance(event, Person)] == ["Ann", "Ann"]
    keys = [event for event in events if isinstance(event, KeyPlayed)]
    assert [(event.pitch, event.program) for event in keys][:2] == [(60, 24), (60, 24)]
    loops = [event for event in events if isinstance(event, LoopPlayed)]
    assert [(event.at_ms - began, event.pitch, event.by) for event in loops] == [
        (0.0, 48, ann.participant),
        (1000.0, 52, ann.participant),
        (2000.0, 48, ann.participant),
        (3000.0, 52, ann.participant),
        (4000.0, 48, ann.participant),
    ]
    turned = [event for event in events if isinstance(event, Turned)]
    assert turned[0].by == (ann.participant,)
    assert turned[0].transport.tempo == 120.0


def test_a_key_that_nobody_lets_go_ends_for_the_others_and_in_the_record() -> None:
    house = House(RoomLimits(jam=JamSettings(longest_key=5)))
    ann = house.join(NativeReplica("Ann", "owner", 11))
    bo = house.join(NativeReplica("Bo", "editor", 12))
    now = house.room.context.server_ms()
    ann.send(house.room, Play((NoteEvent(now, 60, 90), NoteEvent(now, 64, 90), NoteEvent(now + 100, 64, 0))))
    for _ in range(7):
        house.clock.advance(1.0)
        house.room.sweep()
    house.tick(1)
    bo.receive()
    heard = [event for message in bo.of(Played) for event in message.events]
    assert [(event.pitch, event.velocity) for event in heard][-1] == (60, 0)
    ann.send(house.room, Play((NoteEvent(house.room.context.server_ms(), 60, 0),)))
    house.tick(1)
    bo.receive()
    assert len([event for message in bo.of(Played) for event in message.events]) == 4, "and it ends once"


# Scores -------------------------------------------------------------------------------------------------


def test_a_score_pairs_keys_and_leaves_out_what_was_not_heard() -> None:
    events: list[JamEvent] = [
        Person(0.0, "ann", "Ann"),
        Turned(1000.0, Transport(1, True, 1000.0, 0.0, tempo=120.0)),
        key(2000.0, 60, 90),
        key(2200.0, 60, 80),  # again, while it sounds
        key(2500.0, 60, 0),
        key(2600.0, 61, 70),  # never released
        BandPlayed(2000.0, 400.0, "r1", "bass", 33, 40, 80),
        BandPlayed(3500.0, 400.0, "r1", "bass", 33, 41, 80),
        Turned(3000.0, Transport(2, False, 3000.0, 4.0, tempo=120.0)),
        BandEnded(3100.0, "r1"),
        LoopPlayed(2000.0, 900.0, "a", "bo", 4, 48, 70),
        LoopPlayed(2500.0, 900.0, "a", "bo", 4, 48, 70),
    ]
    events.append(LoopNamed(1000.0, "a", "bo", "riff"))
    made = score(events, 2000.0, 4000.0, {"bo": "Bo"})
    assert made.start_ms == 1000.0  # the bar that 2000 ms is in
    notes = {track.name: [tuple(_fields(note)) for note in track.notes] for track in made.tracks}
    assert notes == {
        "Ann": [(1000.0, 200.0, 60, 90), (1200.0, 300.0, 60, 80), (1600.0, 1400.0, 61, 70)],
        "Band: bass": [(1000.0, 400.0, 40, 80)],
        "Bo: riff": [(1000.0, 500.0, 48, 70), (1500.0, 900.0, 48, 70)],
    }
    assert [(piece.at_ms, piece.tick) for piece in made.time.pieces] == [(0.0, 0.0)]


def _fields(value: Any) -> Iterator[Any]:
    return (getattr(value, name) for name in value.__struct_fields__)


def test_the_last_session_is_what_follows_the_last_long_pause() -> None:
    events: list[JamEvent] = [
        key(0.0, 60, 1),
        key(500_000.0, 60, 1),
        key(2_000_000.0, 60, 1),
        key(2_000_500.0, 60, 0),
    ]
    events += [SessionNamed(3e6, "ann", 2_000_400.0, "Take two"), SessionNamed(3e6, "ann", 1e6, "nobody's")]
    found = sessions(events)
    assert [(one.from_ms, one.to_ms, one.name, one.people) for one in found] == [
        (0.0, 500_001.0, "", ("ann",)),
        (2_000_000.0, 2_000_501.0, "Take two", ("ann",)),
    ]
    assert sessions([]) == []


def notes_of(data: bytes) -> tuple[list[tuple[str, int, int, int, float, float]], MidiFile]:
    """(track, program, pitch, velocity, start, end) of a MIDI file, times in milliseconds by its own tempo map."""
    file = MidiFile(file=io.BytesIO(data), charset="utf-8")
    tempos = [(0, 500_000)]
    tick = 0
    for message in file.tracks[0]:
        tick += message.time
        if message.type == "set_tempo":
            tempos.append((tick, message.tempo))

    def ms(at: int) -> float:
        total = 0.0
        for (start, tempo), (end, _) in zip(tempos, [*tempos[1:], (at, 0)], strict=True):
            total += max(0, min(at, end) - start) * tempo / 1000 / PPQ
        return total

    found = []
    for track in file.tracks[1:]:
        tick, name, program = 0, "", 0
        held: dict[int, tuple[int, int]] = {}
        for message in track:
            tick += message.time
            if message.type == "track_name":
                name = message.name
            elif message.type == "program_change":
                program = 128 if message.channel == 9 else message.program
            elif message.type == "note_on":
                assert message.note not in held
                held[message.note] = tick, message.velocity
            elif message.type == "note_off":
                start, velocity = held.pop(message.note)
                found.append((name, program, message.note, velocity, ms(start), ms(tick)))
        assert not held
    return found, file


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 4000).map(lambda n: 5.0 * n),
            st.floats(1, 3000),
            st.integers(0, 127),
            st.integers(1, 127),
        ),
        max_size=30,
    ),
    st.lists(st.tuples(st.floats(100, 4000), st.floats(30, 300), st.integers(2, 7)), max_size=5),
)
def test_the_midi_read_back_is_the_session(
    notes: list[tuple[float, float, int, int]], changes: list[tuple[float, float, int]]
) -> None:
    transport = Transport(1, True, 0.0, 0.0, tempo=111.0)
    events: list[JamEvent] = [Turned(0.0, transport), Person(0.0, "p1", "Åsa 🎹")]
    for wait, tempo, beats in changes:
        at_ms = transport.at_ms + wait
        beat = transport.beat_at(at_ms)
        transport = Transport(transport.serial + 1, True, at_ms, beat, tempo, beats)
        events.append(Turned(at_ms, transport))
    for start, duration, pitch, velocity in notes:
        events.append(LoopPlayed(start, duration, "a", "p1", 5, pitch, velocity))
    made = score(events, 0.0, 30_000.0)
    found, file = notes_of(midi(made, "Jam"))
    assert {name for name, *_ in found} <= {"Åsa 🎹: FM Piano"}
    assert [(pitch, velocity) for _, _, pitch, velocity, _, _ in sorted(found, key=_order)] == [
        (note.pitch, note.velocity)
        for note in sorted(_played(made), key=lambda note: (note.pitch, note.start_ms))
    ]
    slowest = 60_000 / 30 / PPQ  # milliseconds of a tick
    for (_, _, _, _, start, end), note in zip(
        sorted(found, key=_order),
        sorted(_played(made), key=lambda note: (note.pitch, note.start_ms)),
        strict=True,
    ):
        assert start == pytest.approx(note.start_ms, abs=slowest)
        assert end == pytest.approx(note.start_ms + note.duration_ms, abs=2 * slowest)
    meters = [message.numerator for message in file.tracks[0] if message.type == "time_signature"]
    assert meters == [meter.beats for meter in made.time.meters]


def _order(note: tuple[str, int, int, int, float, float]) -> tuple[int, float]:
    return note[2], note[4]


def _played(made: Score) -> list[Any]:
    return [note for track in made.tracks for note in track.notes]


# Over HTTP ----------------------------------------------------------------------------------------------


async def test_a_session_comes_back_as_events_midi_and_ledger(server: LiveServer) -> None:
    made = await server.new_room()
    room = await server.gateway.hub.get(made["room"])
    ann = NativeReplica("Ann", "owner", 11)
    bo = NativeReplica("Bo", "editor", 12)
    ann.connect(room)
    bo.connect(room)
    now = room.context.server_ms()
    ann.send(room, Play((NoteEvent(now - 900, 60, 90), NoteEvent(now - 700, 60, 0))))
    bo.send(room, Play((NoteEvent(now - 600, 64, 80), NoteEvent(now - 100, 64, 0))))
    before = ann.doc.get_state()
    with ann.doc.transaction():
        ann.doc.get("jam", type=Map)["loops"]["l1"] = Map(LOOP)
    ann.send_update(room, ann.doc.get_update(before))
    base = f"{server.url}/api/rooms/{made['room']}/jam"
    authorised = {"Authorization": f"Bearer {made['tokens']['viewer']}"}

    async with aiohttp.ClientSession(headers=authorised) as http:

        async def get(path: str, status: int = 200) -> bytes:
            async with http.get(base + path) as answer:
                data = await answer.read()
                assert answer.status == status, data
                return data

        log = json.loads(await get("/log"))
        assert log["next"] is None
        assert [event["pitch"] for event in log["events"] if event["type"] == "key"] == [60, 60, 64, 64]
        later = json.loads(await get(f"/log?from={int(now - 650)}"))
        assert [event["pitch"] for event in later["events"] if event["type"] == "key"] == [64, 64]
        found, _ = notes_of(await get("/export?format=mid"))
        assert [(name, pitch, round(end - start)) for name, _, pitch, _, start, end in sorted(found)] == [
            ("Ann", 60, 200),
            ("Bo", 64, 500),
        ]
        assert sorted(found)[1][4] - sorted(found)[0][4] == pytest.approx(300, abs=5)
        ledger = json.loads(await get("/export?format=json"))
        assert ledger["people"] == {ann.participant: "Ann", bo.participant: "Bo"}
        loop = MidiFile(file=io.BytesIO(await get("/export?format=mid&loop=l1")))
        [track] = loop.tracks
        assert track.name == "bass"
        ticks = [(message.type, message.time) for message in track if message.type.startswith("note")]
        assert ticks == [("note_on", 0), ("note_off", 480), ("note_on", 480), ("note_off", 480)]
        for path, status in [
            ("/export?format=ogg", 400),
            ("/export?from=x", 400),
            ("/log?from=5&to=4", 400),
            ("/export?loop=none", 404),
            ("/export?format=wav&loop=l1", 400),
        ]:
            await get(path, status)
    async with aiohttp.ClientSession() as http, http.get(f"{base}/log") as answer:
        assert answer.status == 401


@pytest.mark.usefixtures("synthesiser")
@pytest.mark.parametrize("kind", ["wav", "flac"])
async def test_a_session_comes_back_as_sound(server: LiveServer, kind: str) -> None:
    made = await server.new_room()
    room = await server.gateway.hub.get(made["room"])
    ann = NativeReplica("Ann", "owner", 11)
    ann.connect(room)
    now = room.context.server_ms()
    ann.send(room, Play((NoteEvent(now - 900, 69, 100), NoteEvent(now - 100, 69, 0))))
    url = f"{server.url}/api/rooms/{made['room']}/jam/export?format={kind}"
    async with (
        aiohttp.ClientSession(headers=bearer(made["tokens"]["editor"])) as http,
        http.get(url) as answer,
    ):
        data = await answer.read()
        assert answer.status == 200, data
    with av.open(io.BytesIO(data)) as file:
        frames = [frame.to_ndarray() for frame in file.decode(audio=0)]
        rate = file.streams.audio[0].rate
    sound = numpy.concatenate([frame.reshape(-1, 2) if frame.shape[0] == 1 else frame.T for frame in frames])
    left = sound[: rate // 2, 0].astype(float)
    spectrum = numpy.abs(numpy.fft.rfft(left * numpy.hanning(len(left))))
    loudest = float(numpy.fft.rfftfreq(len(left), 1 / rate)[spectrum.argmax()])
    assert min(abs(loudest - 440 * octave) for octave in (0.5, 1, 2, 3)) < 6
    assert 0.8 <= len(sound) / rate <= 6


@pytest.mark.usefixtures("synthesiser")
async def test_a_band_that_tells_no_notes_is_kept_as_it_sounded(server: LiveServer) -> None:
    made = await server.new_room()
    room = await server.gateway.hub.get(made["room"])
    ann = NativeReplica("Ann", "owner", 11)
    ann.connect(room)
    ann.send(room, Conduct(1, TransportChange(playing=True), "now"))
    ann.send(room, Perform(1))
    [run] = [run.info.id for run in room.runs]
    encoder = OpusEncoder(1920)
    time = numpy.arange(50 * 1920) / 48_000
    tone = (0.3 * numpy.sin(2 * numpy.pi * 880 * time)).astype(numpy.float32)
    for number, part in enumerate(numpy.split(numpy.stack([tone, tone], 1), 50)):
        server.engine.sound(run, number * 1920, opus=encoder.encode(part))
    base = f"{server.url}/api/rooms/{made['room']}/jam"
    async with aiohttp.ClientSession(headers=bearer(made["tokens"]["editor"])) as http:
        async with http.get(f"{base}/log") as answer:
            log = await answer.json()
        async with http.get(f"{base}/export?format=wav") as answer:
            data = await answer.read()
            assert answer.status == 200, data
    sounds = [event for event in log["events"] if event["type"] == "sound"]
    assert len(sounds) == 50
    assert set(sounds[0]) == {"type", "at_ms", "run", "samples"}
    with av.open(io.BytesIO(data)) as file:
        pcm = numpy.concatenate([frame.to_ndarray().reshape(-1, 2) for frame in file.decode(audio=0)])
    loud = numpy.flatnonzero(numpy.abs(pcm[:, 0]) > 0.05)
    assert (loud[-1] - loud[0]) / 48_000 == pytest.approx(2.0, abs=0.05)
    part = pcm[loud[0] + 24_000 : loud[0] + 72_000, 0]
    spectrum = numpy.abs(numpy.fft.rfft(part * numpy.hanning(len(part))))
    assert float(spectrum.argmax()) == pytest.approx(880, abs=2)


async def test_sound_that_is_too_long_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path / "data", jam=JamSettings(export_seconds=0.5, late=30)) as server:
        made = await server.new_room()
        room = await server.gateway.hub.get(made["room"])
        ann = NativeReplica("Ann", "owner", 11)
        ann.connect(room)
        now = room.context.server_ms()
        ann.send(room, Play((NoteEvent(now - 900, 69, 100), NoteEvent(now - 100, 69, 0))))
        url = f"{server.url}/api/rooms/{made['room']}/jam/export?format=wav"
        async with (
            aiohttp.ClientSession(headers=bearer(made["tokens"]["editor"])) as http,
            http.get(url) as answer,
        ):
            assert answer.status == 413
            assert "choose" in await answer.text()


def test_band_notes_are_recorded_across_a_change_of_tempo() -> None:
    house = House()
    ann = house.join(NativeReplica("Ann", "owner", 11))
    ann.send(house.room, Conduct(1, TransportChange(playing=True, tempo=120.0), "now"))
    house.tick(1)
    ann.send(house.room, Perform(1))
    run = house.host.last
    house.host.start(run)
    ann.send(house.room, Conduct(2, TransportChange(tempo=60.0), "bar"))
    ann.receive()
    start, slow = (told.at_ms for told in ann.of(Conducted))
    assert slow - start == 2000.0
    notes = tuple(BandNote(PPQ * beat, PPQ, "bass", 40, 80) for beat in (3, 4, 5))
    host = house.host
    host.tell(run, Performed(notes))
    house.tick(2)
    house.room.sweep()
    events = [event for entry in house.store._jams["room"].values() for event in read(entry)]
    played = [event for event in events if isinstance(event, BandPlayed)]
    assert [(event.at_ms - start, event.duration_ms) for event in played] == [
        (1500.0, 500.0),
        (2000.0, 1000.0),
        (3000.0, 1000.0),
    ]
