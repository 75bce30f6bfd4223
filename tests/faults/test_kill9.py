"""`kill -9` of the whole server: everything that was acknowledged as durable is there after a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path

from antiphon_client import Address, Room, connect, create_room
from support.network import network
from support.server import NOTHING_TO_LOAD, PATIENCE, ServedProcess, serving


async def type_until_killed(room: Room, served: ServedProcess, count: int) -> list[str]:
    """Type words, each waited for until durable; kill the server in the middle of the next. The durable words."""
    durable = []
    for number in range(count):
        word = f"слово{number}🎭 "
        room.append(word)
        await room.durable()
        durable.append(word)
    room.append("never acknowledged ")
    served.kill()
    await served.process.wait()
    return durable


async def test_what_was_durable_is_back_with_its_authors(tmp_path: Path) -> None:
    # The address stays through a proxy: the port of the killed one may be somebody else's by then.
    async with serving(tmp_path, *NOTHING_TO_LOAD) as served, network(served.url) as way:
        links = await create_room(way.url)
        async with connect(links["editor"].link, name="Ada") as room:
            words = await type_until_killed(room, served, 25)
            assert room.me is not None
            async with serving(tmp_path, *NOTHING_TO_LOAD) as again:
                way.lead_to(again.url)
                async with asyncio.timeout(PATIENCE):
                    await room.wait_for(lambda one: one.synced)
                    await room.durable()
                assert room.text == "".join(words) + "never acknowledged "
                address = Address(again.url, links["viewer"].room, links["viewer"].token)
                async with connect(address.link) as viewer:
                    assert viewer.text == room.text
