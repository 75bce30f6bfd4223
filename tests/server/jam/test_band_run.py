"""The band of a room: started, heard by all, steered by the room's words and notes, and kept alive."""

from __future__ import annotations

from typing import Any

import pytest
from pycrdt import Map

from antiphon_engines.api import Audio, AudioRequest, AudioSteer, Performed, PlayedNote
from antiphon_engines.ipc.events import Failed, Steered
from antiphon_proto.document.jam import BandChord, BandNote, NoteEvent, TransportChange
from antiphon_proto.errors import ErrorCode
from antiphon_proto.messages import Audio as AudioMessage
from antiphon_proto.messages import (
    BandNotes,
    BandStream,
    Conduct,
    Conducted,
    Error,
    Perform,
    Play,
    Run,
    RunInfo,
    Steer,
    Stop,
    Undo,
)
from antiphon_server.jam.recording import BandBegan, BandEnded, BandPlayed, ChordPlayed, JamEvent, read
from antiphon_server.room_limits import RoomLimits
from support.replica import NativeReplica
from support.rooms import MODELS, House

OPUS = b"opus"
FRAME = 1920


@pytest.fixture
def house() -> House:
    return House(RoomLimits())


@pytest.fixture
def ann(house: House) -> NativeReplica:
    return house.join(NativeReplica("Ann", "owner", 11))


@pytest.fixture
def bo(house: House, ann: NativeReplica) -> NativeReplica:
    return house.join(NativeReplica("Bo", "editor", 12))


def perform(house: House, who: NativeReplica, number: int = 3) -> str:
    known = set(house.host.requests)
    who.send(house.room, Perform(number, 42))
    settle(house, who, seconds=0)
    new = [run for run in house.host.requests if run not in known]
    return new[0] if new else ""


def conduct(house: House, who: NativeReplica, when: Any = "now", **change: Any) -> Conducted:
    who.send(house.room, Conduct(1, TransportChange(**change), when))
    who.receive()
    return who.of(Conducted)[-1]


def settle(house: House, *replicas: NativeReplica, seconds: float = 0.05) -> None:
    house.tick(seconds)
    for replica in replicas:
        replica.receive()


def write(house: House, who: NativeReplica, work: Any) -> None:
    before = who.doc.get_state()
    with who.doc.transaction():
        work(who.doc.get("jam", type=Map))
    who.send_update(house.room, who.doc.get_update(before))
    settle(house, who)


def info(house: House, run: str) -> RunInfo:
    return house.room.runs.get(run).info


def request_of(house: House, run: str) -> AudioRequest:
    request = house.host.requests[run]
    assert isinstance(request, AudioRequest)
    return request


def steers(house: House) -> list[AudioSteer]:
    return [change for _, change in house.host.steered if isinstance(change, AudioSteer)]


def frames(house: House, run: str, *pts: int) -> None:
    for one in pts:
        house.host.tell(run, Audio(one, FRAME, OPUS))


def logged(house: House) -> list[JamEvent]:
    house.room.sweep()
    entries = house.store._jams["room"]
    return [event for seq in sorted(entries) for event in read(entries[seq])]


def test_everybody_hears_the_band_and_so_does_who_comes_later(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    started = conduct(house, bo, playing=True, tempo=120.0)
    settle(house, seconds=1)
    run = perform(house, bo)
    request = request_of(house, run)
    assert (request.seed, request.lead, request.frame) == (42, 0.25, FRAME)
    assert request.start > house.clock.monotonic()
    [segment] = request.segments
    house.host.start(run)
    house.tick()
    for who in (ann, bo):
        who.receive()
        [stream] = who.of(BandStream)
        assert (stream.run, stream.epoch, stream.frame, stream.pre_skip) == (run, 1, FRAME, 312)
        sooner = (stream.start_ms - house.room.context.server_ms()) / 1000
        assert sooner == pytest.approx(request.start - house.clock.monotonic())
        beats = (stream.start_ms - started.at_ms) / 500
        assert segment.transport.beat == pytest.approx(beats)
    frames(house, run, 0, FRAME)
    house.host.tell(run, Performed((BandNote(480, 240, "bass", 40, 80),), (BandChord(0, "Am7"),)))
    for who in (ann, bo):
        who.receive()
        assert who.of(AudioMessage) == [
            AudioMessage(run, 1, 0, 0, OPUS),
            AudioMessage(run, 1, 1, FRAME, OPUS),
        ]
        assert who.of(BandNotes)[0].chords == (BandChord(0, "Am7"),)
    cy = house.join(NativeReplica("Cy", "viewer", 13))
    assert cy.of(BandStream) == [stream]
    assert info(house, run).state == "running"
    assert [told.ask for told in bo.of(Run) if told.run.id == run][0] == 3


def test_there_is_one_band_in_a_room_and_any_editor_may_stop_it(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    run = perform(house, ann)
    assert perform(house, bo) == ""
    viewer = house.join(NativeReplica("Vi", "viewer", 14))
    for request in (Perform(1), Stop(run)):
        viewer.send(house.room, request)
    bo.send(house.room, Undo(run))
    bo.send(house.room, Steer(run))
    bo.send(house.room, Stop(run))
    settle(house, ann, bo, viewer)
    assert [error.code for error in viewer.of(Error)] == ["denied", "denied"]
    assert [(error.code, error.re) for error in bo.of(Error)] == [
        ("conflict", "perform"),
        ("conflict", "undo"),
        ("invalid", "steer"),
    ]
    assert info(house, run).state == "stopped"
    assert house.host.cancelled == [run]
    assert perform(house, bo)


@pytest.mark.parametrize(
    "models", [MODELS[:2], (*MODELS[:2], MODELS[2].__class__("audio", "x", "", False, "no font"))]
)
def test_without_an_engine_the_reason_is_said(ann: NativeReplica, models: Any) -> None:
    house = House()
    house.models = models
    ann = house.join(NativeReplica("Ann", "owner", 11))
    assert perform(house, ann) == ""
    [error] = ann.of(Error)
    assert (error.code, error.re, error.ref) == ("unavailable", "perform", "3")
    assert not list(house.room.runs)


def test_the_band_follows_its_controls_and_the_transport_once_a_tick(
    house: House, ann: NativeReplica
) -> None:
    run = perform(house, ann)
    house.host.start(run)
    assert not request_of(house, run).segments[0].transport.playing
    write(house, ann, lambda jam: jam.update({"band": Map({"density": 0.5})}))
    write(house, ann, lambda jam: jam["band"].update({"density": 0.75}))
    assert [steer.controls.density for steer in steers(house)] == [0.5, 0.75]
    house.host.steered.clear()
    answer = conduct(house, ann, playing=True, tempo=90.0)
    assert answer.at_ms >= house.room.context.server_ms() + 1000 * (0.25 + 0.45)
    settle(house, ann)
    [steer] = steers(house)
    assert isinstance(steer.segments, tuple)
    assert [segment.transport.playing for segment in steer.segments] == [False, True]
    base = ann.of(BandStream)[0].start_ms
    assert steer.segments[1].sample == round((answer.at_ms - base) * 48)
    for _ in range(3):
        settle(house, ann)
    assert len(steers(house)) == 1


def test_a_stop_takes_back_what_is_on_its_way(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    conduct(house, ann, playing=True, tempo=120.0)
    settle(house, seconds=1)
    run = perform(house, ann)
    house.host.start(run)
    settle(house, seconds=0.75)
    frames(house, run, *range(0, 30 * FRAME, FRAME))  # more than a second
    answer = conduct(house, bo, playing=False)
    settle(house, ann, bo)
    first, second = bo.of(BandStream)
    assert second.epoch == first.epoch + 1 == info(house, run).epoch
    assert second.from_pts == round((answer.at_ms - first.start_ms) * 48)
    before = len(bo.of(AudioMessage))
    frames(house, run, 30 * FRAME)  # made before the engine heard of it
    house.host.tell(run, Steered(second.epoch))
    frames(house, run, 31 * FRAME)  # the band rings out, after everybody has heard it stop
    bo.receive()
    assert len(bo.of(AudioMessage)) == before
    house.clock.advance(1)
    answer = conduct(house, bo, playing=True)
    again = round((answer.at_ms - first.start_ms) * 48)
    settle(house, seconds=0.2)
    house.host.obey(run) if info(house, run).epoch > second.epoch else None
    frames(house, run, again + FRAME)
    bo.receive()
    assert [audio.pts for audio in bo.of(AudioMessage)[before:]] == [again + FRAME]
    sound = house.services.sound
    assert (sound.stale, sound.gaps) == (2, 0)


def test_after_a_stop_that_was_foreseen_the_band_rings_out(house: House, ann: NativeReplica) -> None:
    conduct(house, ann, playing=True, tempo=60.0)
    settle(house, seconds=1)
    run = perform(house, ann)
    house.host.start(run)
    frames(house, run, 0)
    conduct(house, ann, "bar", playing=False)
    settle(house, ann)
    frames(house, run, FRAME, 200 * FRAME)
    ann.receive()
    assert [audio.pts for audio in ann.of(AudioMessage)] == [0, FRAME, 200 * FRAME]
    assert [stream.epoch for stream in ann.of(BandStream)] == [1]


def test_gaps_are_counted_and_pauses_are_none(house: House, ann: NativeReplica) -> None:
    conduct(house, ann, playing=True)
    settle(house, seconds=1)
    run = perform(house, ann)
    house.host.start(run)
    frames(house, run, 0, 4 * FRAME)
    house.host.tell(run, Audio(5 * FRAME, FRAME, OPUS, late=0.5))
    ann.receive()
    assert [audio.seq for audio in ann.of(AudioMessage)] == [0, 4, 5]
    sound = house.services.sound
    assert (sound.frames, sound.gaps, sound.late, sound.late_seconds) == (3, 3, 1, 0.5)


def test_the_band_hears_people_and_loops_as_others_hear_them(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    conduct(house, ann, playing=True, tempo=120.0)
    settle(house, ann, seconds=1)
    loop = {"program": 0, "bars": 1, "beats": 4, "notes": [[0, 480, 48, 70]]}
    write(house, ann, lambda jam: jam.update({"loops": Map({"a": Map(loop)})}))
    run = perform(house, ann)
    bo.send(house.room, Play((NoteEvent(house.room.context.server_ms(), 60, 90),)))
    assert house.host.pushed == []  # it has not begun
    house.host.start(run)
    start_ms = ann.of(BandStream)[0].start_ms if ann.receive() else 0
    now = house.room.context.server_ms()
    bo.send(house.room, Play((NoteEvent(now, 62, 90), NoteEvent(now + 5, 62, 0))))
    sample = round((now - start_ms) * 48)
    assert house.host.pushed == [
        (run, (PlayedNote(sample, bo.participant, 62, 90), PlayedNote(sample + 240, bo.participant, 62, 0)))
    ]
    house.host.pushed.clear()
    for _ in range(45):
        settle(house)
    heard = [note for _, notes in house.host.pushed for note in notes]
    presses = [note for note in heard if note.velocity]
    assert {(note.participant, note.pitch, note.velocity) for note in presses} == {(ann.participant, 48, 70)}
    apart = {b.sample - a.sample for a, b in zip(presses, presses[1:], strict=False)}
    assert apart == {96_000}
    assert {note.sample - 24_000 for note in heard if not note.velocity} == {note.sample for note in presses}
    write(house, ann, lambda jam: jam.update({"settings": Map({"interval": 2})}))
    house.host.pushed.clear()
    now = house.room.context.server_ms()
    bo.send(house.room, Play((NoteEvent(now, 64, 90),)))
    [(_, [note])] = house.host.pushed
    assert note.sample == round((now + 4000 - start_ms) * 48)


def test_a_band_comes_back_however_often_its_worker_dies(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    run = perform(house, ann)
    host = house.host
    waits: list[float] = []
    for life in range(1, 13):
        assert info(house, run).epoch == life
        host.start(run)
        frames(house, run, life * 100 * FRAME)
        assert info(house, run).state == "running"
        host.requests.clear()
        host.tell(run, Failed(ErrorCode.WORKER_LOST, "the worker died"))
        died = house.clock.now
        settle(house, ann, bo)
        while run not in host.requests:
            house.clock.advance(0.5)
            settle(house, ann, bo)
        waits.append(house.clock.now - died)
    assert [stream.epoch for stream in bo.of(BandStream)] == list(range(1, 13))
    assert len({stream.start_ms for stream in bo.of(BandStream)}) == 1
    assert [error.code for error in bo.of(Error)] == ["worker_lost"] * 12
    assert waits[0] < 0.5  # at once
    assert all(later > sooner for sooner, later in zip(waits[4:9], waits[5:10], strict=True))
    assert max(waits) < 400
    # It played in health for a while: earlier crashes are forgotten.
    host.start(run)
    settle(house)
    house.clock.advance(30)
    host.requests.clear()
    host.tell(run, Failed(ErrorCode.WORKER_LOST, "the worker died"))
    settle(house, ann, bo)
    assert run in host.requests
    assert info(house, run).state == "queued"


def test_a_band_that_waits_for_its_worker_can_be_stopped(house: House, ann: NativeReplica) -> None:
    run = perform(house, ann)
    for _ in range(3):
        if run in house.host.requests:
            house.host.start(run)
        house.host.requests.clear()
        house.host.tell(run, Failed(ErrorCode.WORKER_LOST, "the worker died"))
        settle(house, ann)
    ann.send(house.room, Stop(run))
    settle(house, ann)
    assert info(house, run).state == "stopped"
    house.clock.advance(100)
    settle(house, ann)
    assert run not in house.host.requests
    assert perform(house, ann)


def test_a_band_that_fails_itself_is_over(house: House, ann: NativeReplica) -> None:
    run = perform(house, ann)
    house.host.start(run)
    house.host.fail(run, "no more samples")
    settle(house, ann)
    assert info(house, run).error == "no more samples"
    assert perform(house, ann)


def test_a_room_that_everybody_left_has_no_band(house: House, ann: NativeReplica) -> None:
    run = perform(house, ann)
    house.host.start(run)
    ann.drop(house.room)
    house.clock.advance(house.room.context.limits.empty_timeout)
    house.room.sweep()
    assert info(house, run).state == "stopped"
    assert house.host.cancelled == [run]


def test_what_the_band_played_is_on_record_in_server_time(house: House, ann: NativeReplica) -> None:
    answer = conduct(house, ann, playing=True, tempo=120.0)
    settle(house, seconds=1)
    run = perform(house, ann)
    house.host.start(run)
    notes = (BandNote(960, 240, "bass", 40, 80), BandNote(1440, 120, "drums", 38, 90))
    house.host.tell(run, Performed(notes, (BandChord(960, "C"),)))
    ann.send(house.room, Stop(run))
    settle(house, ann)
    events = logged(house)
    began = [event for event in events if isinstance(event, BandBegan)]
    assert [(event.run, event.by, event.model, event.seed) for event in began] == [
        (run, ann.participant, "combo", 42)
    ]
    played = [event for event in events if isinstance(event, BandPlayed)]
    assert [(note.at_ms - answer.at_ms, note.duration_ms, note.role, note.pitch) for note in played] == [
        (1000.0, 250.0, "bass", 40),
        (1500.0, 125.0, "drums", 38),
    ]
    assert [event.at_ms - answer.at_ms for event in events if isinstance(event, ChordPlayed)] == [1000.0]
    assert [event.reason for event in events if isinstance(event, BandEnded)] == ["stopped"]
