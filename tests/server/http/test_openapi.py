"""The description and the routes say the same, and nothing that is asked by it makes the server fail."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import aiohttp
import pytest

from antiphon_proto.messages import Pass
from antiphon_server.app import application
from antiphon_server.bench.attacks.http_fuzz import Target, fuzz
from antiphon_server.http.openapi import OPERATIONS, document
from antiphon_server.limits import Limits
from support.raw_client import native
from support.server import LiveServer, running

NOT_HTTP = {("GET", "/ws"), ("GET", "/yjs/{room}")}


async def test_every_route_is_described_and_nothing_else(server: LiveServer) -> None:
    routes = {
        (route.method, route.resource.canonical)
        for route in application(server.gateway).router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    api = {
        one for one in routes if one[1].startswith("/api") or one[1] in ("/healthz", "/readyz", "/metrics")
    }
    assert {(one.method, one.path) for one in OPERATIONS} == api - NOT_HTTP
    async with aiohttp.ClientSession(server.url) as http, http.get("/api/openapi.json") as answer:
        assert answer.status == 200
        assert await answer.json() == document()


def test_every_operation_says_whose_it_is_and_how_it_fails() -> None:
    for path, operations in document()["paths"].items():
        for operation in operations.values():
            assert "default" in operation["responses"]
            open_to_all = path in ("/api/rooms", "/api/openapi.json", "/healthz", "/readyz")
            assert bool(operation["security"]) is not open_to_all


# The server in the loop's thread uses `random` while strategies draw in another: Hypothesis takes it for theirs.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
async def test_what_is_asked_by_the_description_never_makes_the_server_fail(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("schemathesis")
    caplog.set_level(logging.WARNING)
    limits = Limits(
        rooms_per_minute=1e6, uploads_per_minute=1e6, history_per_minute=1e6, conversions_per_minute=1e6,
        conversion_burst=1000, reading_bytes_per_second=1e9,
    )  # fmt: skip
    async with running(tmp_path, limits=limits) as server, native(server.ws_url) as owner:
        room = await server.new_room()
        welcome = await owner.hello(room["tokens"]["owner"])
        await owner.hear(Pass)
        await owner.acked(await owner.type("Once."), "durable")
        target = Target(
            server.url, room["room"], room["tokens"], welcome.session, server.gateway.tokens.operator(600)
        )
        found = await asyncio.to_thread(fuzz, target, 200)
    assert found.failures == []
    assert found.requests > 120
    assert sum(count for status, count in found.statuses.items() if status.startswith("2")) > 20
    assert [one for one in caplog.records if one.exc_info or one.levelno >= logging.ERROR] == []
