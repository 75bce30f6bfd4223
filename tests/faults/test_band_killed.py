"""The engine worker is killed while a band plays: the band comes back by itself, later in the same stream."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from antiphon_client import AudioFrame, Room, connect, create_room
from antiphon_client.session.event_stream import EventStream
from support.server import PATIENCE, serving
from support.workers import worker_of


async def until_music(audio: EventStream[AudioFrame]) -> list[AudioFrame]:
    """Frames up to one that is not silence: the band enters at a bar."""
    frames: list[AudioFrame] = []
    async with asyncio.timeout(PATIENCE):
        while not frames or len(frames[-1].opus) < 40:
            frames.append(await anext(audio))
    return frames


def band_is_ready(room: Room) -> bool:
    return any(model.audio is not None and model.ready for model in room.models)


@pytest.mark.usefixtures("synthesiser")
async def test_a_band_outlives_its_worker(
    tmp_path: Path, embedded_text_model: Path, cache_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    arguments = ("--cache-dir", str(cache_dir), "--image-model", "none", "--music-model", "embedded")
    async with serving(tmp_path, *arguments) as served:
        links = await create_room(served.url)
        async with connect(links["owner"].link, name="Ada") as ada, connect(links["editor"].link) as bob:
            async with asyncio.timeout(PATIENCE):
                await ada.wait_for(band_is_ready)
            await ada.jam.conduct(when="now", playing=True, tempo=120.0)
            audio = bob.jam.audio()
            performance = ada.jam.perform(seed=7)
            await performance.start()
            before = await until_music(audio)
            assert all(later.pts > sooner.pts for sooner, later in zip(before, before[1:], strict=False))

            worker_of(served.process.pid).kill()
            await ada.jam.press(60)  # people play on
            async with asyncio.timeout(PATIENCE):
                await bob.wait_for(lambda room: room.jam.stream is not None and room.jam.stream.epoch > 1)
            audio.keep(lambda frame: frame.epoch > 1)
            after = await until_music(audio)
            assert after[0].pts > before[-1].pts
            assert all(frame.epoch > 1 for frame in after)
            assert performance.notice is not None
            assert performance.notice.error_code == "worker_lost"
            # Bob did not ask for the band: his SDK writes it into its log.
            assert caplog.text.count("the band lost its engine and starts again") == 1
            await performance.stop()
            async with asyncio.timeout(PATIENCE):
                assert (await performance.finished()).state == "stopped"
