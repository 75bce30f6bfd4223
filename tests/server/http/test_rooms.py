from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from msgspec.structs import replace

from antiphon_engines.api import Absent
from antiphon_engines.host.host import HostState
from antiphon_proto.messages import Audio, BandStream, Perform
from antiphon_server.http.client_files import ClientFiles
from antiphon_server.limits import Limits
from antiphon_server.net.peers import Proxies
from antiphon_server.store.api import StorageFull
from support.raw_client import native
from support.server import LiveServer, bearer, running


@pytest.fixture
async def http(server: LiveServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url) as session:
        yield session


async def get(http: aiohttp.ClientSession, path: str, token: str = "") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with http.get(path, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_a_new_room_has_links_and_tokens_for_every_role(server: LiveServer) -> None:
    room = await server.new_room()
    assert set(room) == {"room", "links", "tokens"}
    assert set(room["links"]) == set(room["tokens"]) == {"owner", "editor", "viewer"}
    for role, token in room["tokens"].items():
        assert server.gateway.tokens.verify(token).role == role
        assert room["links"][role] == f"{server.url}/r/{room['room']}#{token}"


async def test_a_room_shows_who_is_there_to_those_who_may_enter(
    server: LiveServer, http: aiohttp.ClientSession
) -> None:
    room = await server.new_room()
    async with native(server.ws_url) as client:
        await client.hello(room["tokens"]["owner"], "Ada")
        status, body = await get(http, f"/api/rooms/{room['room']}", room["tokens"]["viewer"])
    assert status == 200
    assert body["room"] == room["room"]
    assert body["role"] == "viewer"
    assert [(member["name"], member["role"]) for member in body["members"] if member["kind"] == "human"] == [
        ("Ada", "owner")
    ]
    assert body["runs"] == []
    assert body["models"][0]["name"] == "scripted"


async def test_the_text_and_who_wrote_it(server: LiveServer, http: aiohttp.ClientSession) -> None:
    room = await server.new_room()
    token = room["tokens"]["viewer"]
    async with native(server.ws_url) as client:
        me = (await client.hello(room["tokens"]["owner"])).participant.id
        await client.acked(await client.type("Привет"), "applied")
    async with http.get(f"/api/rooms/{room['room']}/text", headers=bearer(token)) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/plain"
        assert await answer.text() == "Привет"
    status, body = await get(http, f"/api/rooms/{room['room']}/authorship", token)
    assert status == 200
    assert body["spans"] == [{"start": 0, "end": 12, "author": me, "run": None}]
    assert body["shares"] == {me: 12}


async def test_a_room_is_closed_to_others(server: LiveServer, http: aiohttp.ClientSession) -> None:
    room, other = await server.new_room(), await server.new_room()
    path = f"/api/rooms/{room['room']}"
    for token in ("", "nonsense", other["tokens"]["owner"]):
        status, body = await get(http, path, token)
        assert status == 401
        assert body["error"]["code"] == "unauthorized"
    stale = server.gateway.tokens.issue(room["room"], "owner", "renewed-since")
    assert (await get(http, path, stale))[0] == 401
    ghost = server.gateway.tokens.issue("ghost", "owner", "link")
    status, body = await get(http, "/api/rooms/ghost", ghost)
    assert (status, body["error"]["code"]) == (404, "not_found")


async def test_rooms_are_created_at_a_bounded_rate(tmp_path: Path) -> None:
    async with running(tmp_path, limits=Limits(rooms_per_minute=0.001, room_burst=2)) as server:
        await server.new_room()
        await server.new_room()
        async with aiohttp.ClientSession(server.url) as http, http.post("/api/rooms") as answer:
            assert answer.status == 429
            assert (await answer.json())["error"]["code"] == "rate_limited"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/no/such/page", 404, "not_found"),
        ("DELETE", "/api/rooms", 405, "invalid"),
        ("GET", "/ws", 400, "invalid"),
        ("GET", "/yjs/room", 400, "invalid"),
        ("GET", "/../../etc/passwd", 404, "not_found"),
        ("GET", "/%2e%2e/%2e%2e/config.py", 404, "not_found"),
        ("GET", "/a%00b", 404, "not_found"),
        ("GET", "/" + "x" * 3000, 404, "not_found"),
    ],
)
async def test_errors_have_one_shape(
    http: aiohttp.ClientSession, method: str, path: str, status: int, code: str
) -> None:
    async with http.request(method, path) as answer:
        body = await answer.json()
        assert (answer.status, body["error"]["code"]) == (status, code)
        assert set(body) == {"error"}
        assert set(body["error"]) == {"code", "message"}


async def test_every_answer_carries_the_security_headers(http: aiohttp.ClientSession) -> None:
    for path in ("/", "/healthz", "/no/such/page", "/metrics"):
        async with http.get(path) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "script-src 'self' 'wasm-unsafe-eval';" in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["Server"] == "antiphon"


async def test_the_instruments_of_the_jam_are_fetched_once(http: aiohttp.ClientSession) -> None:
    async with http.get("/sounds/band.sf3") as answer:
        data = await answer.read()
        assert answer.status == 200
        assert answer.content_type == "audio/x-soundfont"
        assert "max-age" in answer.headers["Cache-Control"]
        assert (data[:4], data[8:12]) == (b"RIFF", b"sfbk")
        held = {"If-None-Match": answer.headers["ETag"]}
    async with http.get("/sounds/band.sf3", headers=held) as answer:
        assert answer.status == 304


async def test_health_and_readiness(server: LiveServer, http: aiohttp.ClientSession) -> None:
    assert (await get(http, "/healthz")) == (200, {"status": "ok"})
    assert (await get(http, "/readyz"))[0] == 200
    server.engine.become(HostState("restarting", message="the worker died"))
    status, body = await get(http, "/readyz")
    assert (status, body["ready"], body["engine"]["message"]) == (503, False, "the worker died")
    assert (await get(http, "/healthz"))[0] == 200


async def test_a_server_is_ready_when_every_model_that_can_load_has(
    server: LiveServer, http: aiohttp.ClientSession
) -> None:
    state = server.engine.state
    for loading, status, word in [(True, 503, "loading"), (False, 200, "absent")]:
        absent = Absent("image", "tiny", "loading weights", loading)
        server.engine.become(replace(state, absent=(absent,)))
        answered, body = await get(http, "/readyz")
        assert (answered, body["models"]["image"], body["models"]["text"]) == (status, word, "ready")


async def test_a_full_disk_is_told_by_readiness(
    server: LiveServer, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = StorageFull("the disk is full")
    monkeypatch.setattr(type(server.gateway.store), "problem", property(lambda _: problem))
    status, body = await get(http, "/readyz")
    assert (status, body["store"]) == (503, "the disk is full")


async def test_metrics_count_what_was_delivered(server: LiveServer, http: aiohttp.ClientSession) -> None:
    room = await server.new_room()
    async with native(server.ws_url) as client:
        await client.hello(room["tokens"]["owner"])
        await client.acked(await client.type("x"))
        await client.say(Perform(1))
        run = (await client.hear(BandStream)).run
        for pts in (0, 1920):
            server.engine.sound(run, pts)
            await client.hear(Audio)
        async with http.get("/metrics", headers=bearer(server.gateway.tokens.operator(60))) as answer:
            page = await answer.text()
    values = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    assert float(values["antiphon_connections"]) == 1
    assert float(values["antiphon_rooms"]) == 1
    assert float(values["antiphon_received_edits_total"]) == 1
    assert float(values["antiphon_delivered_frames_total"]) >= 3
    assert float(values['antiphon_dropped_frames_total{lane="presence"}']) == 0
    assert float(values["antiphon_durable_seconds_count"]) >= 1
    assert float(values["antiphon_band_frames_total"]) == 2
    assert float(values["antiphon_band_gaps_total"]) == 0
    assert float(values["antiphon_resident_memory_bytes"]) > 10e6
    assert "antiphon_tick_seconds_count" in values


@pytest.fixture
async def files(tmp_path: Path) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """The web client's routes over a small build."""
    root = tmp_path / "static"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("<p>page")
    (root / "assets" / "app-abc.js").write_text("1")
    (tmp_path / "secret").write_text("secret")
    app = web.Application()
    app.add_routes(ClientFiles(root).routes())
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_the_page_is_asked_for_again_and_hashed_assets_are_kept(
    files: TestClient[web.Request, web.Application],
) -> None:
    for path in ("/", "/r/some-room"):
        answer = await files.get(path)
        assert await answer.text() == "<p>page"
        assert answer.headers["Cache-Control"] == "no-cache"
    answer = await files.get("/assets/app-abc.js")
    assert answer.content_type in ("text/javascript", "application/javascript")
    assert "immutable" in answer.headers["Cache-Control"]


async def test_who_takes_gzip_gets_what_the_build_compressed(
    files: TestClient[web.Request, web.Application], tmp_path: Path
) -> None:
    (tmp_path / "static" / "assets" / "app-abc.js.gz").write_bytes(gzip.compress(b"compressed"))
    answer = await files.get("/assets/app-abc.js", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.content_type in ("text/javascript", "application/javascript")
    assert "immutable" in answer.headers["Cache-Control"]
    assert await answer.text() == "compressed"
    plain = await files.get("/assets/app-abc.js", headers={"Accept-Encoding": "identity"})
    assert await plain.text() == "1"


async def test_a_client_that_was_not_built_is_said_so(tmp_path: Path) -> None:
    app = web.Application()
    app.add_routes(ClientFiles(tmp_path / "none").routes())
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/")
        assert answer.status == 503
        assert "make web" in await answer.text()


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("", "10.0.0.1"),
        ("10.0.0.3", "10.0.0.1"),
    ],
)
def test_a_trusted_proxy_says_who_is_there(forwarded: str, address: str) -> None:
    request = _request("10.0.0.1", {"X-Forwarded-For": forwarded})
    assert Proxies(["10.0.0.0/8"]).address(request) == address


def test_anybody_else_cannot_say_who_they_are() -> None:
    headers = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil"}
    request = _request("192.0.2.1", {**headers, "Host": "here"})
    assert Proxies(["10.0.0.0/8"]).address(request) == "192.0.2.1"
    assert Proxies(["10.0.0.0/8"]).base_url(request) == "http://here"
    trusted = _request("10.0.0.1", {**headers, "Host": "here"})
    assert Proxies(["10.0.0.0/8"]).base_url(trusted) == "https://evil"


class _Peer:
    def __init__(self, address: str) -> None:
        self._address = address

    def get_extra_info(self, name: str, default: object = None) -> object:
        return (self._address, 1) if name == "peername" else default


def _request(peer: str, headers: dict[str, str]) -> web.Request:
    return make_mocked_request("GET", "/", headers, transport=_Peer(peer))
