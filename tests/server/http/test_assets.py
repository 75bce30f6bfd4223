from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from antiphon_server.limits import Limits
from support.picture_files import bomb, opened, picture
from support.server import LiveServer, bearer, running


@pytest.fixture
async def http(server: LiveServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


async def post(
    http: aiohttp.ClientSession, room: dict[str, Any], data: Any, role: str = "editor"
) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {room['tokens'][role]}"}
    async with http.post(f"/api/rooms/{room['room']}/assets", data=data, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_a_picture_goes_in_and_comes_out_under_its_hash(
    server: LiveServer, http: aiohttp.ClientSession
) -> None:
    room = await server.new_room()
    status, asset = await post(http, room, picture("JPEG", (40, 30)))
    assert status == 201
    assert {name: asset[name] for name in ("type", "width", "height")} == {
        "type": "image/jpeg",
        "width": 40,
        "height": 30,
    }
    path = f"/api/rooms/{room['room']}/assets/{asset['sha256']}"
    held = bearer(room["tokens"]["viewer"])
    async with http.get(path, headers=held) as answer:
        data = await answer.read()
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert "immutable" in answer.headers["Cache-Control"]
    assert opened(data).size == (40, 30)
    async with http.get(path, headers={**held, "If-None-Match": answer.headers["ETag"]}) as again:
        assert (again.status, await again.read()) == (304, b"")


async def test_only_editors_send_and_only_the_room_sees(
    server: LiveServer, http: aiohttp.ClientSession
) -> None:
    room, other = await server.new_room(), await server.new_room()
    assert (await post(http, room, picture(), "viewer"))[0] == 403
    status, asset = await post(http, room, picture(), "owner")
    assert status == 201
    for address, token, expected in [
        (other, other["tokens"]["owner"], 404),
        (room, other["tokens"]["owner"], 401),
        (room, "", 401),
    ]:
        path = f"/api/rooms/{address['room']}/assets/{asset['sha256']}"
        async with http.get(path, headers=bearer(token)) as answer:
            assert answer.status == expected


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 400, "invalid"),
        (b"not a picture", 400, "invalid"),
        (picture("ICO"), 400, "invalid"),
        (picture()[:50], 400, "invalid"),
        (bomb(60_000, 60_000), 413, "too_large"),
        (b"\0" * 140_000, 413, "too_large"),
    ],
)
async def test_what_cannot_be_taken_is_told(tmp_path: Path, data: bytes, status: int, code: str) -> None:
    async with (
        running(tmp_path / "data", limits=Limits(max_asset=65_536, max_picture_file=131_072)) as server,
        aiohttp.ClientSession(server.url) as http,
    ):
        room = await server.new_room()
        answered, body = await post(http, room, data)
        assert (answered, body["error"]["code"]) == (status, code)
        assert not (tmp_path / "data" / "assets").exists()


async def test_what_was_made_smaller_and_what_was_left_out_is_told(tmp_path: Path) -> None:
    limits = Limits(max_asset_pixels=10_000)
    async with running(tmp_path / "data", limits=limits) as server, aiohttp.ClientSession(server.url) as http:
        room = await server.new_room()
        frames = picture("GIF", save_all=True, append_images=[Image.new("L", (16, 12), 7)])
        for data, told in (
            (picture("JPEG", (300, 200)), {"scaled_from": [300, 200]}),
            (frames, {"frames": 2}),
            (picture("BMP", (30, 20)), {}),
        ):
            status, body = await post(http, room, data)
            assert status == 201
            assert {name: body[name] for name in ("scaled_from", "frames") if name in body} == told
            assert body["width"] * body["height"] <= 10_100


async def test_a_body_of_unknown_length_is_cut_at_the_bound(tmp_path: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"\0" * 1024

    async with (
        running(tmp_path / "data", limits=Limits(max_asset=65_536, max_picture_file=131_072)) as server,
        aiohttp.ClientSession(server.url) as http,
    ):
        assert (await post(http, await server.new_room(), endless()))[0] == 413


async def test_a_room_holds_so_many_pictures_and_an_address_sends_so_many(tmp_path: Path) -> None:
    limits = Limits(max_assets=2, uploads_per_minute=0.001, upload_burst=4)
    async with (
        running(tmp_path / "data", limits=limits) as server,
        aiohttp.ClientSession(server.url) as http,
    ):
        room = await server.new_room()
        answers = [(await post(http, room, picture(size=(8, n + 1))))[0] for n in (1, 1, 2, 3, 4)]
        assert answers == [201, 201, 201, 413, 429]
