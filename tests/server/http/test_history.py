"""The past of a room over HTTP: rights, content, going back, forking."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pycrdt import Map

from antiphon_proto.messages import Ask, Edit, Recall, Run, Say, Tokens, Versions
from support.picture_files import picture
from support.raw_client import NativeClient, native
from support.server import LiveServer, bearer, running


class Visitor:
    """HTTP as one member of one room."""

    def __init__(
        self, http: aiohttp.ClientSession, room: dict[str, Any], role: str, session: str = ""
    ) -> None:
        self.http = http
        self.room = room
        self.headers = {"Authorization": f"Bearer {room['tokens'][role]}", "X-Antiphon-Session": session}

    async def call(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        url = f"/api/rooms/{self.room['room']}/{path}"
        async with self.http.request(method, url, headers=self.headers, **more) as answer:
            return answer.status, await answer.json(content_type=None)

    async def get(self, path: str) -> Any:
        status, body = await self.call("GET", path)
        assert status == 200, body
        return body


@pytest.fixture
async def http(server: LiveServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


async def write(
    client: NativeClient, text: str, batch: int, *, at: int = 0, key: str = "", **fields: Any
) -> None:
    before = client.doc.get_state()
    with client.doc.transaction():
        if text:
            client.story.insert(at, text, {})
        if key:
            canvas = client.doc.get("canvas", type=Map)
            canvas[key] = Map({"type": "image", "z": "V", "x": 0.0, "y": 0.0, "w": 9.0, "h": 9.0, **fields})
    await client.say(Edit(batch, client.doc.get_update(before)))
    await client.acked(batch, "applied")


async def test_a_room_tells_its_history_goes_back_and_forks(
    server: LiveServer, http: aiohttp.ClientSession
) -> None:
    room = await server.new_room()
    async with native(server.ws_url) as client:
        welcome = await client.hello(room["tokens"]["owner"], "Ада")
        ada = welcome.participant.id
        owner = Visitor(http, room, "owner", welcome.session)
        asset = (await owner.call("POST", "assets", data=picture("PNG", (8, 8))))[1]["sha256"]
        await write(client, "Кот. ", 1, key="o1", asset=asset)
        history = await owner.get("history")
        first = history["last"]
        assert history["next"] is None
        assert [(g["author"], g["first"], g["last"]) for g in history["groups"]][-1] == (ada, first, first)
        status, version = await owner.call("POST", "versions", json={"name": "Начало"})
        assert (status, version["seq"], version["author"]) == (201, first, ada)
        assert [v.name for v in (await client.hear(Versions)).versions] == ["Начало"]

        await client.say(Ask(1, "continue", "write", welcome.offset + 1, 8, 8))
        while (await client.hear(Run)).run.state != "done":
            pass
        await client.say(Say(1, "what a cat"))
        await write(client, "Пёс. ", 2)
        last = (await owner.get("history"))["last"]
        assert last > first + 2
        groups = (await owner.get(f"history?after={first}"))["groups"]
        assert [g["author"] for g in groups][0] == "ai"
        page = await owner.get(f"history?before={last}&limit=1")
        assert [(g["first"], g["last"]) for g in page["groups"]] == [(last - 1, last - 1)]
        assert page["next"] == last - 1

        then = await owner.get(f"history/{first}")
        assert [(p["insert"], p["author"]) for p in then["story"]] == [("Кот. ", ada)]
        [drawn] = then["canvas"]
        assert {
            "id": "o1",
            "asset": asset,
            "type": "image",
            "z": "V",
            "w": 9.0,
            "h": 9.0,
        }.items() <= drawn.items()
        assert drawn["creator"] == drawn["editor"] == [ada, None]
        compared = await owner.get(f"compare?from={first}&to={last}")
        assert [(o["op"], o["text"], o["author"]) for o in compared["story"]] == [
            ("insert", "Пёс. ", ada),
            ("equal", "Кот. ", ada),
            ("insert", " a scripted reply", "ai"),
        ]
        assert compared["canvas"] == {"added": [], "changed": [], "removed": []}

        assert (await owner.call("POST", "restore", json={"seq": first}))[0] == 200
        await client.sees("Кот. ")
        shares = await owner.get("authorship")
        assert shares["characters"] == {"people": {ada: 5}, "runs": {}}

        status, fork = await owner.call("POST", "fork", json={"seq": last})
        assert (status, fork["origin"]) == (201, {"room": room["room"], "seq": last})
        async with http.get(f"/api/rooms/{fork['room']}", headers=bearer(fork["tokens"]["viewer"])) as answer:
            assert (await answer.json())["origin"] == fork["origin"]
    async with native(server.ws_url) as client:
        welcome = await client.hello(fork["tokens"]["owner"], "Bo")
        there = Visitor(http, fork, "owner", welcome.session)
        assert str(client.story) == "Пёс. Кот.  a scripted reply"
        spans = (await there.get("authorship"))["spans"]
        assert [(s["author"], bool(s["run"])) for s in spans] == [(ada, False), ("ai", True)]
        assert {p.id: p.name for p in welcome.participants if p.kind == "human"} == {
            welcome.participant.id: "Bo",
            ada: "Ада",
        }
        [run] = welcome.runs
        assert run.task == "continue"
        await client.say(Recall(run.id))  # the model's alternatives came along
        told = await client.hear(Tokens)
        assert (told.run, "".join(token.text for token in told.tokens)) == (run.id, " a scripted reply")
        assert (await there.call("GET", f"assets/{asset}/provenance"))[0] == 200
        await write(client, "! ", 1)
        old = await there.get("history/1")
        assert "".join(p["insert"] for p in old["story"]) == "Пёс. Кот.  a scripted reply"
        assert {p["author"] for p in old["story"]} == {ada, "ai"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "history/999", None, 404, "not_found"),
        ("GET", "history/-1", None, 400, "invalid"),
        ("GET", "history?limit=0", None, 400, "invalid"),
        ("GET", "history?after=x", None, 400, "invalid"),
        ("GET", "compare?from=0", None, 400, "invalid"),
        ("POST", "restore", {}, 400, "invalid"),
        ("POST", "restore", {"seq": 999}, 404, "not_found"),
        ("POST", "versions", {"seq": 0}, 400, "invalid"),
        ("POST", "versions", {"name": "x" * 101}, 400, "invalid"),
        ("POST", "versions", {"name": 7}, 400, "invalid"),
        ("DELETE", "versions/none", None, 404, "not_found"),
        ("POST", "fork", [], 400, "invalid"),
    ],
)
async def test_bad_requests_are_answered_so(
    server: LiveServer, http: aiohttp.ClientSession, method: str, path: str, body: Any, status: int, code: str
) -> None:
    room = await server.new_room()
    async with native(server.ws_url) as client:
        welcome = await client.hello(room["tokens"]["owner"])
        owner = Visitor(http, room, "owner", welcome.session)
        answer = await owner.call(method, path, json=body)
    assert (answer[0], answer[1]["error"]["code"]) == (status, code)


async def test_the_past_is_for_those_who_may_see_it(server: LiveServer, http: aiohttp.ClientSession) -> None:
    room = await server.new_room()
    for role, path, method, status in (
        ("viewer", "history", "GET", 403),
        ("editor", "history", "GET", 200),
        ("editor", "fork", "POST", 403),
        ("viewer", "restore", "POST", 403),
        ("editor", "versions", "POST", 401),  # whose? there is no session
    ):
        body = {"name": "x"} if path == "versions" else {"seq": 0}
        answer = await Visitor(http, room, role).call(method, path, json=body if method == "POST" else None)
        assert answer[0] == status, (role, path)


async def test_viewers_see_the_past_where_the_settings_say_so(tmp_path: Path) -> None:
    async with (
        running(tmp_path / "data", viewers_may={"history"}) as server,
        aiohttp.ClientSession(server.url) as http,
    ):
        room = await server.new_room()
        assert (await Visitor(http, room, "viewer").call("GET", "history"))[0] == 200
