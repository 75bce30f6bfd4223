"""The text leaves in every format, with who wrote it; files come in as deltas and change nothing by themselves."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
import pytest
from pycrdt import Map

from antiphon_proto.messages import Edit
from antiphon_server.formats import docx
from antiphon_server.formats.manuscript import Block, Manuscript, Words
from support.raw_client import native
from support.server import LiveServer

FORMATS = {
    "md": b"The sea is calm.",
    "html": b"<p>The sea is calm.</p>",
    "txt": b"The sea is calm.",
    "fountain": b"The sea is calm.",
    "docx": b"PK",
    "odt": b"PK",
    "rtf": b"{\\rtf1",
    "fdx": b"<FinalDraft",
    "epub": b"PK",
    "pdf": b"%PDF-",
}


@pytest.fixture
async def http(server: LiveServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


@pytest.fixture
async def room(server: LiveServer) -> dict[str, Any]:
    """A room in which Ada wrote a line and named it."""
    room = await server.new_room()
    async with native(server.ws_url) as client:
        await client.hello(room["tokens"]["owner"], "Ada")
        before = client.doc.get_state()
        client.doc.get("meta", type=Map)["title"] = 'The "Ferry": Ночь'
        client.story += "The sea is calm.\n"
        await client.say(Edit(1, client.doc.get_update(before)))
        await client.acked(1)
    return room


def bearer(room: dict[str, Any], role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {room['tokens'][role]}"}


async def get(http: aiohttp.ClientSession, room: dict[str, Any], query: str) -> tuple[int, bytes, str]:
    path = f"/api/rooms/{room['room']}/export?{query}"
    async with http.get(path, headers=bearer(room, "viewer")) as answer:
        return answer.status, await answer.read(), answer.headers.get("Content-Disposition", "")


async def post(
    http: aiohttp.ClientSession, room: dict[str, Any], format: str, data: Any, role: str = "editor"
) -> tuple[int, Any]:
    path = f"/api/rooms/{room['room']}/import?format={quote(format, safe='&=')}"
    async with http.post(path, data=data, headers=bearer(room, role)) as answer:
        return answer.status, await answer.json()


async def test_every_format_goes_out(http: aiohttp.ClientSession, room: dict[str, Any]) -> None:
    for format, expected in FORMATS.items():
        status, data, disposition = await get(http, room, f"format={format}")
        assert status == 200, format
        assert expected in data
        assert f'filename="The Ferry.{format}"' in disposition
        assert f"The%20Ferry%20%D0%9D%D0%BE%D1%87%D1%8C.{format}" in disposition


async def test_the_report_says_who_wrote_what(http: aiohttp.ClientSession, room: dict[str, Any]) -> None:
    status, data, _ = await get(http, room, "format=json")
    assert status == 200
    body = msgspec.json.decode(data)
    (writer,) = body["report"]["writers"]
    assert (writer["name"], writer["kind"], writer["share"]) == ("Ada", "human", 1.0)
    assert body["report"]["characters"] == len("The sea is calm.\n")
    assert body["ops"] == [{"insert": "The sea is calm.\n"}]
    _, text, _ = await get(http, room, "format=md&authorship=1")
    assert "Ada (person): 17 characters, 100%" in text.decode()
    _, text, _ = await get(http, room, "format=md")
    assert "Ada" not in text.decode()


async def test_a_file_comes_in_as_a_delta_and_changes_nothing(
    http: aiohttp.ClientSession, room: dict[str, Any]
) -> None:
    story = Manuscript((Block((Words("Two"), Words(" words", bold=True)), "heading", 2),), "T")
    status, body = await post(http, room, "docx", docx.write(story))
    assert status == 200
    assert body == {
        "title": "T",
        "ops": [
            {"insert": "Two"},
            {"insert": " words", "attributes": {"bold": True}},
            {"insert": "\n", "attributes": {"header": 2}},
        ],
        "notices": [],
        "encoding": None,
    }
    assert (await get(http, room, "format=txt"))[1] == b"The sea is calm.\n"


async def test_an_answer_says_what_is_not_as_it_was(
    http: aiohttp.ClientSession, room: dict[str, Any]
) -> None:
    page = "<p>a<img src=x></p><table><tr><td>b</td><td>c</td></tr></table>"
    _, body = await post(http, room, "html", page)
    assert body["notices"] == [{"code": "tables", "count": 1}, {"code": "pictures", "count": 1}]
    assert body["encoding"] == {"name": "utf-8", "sure": True, "choices": []}


async def test_an_encoding_is_guessed_offered_and_chosen(
    http: aiohttp.ClientSession, room: dict[str, Any]
) -> None:
    data = "Лампа горела всю ночь.".encode("koi8-r")
    _, body = await post(http, room, "txt", data)
    assert body["ops"][0]["insert"].startswith("Лампа")
    assert body["encoding"]["sure"] is False
    choices = {choice["encoding"]: choice["preview"] for choice in body["encoding"]["choices"]}
    assert choices["koi8-r"].startswith("Лампа")
    _, body = await post(http, room, "txt&encoding=windows-1251", data)
    assert body["encoding"]["name"] == "windows-1251"
    assert not body["ops"][0]["insert"].startswith("Лампа")
    assert (await post(http, room, "txt&encoding=rot13", data))[0] == 400


async def test_what_cannot_be_is_answered_clearly(http: aiohttp.ClientSession, room: dict[str, Any]) -> None:
    assert (await get(http, room, "format=exe"))[0] == 400
    assert (await post(http, room, "exe", b"x"))[0] == 400
    assert (await post(http, room, "pdf", b"x"))[0] == 400
    assert (await post(http, room, "txt", b""))[0] == 400
    assert (await post(http, room, "md", b"x", role="viewer"))[0] == 403
    status, body = await post(http, room, "docx", b"PK\x03\x04 broken")
    assert status == 400
    assert "damaged" in body["error"]["message"]
    assert (await post(http, room, "txt", io.BytesIO(bytes(17 * 1024 * 1024))))[0] == 413
