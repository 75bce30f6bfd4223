from __future__ import annotations

import ast
import asyncio
import os
from pathlib import Path

import pytest

from antiphon_server.child_process import run_child


async def test_bytes_go_in_and_come_out() -> None:
    code = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1]); sys.stderr.write('said'); sys.exit(3)"
    ended = await run_child(("-c", code), b"abc" * 100_000, 60)
    assert (ended.status, ended.err) == (3, b"said")
    assert ended.out == b"cba" * 100_000


async def test_it_is_served_after_those_who_type() -> None:
    # It waits for its input, so its priority was set before it looks.
    code = "import os, sys; sys.stdin.read(); print(os.getpriority(os.PRIO_PROCESS, 0))"
    ended = await run_child(("-c", code), b"", 60)
    assert int(ended.out) > os.getpriority(os.PRIO_PROCESS, 0)


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
    monkeypatch.setattr(asyncio, "timeout", timeout)
    ended = asyncio.create_task(run_child(("-c", code), b"", 5))
    pid = await begun()
    with pytest.raises(TimeoutError):
        await ended
    assert asked == [5]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_nothing_is_imported_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "colorsys.py").write_text("raise SystemExit(9)\n")
    monkeypatch.chdir(tmp_path)
    for arguments in (("-c", "import colorsys"), ("-m", "colorsys")):
        assert (await run_child(arguments, b"", 60)).status == 0


def test_every_python_that_is_started_leaves_the_current_folder_out() -> None:
    """`-P` follows `sys.executable` wherever a module or code is started by name."""
    root = Path(__file__).parents[2]
    seen = 0
    for file in [
        *root.glob("server/**/*.py"),
        *root.glob("engines/**/*.py"),
        *root.glob("clients/python/**/*.py"),
    ]:
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.expr):
                continue
            items = node.args if isinstance(node, ast.Call) else getattr(node, "elts", [])
            at = next((n for n, item in enumerate(items) if ast.unparse(item) == "sys.executable"), None)
            rest = [ast.unparse(item) for item in items[at + 1 :]] if at is not None else []
            if rest:
                seen += 1
                assert rest[0] in ("'-P'", "*_SAFE") or rest[0].startswith("["), (
                    f"{file}:{node.lineno}: {rest[:3]}"
                )
    assert seen >= 8
