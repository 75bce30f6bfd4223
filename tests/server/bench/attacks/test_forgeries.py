"""Forgeries over the wire: none is believed, and who is forged loses nothing."""

from __future__ import annotations

import aiohttp

from antiphon_server.bench.attacks.clients import Site
from antiphon_server.bench.attacks.forgeries import forged
from support.server import LiveServer


async def test_no_forgery_is_believed(server: LiveServer) -> None:
    async with aiohttp.ClientSession() as http:
        found = await forged(Site(server.url, http), 200)
    assert found["sent"] == {"attributes": 50, "embeds": 50, "ids": 50, "presences": 50}
    assert found["believed"] == {"attributes": 0, "embeds": 0, "ids": 0, "presences": 0}
    assert found["lost"] == 0
