"""Latencies of bystanders: `python -m antiphon_server.bench.attacks.bystander WS_URL OWNER_TOKEN EDITOR_TOKEN PERIOD`.

Two people in a room of their own: one writes every PERIOD seconds, the other notes when it comes. A process of its own,
so that an attacker's work is not in the figures. For every line on standard input it prints the latencies since the
last one as JSON, in milliseconds, and ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import Any, Final

from pycrdt import Doc, Text

from antiphon_proto.codec import encode
from antiphon_proto.messages import Edit
from antiphon_server.bench.attacks.clients import Member

_MARK: Final = re.compile(rb"<(\d{7})>")
_LONGEST: Final = 4000
"""Characters after which the text is begun anew."""


class Bystanders:
    def __init__(self, url: str, tokens: tuple[str, str]) -> None:
        self._url = url
        self._tokens = tokens
        self._sent: dict[bytes, float] = {}
        self._latencies: list[float] = []
        self._number = 0

    async def run(self, period: float) -> None:
        writer = await Member.join(self._url, self._tokens[0], "Writer")
        reader = await Member.join(self._url, self._tokens[1], "Reader", on_data=self._heard)
        doc: Doc[Any] = Doc(client_id=writer.client_id)
        story: Text = doc.get("story", type=Text)
        batch = 0
        while not writer.closed and not reader.closed:
            mark = f"{self._number:07}"
            self._number += 1
            before = doc.get_state()
            with doc.transaction():
                if len(story) > _LONGEST:
                    del story[0 : len(story)]
                story.insert(0, f"<{mark}>")
            batch += 1
            self._sent[mark.encode()] = time.perf_counter()
            writer.send(encode(Edit(batch, doc.get_update(before))))
            await asyncio.sleep(period)

    def take(self) -> dict[str, Any]:
        """The latencies since the last time, and those that are under way for long."""
        now = time.perf_counter()
        taken, self._latencies = self._latencies, []
        late = [now - at for at in self._sent.values() if now - at > 1]
        return {"ms": [round(1000 * each, 2) for each in taken + late], "lost": len(late)}

    def _heard(self, data: bytes) -> None:
        now = time.perf_counter()
        for mark in _MARK.findall(data):
            if (at := self._sent.pop(mark, None)) is not None:
                self._latencies.append(now - at)


async def main(url: str, owner: str, editor: str, period: str) -> None:
    bystanders = Bystanders(url, (owner, editor))
    running = asyncio.create_task(bystanders.run(float(period)))
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps({**bystanders.take(), "gone": running.done()}), flush=True)
    running.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
