"""Hosts, origins, compressed bodies, malformed requests: by bare sockets, where a client library would correct them."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import re
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from antiphon_server.net.peers import Hosts, Proxies
from support.server import LiveServer, bearer, running


async def raw(server: LiveServer, request: str | bytes) -> tuple[int, str]:
    """Status and the whole answer."""
    host, port = server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request if isinstance(request, bytes) else request.replace("\n", "\r\n").encode())
    try:
        async with asyncio.timeout(30):
            head = (await reader.readuntil(b"\r\n\r\n")).decode(errors="replace")
            size = re.search(r"(?i)content-length: (\d+)", head)
            answer = head + (await reader.read(int(size[1]) if size else -1)).decode(errors="replace")
    finally:
        writer.close()
        await writer.wait_closed()
    return int(answer.split(" ", 2)[1]), answer


SOCKET = (
    "Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\n"
)


FOREIGN = ("rebind.example", "localhost.rebind.example", "192.0.2.7", "", "evil@localhost", "a b", "[::1")


async def test_a_name_that_is_not_ours_opens_nothing(server: LiveServer) -> None:
    for path in ("/", "/ws", "/yjs/room", "/api/rooms/x"):
        upgrade = SOCKET if path.startswith(("/ws", "/yjs")) else ""
        for host in FOREIGN:
            request = f"GET {path} HTTP/1.1\nHost: {host}\nOrigin: http://{host}\n{upgrade}\n"
            status, answer = await raw(server, request)
            assert status in (400, 421), answer


async def test_probes_are_answered_under_any_name(server: LiveServer) -> None:
    for path in ("/healthz", "/readyz"):
        assert (await raw(server, f"GET {path} HTTP/1.0\nHost: pod-7\n\n"))[0] == 200


async def test_links_are_built_from_names_that_are_ours(tmp_path: Path) -> None:
    async with running(tmp_path, allowed_hosts=("rooms.example",)) as server:
        post = "POST /api/rooms HTTP/1.1\nHost: {}\nConnection: close\nContent-Length: 0\n\n"
        status, answer = await raw(server, post.format("rooms.example:81"))
        assert status == 201
        assert "http://rooms.example:81/r/" in answer
        status, answer = await raw(server, post.format("evil.example"))
        assert status == 421
        assert "evil.example" not in answer


def test_hosts_of_a_bound_address() -> None:
    inside = Hosts((), "https://rooms.example/x", "192.168.1.5", Proxies(()))
    for host in ("localhost", "LOCALHOST:80", "a.localhost", "127.0.0.1", "127.8.8.8:1", "[::1]:8080"):
        assert inside.known(host)
    assert inside.known("192.168.1.5:8080")
    assert inside.known("rooms.example")
    assert inside.known("rooms.example.")
    for host in (
        "192.168.1.6",
        "[2001:db8::1]",
        "rooms.example.evil",
        "evil",
        "[localhost]x",
        ":80",
        "a:b:c",
    ):
        assert not inside.known(host)
    everywhere = Hosts((), "", "0.0.0.0", Proxies(()))
    assert everywhere.known("192.168.1.6:8080")
    assert everywhere.known("[2001:db8::1]")
    assert not everywhere.known("evil.example")


ORIGINS: list[tuple[dict[str, str], int]] = [
    ({}, 201),  # no browser
    ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 201),
    ({"Sec-Fetch-Site": "none"}, 201),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403),
    ({"Sec-Fetch-Site": "same-site", "Origin": "http://other.localhost"}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Origin": "https://evil.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": "https://evil.example", "Authorization": "Bearer x"}, 201),  # no page can send this
]


async def test_only_pages_of_this_site_make_rooms_without_a_token(server: LiveServer) -> None:
    async with aiohttp.ClientSession(server.url) as http:
        for headers, status in [*ORIGINS, ({"Origin": server.url}, 201)]:
            async with http.post("/api/rooms", headers=headers) as answer:
                assert answer.status == status, headers


async def test_compressed_bodies_are_refused_unread(server: LiveServer) -> None:
    room = await server.new_room()
    bomb = gzip.compress(bytes(50_000_000))
    for encoding in ("gzip", "deflate", "br", "zstd", "x", "identity, gzip"):
        headers = {**bearer(room["tokens"]["owner"]), "Content-Encoding": encoding}
        async with (
            aiohttp.ClientSession(server.url) as http,
            http.post(f"/api/rooms/{room['room']}/restore", data=bomb, headers=headers) as answer,
        ):
            assert answer.status == 415


MALFORMED = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
    b"GET / HTTP/9.9\r\n\r\n",
    b"GE\x00T / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /\x01 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X%d: 1\r\n" % n for n in range(200)) + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"POST /api/rooms HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n",
    b"GET http://[::1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
]


async def test_a_malformed_request_is_one_line_and_no_traceback(
    server: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "antiphon_server.app.http")
    for request in MALFORMED:
        caplog.clear()
        assert (await raw(server, request))[0] == 400, request[:60]
        told = [record for record in caplog.records if record.name.startswith(("antiphon", "aiohttp"))]
        assert [record for record in told if record.levelno > logging.DEBUG or record.exc_info] == []
        assert len([record for record in told if "malformed" in record.message]) == 1


async def test_bodies_that_break_off_or_nest_are_the_callers_fault(server: LiveServer) -> None:
    room = await server.new_room()
    async with aiohttp.ClientSession(server.url, headers=bearer(room["tokens"]["owner"])) as http:
        path = f"/api/rooms/{room['room']}/restore"
        for bad in (b"[" * 30_000, b'{"a":' * 9000, b"\xff\xfe", b'{"seq": "x"}', b"null", b'{"seq": 1e400}'):
            async with http.post(path, data=bad) as answer:
                assert answer.status in (400, 401), bad[:10]
    head = (
        f"POST {path} HTTP/1.1\nHost: localhost\nAuthorization: Bearer {room['tokens']['owner']}\n"
        "Transfer-Encoding: chunked\nConnection: close\n\n"
    )
    status, _ = await raw(server, head.replace("\n", "\r\n").encode() + b"zz\r\n")
    assert status == 400


async def test_metrics_ask_for_a_token_or_have_a_port_of_their_own(tmp_path: Path) -> None:
    async with (
        running(tmp_path, metrics_token=SecretStr("scrape"), metrics_port=0) as server,
        aiohttp.ClientSession(server.url) as http,
    ):
        room = await server.new_room()
        for token, status in [
            ("", 401), ("x", 401), (room["tokens"]["owner"], 401), ("scrape", 200),
            (server.gateway.tokens.operator(60), 200),
        ]:  # fmt: skip
            async with http.get("/metrics", headers=bearer(token)) as answer:
                assert answer.status == status
        async with http.get("/metrics?token=scrape") as answer:
            assert answer.status == 401


async def test_a_token_in_an_address_is_refused(server: LiveServer) -> None:
    room = await server.new_room()
    token = room["tokens"]["viewer"]
    async with aiohttp.ClientSession(server.url) as http:
        async with http.get(f"/api/rooms/{room['room']}?token={token}") as answer:
            assert answer.status == 401
            assert "Authorization" in json.dumps(await answer.json())
        async with http.get(f"/api/rooms/{room['room']}", headers=bearer(token)) as answer:
            assert answer.status == 200
            assert "microphone=()" in answer.headers["Permissions-Policy"]
