from __future__ import annotations

import os
from pathlib import Path

import pytest

from antiphon_server.child import run_child


async def test_bytes_go_in_and_come_out() -> None:
    code = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1]); sys.stderr.write('said'); sys.exit(3)"
    ended = await run_child(("-c", code), b"abc" * 100_000, 60)
    assert (ended.status, ended.err) == (3, b"said")
    assert ended.out == b"cba" * 100_000


async def test_one_that_takes_too_long_is_gone(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    code = f"import os; open({str(mark)!r}, 'w').write(str(os.getpid()))\nwhile True: pass"
    with pytest.raises(TimeoutError):
        await run_child(("-c", code), b"", 5)  # time enough for it to begin
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)
