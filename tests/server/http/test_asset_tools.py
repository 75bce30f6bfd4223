from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw

from antiphon_engines.api import QueueFull
from antiphon_proto.errors import TooLarge
from antiphon_server.assets.vectorize import CannotTrace, TraceLimits, Tracer, trace
from antiphon_server.limits import Limits
from support.picture_files import encoded, opened
from support.server import LiveServer, bearer, running


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LiveServer]:
    async with running(tmp_path, limits=Limits(max_asset_side=100)) as made:
        yield made


@pytest.fixture
async def http(server: LiveServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


def badge(width: int = 48, height: int = 32) -> Pillow.Image:
    image = Pillow.new("RGB", (width, height), "#ffffff")
    ImageDraw.Draw(image).rectangle((width // 4, height // 4, 3 * width // 4, 3 * height // 4), "#d0402b")
    return image


class Caller:
    def __init__(self, http: aiohttp.ClientSession, room: dict[str, Any]) -> None:
        self._http = http
        self._room = room

    async def post(self, path: str, data: bytes = b"", role: str = "editor") -> tuple[int, bytes, str]:
        headers = {"Authorization": f"Bearer {self._room['tokens'][role]}"}
        async with self._http.post(
            f"/api/rooms/{self._room['room']}/assets{path}", data=data, headers=headers
        ) as answer:
            return answer.status, await answer.read(), answer.headers["Content-Type"]

    async def upload(self, image: Pillow.Image) -> str:
        status, body, _ = await self.post("", encoded(image))
        assert status == 201
        return re.findall(rb'"sha256": "([0-9a-f]{64})"', body)[0].decode()

    async def get(self, asset: str) -> bytes:
        path = f"/api/rooms/{self._room['room']}/assets/{asset}"
        async with self._http.get(path, headers=bearer(self._room["tokens"]["viewer"])) as answer:
            assert answer.status == 200
            return await answer.read()


async def test_a_picture_is_enlarged_by_interpolation(
    server: LiveServer, http: aiohttp.ClientSession
) -> None:
    caller = Caller(http, await server.new_room())
    asset = await caller.upload(badge())
    status, body, _ = await caller.post(f"/{asset}/enlarge")
    assert status == 201
    made = re.findall(rb'"sha256": "([0-9a-f]{64})"', body)[0].decode()
    picture = opened(await caller.get(made))
    expected = badge().resize((96, 64), Pillow.Resampling.LANCZOS)
    assert picture.size == (96, 64)
    assert picture.tobytes() == expected.tobytes()
    # 192 x 128 would be over this server's bound of 100.
    assert (await caller.post(f"/{made}/enlarge"))[0] == 413


async def test_a_picture_is_traced_to_outlines(server: LiveServer, http: aiohttp.ClientSession) -> None:
    caller = Caller(http, await server.new_room())
    asset = await caller.upload(badge())
    status, body, kind = await caller.post(f"/{asset}/trace")
    assert status == 200
    assert kind.startswith("image/svg+xml")
    svg = body.decode()
    assert '<svg xmlns="http://www.w3.org/2000/svg" width="48" height="32" viewBox="0 0 512 341">' in svg
    assert set(re.findall(r"<([a-z]+)", svg)) == {"svg", "path"}
    reds = [
        colour
        for colour in re.findall(r'fill="#([0-9A-F]{6})"', svg)
        if int(colour[:2], 16) > 180 and int(colour[2:4], 16) < 90
    ]
    assert reds


async def test_only_editors_make_something_of_the_rooms_own_pictures(
    server: LiveServer, http: aiohttp.ClientSession
) -> None:
    caller = Caller(http, await server.new_room())
    asset = await caller.upload(badge())
    stranger = Caller(http, await server.new_room())
    for tool in ("trace", "enlarge"):
        assert (await caller.post(f"/{asset}/{tool}", role="viewer"))[0] == 403
        assert (await stranger.post(f"/{asset}/{tool}"))[0] == 404


async def test_a_tracing_that_takes_too_long_is_ended() -> None:
    noise = Pillow.effect_noise((900, 900), 90).convert("RGB")
    tracer = Tracer(TraceLimits(seconds=0.05))
    with pytest.raises(CannotTrace, match="too detailed"):
        await tracer.trace(encoded(noise))


async def test_tracings_are_bounded() -> None:
    with pytest.raises(TooLarge):
        await Tracer(TraceLimits(bytes=100)).trace(encoded(badge()))
    with pytest.raises(CannotTrace, match="could not"):
        await Tracer(TraceLimits()).trace(b"no picture")
    tracer = Tracer(TraceLimits(workers=1, waiting=0))
    first = asyncio.create_task(tracer.trace(encoded(badge())))
    await asyncio.sleep(0)
    with pytest.raises(QueueFull):
        await tracer.trace(encoded(badge()))
    assert "<svg" in await first


def test_a_large_picture_is_traced_from_a_smaller_copy_in_its_own_size() -> None:
    svg = trace(encoded(badge(1200, 800)), 600 * 400)
    assert 'width="1200" height="800" viewBox="0 0 600 400"' in svg
