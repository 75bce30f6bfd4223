from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from antiphon_server import child
from antiphon_server.child import run_child


async def test_bytes_go_in_and_come_out() -> None:
    code = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1]); sys.stderr.write('said'); sys.exit(3)"
    ended = await run_child(("-c", code), b"abc" * 100_000, 60)
    assert (ended.status, ended.err) == (3, b"said")
    assert ended.out == b"cba" * 100_000


async def test_one_that_takes_too_long_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    time = asyncio.timeout(None)

    def timeout(seconds: float) -> asyncio.Timeout:
        asked.append(seconds)
        return time

    async def begun() -> int:
        """Its process id; its time is up as soon as it has begun."""
        pid = int(await asyncio.to_thread(mark.read_text))
        time.reschedule(asyncio.get_running_loop().time())
        return pid

    mark = tmp_path / "pid"
    os.mkfifo(mark)
    code = f"import os; open({str(mark)!r}, 'w').write(str(os.getpid()))\nwhile True: pass"
    monkeypatch.setattr(child.asyncio, "timeout", timeout)
    ended = asyncio.create_task(run_child(("-c", code), b"", 5))
    pid = await begun()
    with pytest.raises(TimeoutError):
        await ended
    assert asked == [5]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
