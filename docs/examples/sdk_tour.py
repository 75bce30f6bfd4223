"""A tour of the SDK: `python sdk_tour.py URL`, with the address of a server or an invite link."""

from __future__ import annotations

import asyncio
import sys

from antiphon_client import NothingToUndo, Painted, RequestRefused, connect, create_room
from antiphon_proto.params import ImageParams, TextParams


async def main(target: str) -> None:
    link = target if "/r/" in target else (await create_room(target))["owner"].link
    async with connect(link, name="Ada") as room:
        await write(room)
        await suggest(room)
        await draw(room)
        await look_back(room)


async def write(room):
    room.append("The last ferry had already left. ")
    await room.durable()  # it is on the server's disk

    async for token in room.ask(params=TextParams(max_tokens=20, seed=1)):
        print(token.text, end="", flush=True)
    print()

    step = await room.undo()  # this participant's last step: what the run wrote
    print("took back:", step.kind)
    await room.redo()


async def suggest(room):
    run = room.ask(mode="suggest", params=TextParams(max_tokens=10))
    info = await run.finished()  # its words wait in the text
    await room.accept(info.id)

    try:
        await room.reject(info.id)  # it was decided already
    except RequestRefused as error:
        print("refused:", error)


async def draw(room):
    key = room.canvas.add({"type": "shape", "shape": "ellipse", "w": 80, "h": 80, "fill": "#f4b400"})
    room.canvas.update(key, x=40)
    await room.applied()

    async for event in room.paint("a red apple", params=ImageParams(width=64, height=48, seed=3)):
        if isinstance(event, Painted):
            picture = await room.download(event.asset)
            print(f"{len(picture)} bytes of PNG")
            room.canvas.describe(event.id, "An apple on a white ground")  # for people who do not see it
        else:
            print(f"step {event.step} of {event.of}")


async def look_back(room):
    await room.durable()
    version = await room.history.name("First draft")
    room.append("Nobody saw it leave.")
    await room.applied()
    await room.history.restore(version.seq)
    for who in room.participants.values():
        print(who.name, who.role)
    try:
        while True:
            print("undone:", (await room.undo()).kind)
    except NothingToUndo:
        print("nothing is left to undo")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"))
