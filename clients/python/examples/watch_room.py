"""Watch a room: who is there, the AI's runs, and the text as it grows.

python watch_room.py "http://127.0.0.1:8080/r/ROOM#TOKEN" [seconds]
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

from antiphon_client import ClientError, Room, connect


def describe(room: Room) -> str:
    here = ", ".join(sorted(one.name for one in room.participants.values() if one.online)) or "nobody"
    runs = [f"{run.task} {run.state} ({run.progress} of {run.length})" for run in room.runs.values()]
    return f"{here} | {len(room.text)} characters | {'; '.join(runs) or 'no runs'}"


async def watch(link: str) -> None:
    async with connect(link, name="Watcher") as room:
        shown = ""
        while True:
            now = describe(room)
            if now != shown:
                print(now, flush=True)
                shown = now
            await room.changed()


async def main(link: str, seconds: float | None) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await watch(link)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        asyncio.run(main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else None))
    except ClientError as error:
        sys.exit(str(error))
