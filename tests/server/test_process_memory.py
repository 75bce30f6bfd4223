"""Free memory goes back to the system."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from antiphon_server import process_memory

_PROGRAM = """
import sys
from pathlib import Path
from antiphon_server import process_memory
def rss():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
assert process_memory.tune()
before = rss()
# Blocks that alternate with others which stay: they would hold the heap up.
held = [(b"x" * (300_000 + i), b"y" * (600 + i))  for i in range(400)]
most = rss()
stay = [small for _, small in held]
held.clear()
process_memory.trim()
print(before, most, rss())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_large_blocks_are_returned() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, check=True)
    before, most, after = map(int, done.stdout.split())
    assert most - before > 80_000_000
    assert after - before < 20_000_000


async def test_it_is_trimmed_after_something_was_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    trimmed: list[int] = []
    freed = 0
    monkeypatch.setattr(process_memory, "_EVERY", 0.0)
    monkeypatch.setattr(process_memory, "trim", lambda: trimmed.append(freed))
    task = asyncio.create_task(process_memory.give_back(lambda: freed))
    for _ in range(20):
        await asyncio.sleep(0)
    assert trimmed == []
    freed = 3
    while not trimmed:
        await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    assert trimmed == [3]
    task.cancel()
