"""The stock npm `yjs` and `y-websocket` provider in one room with native clients and the AI."""

from __future__ import annotations

import asyncio
from pathlib import Path

from antiphon_client import connect, create_room
from support.server import PATIENCE, LiveServer
from support.stock_provider import stock_provider


async def test_stock_and_native_clients_converge(server: LiveServer, cache_dir: Path) -> None:
    links = await create_room(server.url)
    server.engine.reply = " и кот 🐈 ушёл"
    async with (
        connect(links["owner"].link, name="Native") as native,
        stock_provider(links["editor"], cache_dir, "Stock") as stock,
    ):
        native.insert(0, "Начало. ")
        await native.durable()
        await stock.until(lambda read: read["text"] == "Начало. ")
        for round_ in range(10):
            native.insert(0, f"n{round_}語 ")
            await stock.do("insert", at=2**30, value=f"s{round_}🎭 ", attributes={"bold": True})
        run = native.ask(at=native.text.index(". ") + 1)
        written = "".join([token.text async for token in run])
        assert written == " и кот 🐈 ушёл"

        await stock.do("disconnect")
        await stock.do("insert", at=0, value="offline ")
        native.append("online")
        await native.durable()
        await stock.do("connect")
        await stock.event("synced")

        async with asyncio.timeout(PATIENCE):
            await native.wait_for(lambda room: "offline " in room.text and "s9🎭" in room.text)
        text = (await stock.until(lambda read: read["text"] == native.text))["text"]
        for round_ in range(10):
            assert text.count(f"n{round_}語 ") == 1
            assert text.count(f"s{round_}🎭 ") == 1
        assert text.count("Начало. и кот 🐈 ушёл") == 1


async def test_cursors_are_seen_across_the_protocols(server: LiveServer, cache_dir: Path) -> None:
    links = await create_room(server.url)
    async with (
        connect(links["owner"].link, name="Native") as native,
        stock_provider(links["editor"], cache_dir, "Stock") as stock,
    ):
        native.insert(0, "some text")
        await native.set_presence({"cursor": None})
        await stock.until(lambda read: "Native" in read["users"])
        await stock.do("cursor", at=4)
        async with asyncio.timeout(PATIENCE):
            await native.wait_for(lambda room: any(state.get("cursor") for state in room.presence.values()))


async def test_a_viewers_stock_client_cannot_write(server: LiveServer, cache_dir: Path) -> None:
    links = await create_room(server.url)
    async with (
        connect(links["owner"].link, name="Native") as native,
        stock_provider(links["viewer"], cache_dir, "Viewer") as viewer,
    ):
        await viewer.do("insert", at=0, value="graffiti")
        native.insert(0, "the text")
        await native.durable()
        await viewer.until(lambda read: "the text" in read["text"])
        assert native.text == "the text"


async def test_stock_and_native_clients_draw_together(server: LiveServer, cache_dir: Path) -> None:
    links = await create_room(server.url)
    async with (
        connect(links["owner"].link, name="Native") as native,
        stock_provider(links["editor"], cache_dir, "Stock") as stock,
    ):
        stroke = {"type": "stroke", "z": "V", "x": 1, "y": 2.5, "points": [0, 0, 0.5]}
        shape = native.canvas.add({"type": "shape", "shape": "line", "w": 1, "h": 1})
        await stock.do("draw", key="s", fields=stroke)
        await stock.do("draw", key="bad", fields=stroke | {"type": "script"})
        await native.durable()
        await stock.until(lambda read: set(read["canvas"]) == {"s", shape})
        for round_ in range(5):
            native.canvas.update(shape, x=round_)
            await stock.do("change", key=shape, fields={"y": round_})
            await stock.do("extend", key="s", points=[round_, round_, 0.25])
        await stock.do("disconnect")
        await stock.do("change", key=shape, fields={"color": "no colour", "w": 9})
        native.canvas.update(shape, color="#123456")
        await native.durable()
        await stock.do("connect")
        await stock.event("synced")
        async with asyncio.timeout(PATIENCE):
            await native.wait_for(lambda room: room.canvas[shape]["w"] == 9)
        drawn = {key: dict(fields) for key, fields in native.canvas.items()}
        await stock.until(lambda read: read["canvas"] == drawn)
        assert {name: drawn[shape][name] for name in ("x", "y")} == {"x": 4, "y": 4}
        assert drawn["s"]["points"] == [0, 0, 0.5, *(n for i in range(5) for n in (i, i, 0.25))]
        assert drawn[shape]["color"] == "#123456"
        painted = await native.paint("a fox").finished()
        assert painted.state == "done"
        await stock.until(
            lambda read: (
                [one["run"] for one in read["canvas"].values() if one["type"] == "image"] == [painted.id]
            )
        )
