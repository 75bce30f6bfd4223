"""The SDK's jam against a real server with a scripted engine."""

from __future__ import annotations

import asyncio
import io
import runpy
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from mido import MidiFile

from antiphon_client import Address, ClientError, RequestRefused, Room, connect, create_room
from antiphon_engines.api import AudioRequest, AudioSteer
from antiphon_proto.document.jam import PPQ, BandNote, NoteEvent
from antiphon_proto.messages import Played
from antiphon_server.jam_settings import JamSettings
from support.server import PATIENCE, LiveServer, running

EXAMPLE = Path(__file__).parents[3] / "clients" / "python" / "examples" / "play_along.py"
FRAME = 1920


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LiveServer]:
    """It moves no key: any lateness here is the machine's."""
    async with running(tmp_path / "data", jam=JamSettings(late=30, early=30)) as live:
        yield live


@pytest.fixture
async def links(server: LiveServer) -> dict[str, Address]:
    return await create_room(server.url)


@pytest.fixture
async def pair(links: dict[str, Address]) -> AsyncIterator[tuple[Room, Room]]:
    async with AsyncExitStack() as stack:
        ada = await stack.enter_async_context(connect(links["owner"].link, name="Ada"))
        bob = await stack.enter_async_context(connect(links["editor"].link, name="Bob"))
        yield ada, bob


async def until(room: Room, condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        await room.wait_for(lambda _: condition())


async def test_everybody_shares_one_transport_and_one_clock(pair: tuple[Room, Room]) -> None:
    ada, bob = pair
    async with asyncio.timeout(PATIENCE):
        await ada.jam.in_time()
        await bob.jam.in_time()
    # Both measure with the same monotonic clock here, so the offsets agree as well as their pings were quick.
    room_for_error = (ada.jam.clock.trip + bob.jam.clock.trip) / 2 + 1
    assert ada.jam.clock.offset == pytest.approx(bob.jam.clock.offset, abs=room_for_error)
    assert not ada.jam.transport.playing
    answer = await ada.jam.conduct(when="now", playing=True, tempo=120.0)
    await until(bob, lambda: bob.jam.course[-1].serial == answer.serial)
    promised = bob.jam.course[-1]
    assert (promised.playing, promised.tempo, promised.at_ms, promised.beat) == (
        True,
        120.0,
        answer.at_ms,
        answer.beat,
    )
    assert bob.jam.transport_at(answer.at_ms + 500).beat_at(answer.at_ms + 500) == pytest.approx(
        answer.beat + 1
    )
    with pytest.raises(RequestRefused):
        await bob.jam.conduct()
    with pytest.raises(ClientError):
        await bob.jam.conduct(tempo=float("nan"))


async def test_others_keys_come_and_are_released_with_whoever_held_them(pair: tuple[Room, Room]) -> None:
    ada, bob = pair
    heard = bob.jam.played()
    own = ada.jam.played()
    await ada.jam.in_time()
    now = ada.jam.now_ms
    await ada.jam.play(NoteEvent(now, 60, 90), NoteEvent(now + 5, 60, 0))
    await ada.jam.press(64)
    assert ada.me is not None
    async with asyncio.timeout(PATIENCE):
        first, second = await anext(heard), await anext(heard)
        await bob.jam.press(50)
        answer = await anext(own)
    assert first == Played(ada.me.id, (NoteEvent(now, 60, 90), NoteEvent(now + 5, 60, 0)))
    assert (second.events[0].pitch, second.events[0].velocity) == (64, 90)
    assert bob.me is not None
    assert answer.participant == bob.me.id
    with pytest.raises(ClientError):
        await ada.jam.play(NoteEvent(now, 200, 90))


async def test_the_band_is_heard_steered_and_stopped(server: LiveServer, pair: tuple[Room, Room]) -> None:
    ada, bob = pair
    audio, notes = bob.jam.audio(), bob.jam.band_notes()
    ada.jam.ask_band(prompts={"piano ballad": 0.7}, density=0.25, roles={"lead": True})
    performance = ada.jam.perform(seed=5)
    run = (await performance.start()).id
    request = server.engine.requests[run]
    assert isinstance(request, AudioRequest)
    assert request.seed == 5
    assert request.controls.density == 0.25
    assert request.controls.prompts[0].text == "piano ballad"
    await until(bob, lambda: bob.jam.stream is not None)
    stream = bob.jam.stream
    assert stream is not None
    note = BandNote(PPQ, PPQ, "bass", 40, 80)
    server.engine.sound(run, 0, note)
    server.engine.sound(run, FRAME)
    async with asyncio.timeout(PATIENCE):
        first, second = await anext(audio), await anext(audio)
        said = await anext(notes)
    assert (first.opus, first.pts, first.seq, first.pre_skip) == (b"opus", 0, 0, 312)
    assert second.at_ms == pytest.approx(stream.start_ms + 40)
    assert said.notes == (note,)
    bob.jam.ask_band(density=None, prompts={"rock": 1.0})
    await until(bob, lambda: any(isinstance(change, AudioSteer) for _, change in server.engine.steered))
    [(_, change)] = server.engine.steered
    assert isinstance(change, AudioSteer)
    assert change.controls == bob.jam.controls
    assert bob.jam.controls.density is None
    with pytest.raises(RequestRefused, match="already"):
        await bob.jam.perform().start()
    with pytest.raises(ClientError):
        bob.jam.ask_band(roles={"tuba": True})
    await performance.stop()
    async with asyncio.timeout(PATIENCE):
        assert (await performance.finished()).state == "stopped"
    await until(bob, lambda: bob.jam.stream is None)
    assert server.engine.cancelled == [run]


async def test_loops_settings_and_the_record(pair: tuple[Room, Room]) -> None:
    ada, bob = pair
    loop = ada.jam.loops.add([(0, 240, 36, 100), (PPQ, 240, 38, 90)], program=128, name="beat")
    ada.jam.set(interval=1)
    ada.jam.set_instrument(24)
    assert ada.me is not None
    me = ada.me.id
    await until(bob, lambda: bob.jam.loops.get(loop, {}).get("by") == me)
    bob.jam.loops.update(loop, muted=True)
    await until(ada, lambda: bool(ada.jam.loops[loop].get("muted")))
    with pytest.raises(ClientError):
        bob.jam.loops.update(loop, bars=0)
    with pytest.raises(ClientError):
        bob.jam.set(interval=99)
    await ada.applied()
    await ada.jam.in_time()
    heard = bob.jam.played()
    now = ada.jam.now_ms
    await ada.jam.play(NoteEvent(now - 400, 60, 90), NoteEvent(now - 200, 60, 0))
    async with asyncio.timeout(PATIENCE):
        await anext(heard)
        events = await bob.jam.log(now - 10_000)
        file = MidiFile(file=io.BytesIO(await bob.jam.export("mid")))
        pattern = MidiFile(file=io.BytesIO(await bob.jam.export("mid", loop=loop)))
    keys = [event for event in events if event["type"] == "key"]
    assert [(event["participant"], event["program"], event["pitch"]) for event in keys] == [(me, 24, 60)] * 2
    assert [track.name for track in file.tracks[1:]] == ["Ada"]
    assert pattern.tracks[0].name == "beat"
    bob.jam.loops.delete(loop)
    await until(ada, lambda: loop not in ada.jam.loops)
    with pytest.raises(RequestRefused):
        await ada.jam.export("mid", loop=loop)


async def test_the_example_plays_a_bass_line(
    links: dict[str, Address], capsys: pytest.CaptureFixture[str]
) -> None:
    example = runpy.run_path(str(EXAMPLE))
    assert example["line"](0, 7, 4) == [36, 43, 48, 42]
    async with connect(links["owner"].link, name="Ada") as ada:
        await ada.jam.conduct(when="now", playing=True, tempo=300.0)
        heard = ada.jam.played()
        async with asyncio.timeout(PATIENCE):
            await example["main"](links["editor"].link, 1)
            pitches = [
                event.pitch for _ in range(4) for event in (await anext(heard)).events if event.velocity
            ]
    assert pitches == example["line"](0, 0, 4)
    assert "played on 0" in capsys.readouterr().out
