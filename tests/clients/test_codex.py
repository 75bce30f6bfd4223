"""The SDK's codex against a real server, whose helper process reads the story."""

from __future__ import annotations

import asyncio

import pytest

from antiphon_client import ClientError, connect, create_room
from support.server import PATIENCE, LiveServer


async def test_a_story_is_read_and_people_write_of_it(server: LiveServer) -> None:
    links = await create_room(server.url)
    async with (
        asyncio.timeout(PATIENCE),
        connect(links["owner"].link, name="Ada") as ada,
        connect(links["editor"].link, name="Bob") as bob,
    ):
        ada.append("Marta had green eyes. 🌙\nЗелёные глаза Анны.\nIt rained.\nMarta's brown eyes shone.\n")
        await ada.applied()
        await bob.wait_for(lambda room: bool(room.codex.contradictions))
        (one,) = bob.codex.contradictions
        data = ada.text.encode()
        assert data[one.first.start : one.first.end].decode() == one.first.quote == "Marta had green eyes."
        assert {entry.name for entry in bob.codex.found} == {"Marta", "Анна"}
        bob.codex.write("Marta", "her eyes change with the weather")
        await ada.wait_for(lambda room: "Marta" in room.codex.written)
        bob.codex.write("Marta", None)
        await ada.wait_for(lambda room: not room.codex.written)
        with pytest.raises(ClientError):
            bob.codex.write(" ", "x")
