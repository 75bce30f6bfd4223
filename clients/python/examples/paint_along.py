"""A bot that paints along: it answers each drawing in the room with its own picture next to it.

python paint_along.py http://127.0.0.1:8080                 # makes a room and prints its links
python paint_along.py "http://127.0.0.1:8080/r/ROOM#TOKEN" [pictures]
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial

from antiphon_client import Address, ClientError, Painted, Room, connect, create_room
from antiphon_proto.params import ImageParams

PROMPTS = ("a small boat on a calm sea", "a red house on a hill", "a tree in autumn", "a fox in the snow")


async def draw_sun(room: Room) -> None:
    """Something of our own, so that an empty canvas has a beginning."""
    room.canvas.add({"type": "shape", "shape": "ellipse", "w": 80, "h": 80, "fill": "#f4b400"})
    await room.applied()


def drawn_by_people(room: Room) -> set[str]:
    return {key for key, fields in room.canvas.items() if fields["type"] in ("stroke", "shape", "text")}


def drawn_since(answered: set[str], room: Room) -> bool:
    return not drawn_by_people(room) <= answered


async def answer(room: Room, prompt: str) -> None:
    async for event in room.paint(prompt, params=ImageParams(width=256, height=256)):
        if isinstance(event, Painted):
            picture = await room.download(event.asset)
            print(f"\n{prompt}: {len(picture)} bytes, object {event.id}")
        else:
            print(f"\r{prompt}: step {event.step} of {event.of}", end="", flush=True)


async def main(target: str, pictures: int) -> None:
    if "/r/" in target:
        address = Address.parse(target)
    else:
        address = (await create_room(target))["editor"]
        print("Draw here:", address.link)
    async with connect(address.link, name="Painter") as room:
        if not room.canvas:
            await draw_sun(room)
        answered: set[str] = set()
        for number in range(pictures):
            await room.wait_for(partial(drawn_since, answered))
            answered |= drawn_by_people(room)
            await answer(room, PROMPTS[number % len(PROMPTS)])


if __name__ == "__main__":
    try:
        asyncio.run(
            main(
                sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080",
                int(sys.argv[2]) if len(sys.argv) > 2 else 4,
            )
        )
    except ClientError as error:
        sys.exit(str(error))
