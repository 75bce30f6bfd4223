"""Join a room, write a beginning, and let the AI continue it where we stopped.

python continue_story.py http://127.0.0.1:8080                 # makes a room and prints its links
python continue_story.py "http://127.0.0.1:8080/r/ROOM#TOKEN"  # joins one
"""

from __future__ import annotations

import asyncio
import sys

from antiphon_client import Address, ClientError, connect, create_room
from antiphon_proto.params import TextParams

BEGINNING = "The last ferry had already left when Mira found the letter."


async def main(target: str) -> None:
    if "/r/" in target:
        address = Address.parse(target)
    else:
        links = await create_room(target)
        address = links["editor"]
        print("Open this in a browser to watch:", links["owner"].link)
    async with connect(address.link, name="Example") as room:
        if not room.text.strip():
            room.append(BEGINNING)
        print(room.text, end="", flush=True)
        run = room.ask(params=TextParams(max_tokens=60))
        async for token in run:
            print(token.text, end="", flush=True)
        assert run.info is not None
        print(f"\n\n{run.info.progress} tokens by {run.info.model}, seed {run.info.seed}")


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"))
    except ClientError as error:
        sys.exit(str(error))
