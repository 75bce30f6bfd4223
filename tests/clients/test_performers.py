"""The SDK's performers against a real server."""

from __future__ import annotations

import asyncio

import pytest

from antiphon_client import RequestRefused, connect, create_room
from support.server import PATIENCE, LiveServer


async def test_performers_come_answer_change_and_go(server: LiveServer) -> None:
    links = await create_room(server.url)
    server.engine.reply = "Too long."
    async with (
        asyncio.timeout(PATIENCE),
        connect(links["owner"].link, name="Ada") as ada,
        connect(links["editor"].link, name="Bob") as bob,
    ):
        ada.append("She was very very tired.\n")
        await ada.applied()
        key = await ada.performers.add("critic", language="ru")
        await bob.wait_for(lambda room: key in room.performers)
        assert bob.performers[key].name == "Критик"
        assert bob.participants[bob.performers.participant(key)].kind == "ai"
        with pytest.raises(RequestRefused):
            await bob.performers.add("own", name="ada")
        await bob.performers.change(key, name="Vissarion", hourly=2)
        assert bob.performers[key].brief == ada.performers[key].brief
        await bob.chat.say("@Vissarion what do you think?")
        await bob.wait_for(
            lambda room: len(room.chat.entries) == 2 and room.chat.entries[1].text == "Too long."
        )
        assert bob.chat.entries[1].participant == bob.performers.participant(key)
        comment = await ada.comments.add(0, 8, "@Vissarion and this?")
        await ada.wait_for(lambda room: len(room.comments[comment].replies) == 1)
        assert ada.comments[comment].replies[0].run in ada.runs
        await ada.wait_for(lambda room: room.performers[key].spent == 2)
        with pytest.raises(RequestRefused, match="hour"):
            await ada.chat.say("@Vissarion once more?")
        await ada.performers.remove(key)
        assert not ada.performers
        with pytest.raises(KeyError):
            await ada.performers.change(key, hourly=9)
