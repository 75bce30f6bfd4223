"""The watchdog: a gateway that freezes or crashes is started again, and the update that did it is not applied again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from antiphon_server.watchdog import supervisor
from antiphon_server.watchdog.supervisor import Supervisor
from support.server import NOTHING_TO_LOAD, PATIENCE, serving

GATEWAY = """
import asyncio, os, re, signal, sys
from pathlib import Path
from antiphon_server.watchdog.beacon import Beats
folder = Path(sys.argv[1])
lives = folder / "lives"
lives.write_text(lives.read_text() + " ".join(sys.argv[2:]) + "\\n" if lives.exists() else "first\\n")
async def main():
    beats = Beats()
    stop = asyncio.Event()
    hello = {"data_dir": str(folder), "log_format": "json", "port": 4711}
    beating = asyncio.create_task(beats.run(hello, stop))
    await asyncio.sleep(0.1)
    if lives.read_text() == "first\\n":
        with beats.beacon.serving("room1", "Edit", b"the update"):
            HARM
    await asyncio.sleep(0.1)
asyncio.run(main())
sys.exit(7)
"""
FREEZE = 're.match("(a*)*b", "a" * 64)'
"""Native code that keeps the interpreter's lock for ever: no thread of Python can see it."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(supervisor, "BEAT", 0.2)
    monkeypatch.setattr(supervisor, "WARN_SECONDS", 0.8)
    monkeypatch.setattr("antiphon_server.watchdog.beacon.BEAT", 0.05)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def watched(folder: Path, harm: str) -> int:
    script = GATEWAY.replace("HARM", harm)
    return Supervisor([sys.executable, "-c", script, str(folder), "--open-room"], 2.0).run()


def test_a_frozen_gateway_is_ended_noted_and_started_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert watched(tmp_path, FREEZE) == 7  # the second life's own status
    # It keeps its port, and makes no second room.
    assert (tmp_path / "lives").read_text() == "first\n--port 4711\n"
    (note,) = map(json.loads, (tmp_path / "suspects.jsonl").read_text().splitlines())
    assert (note["room"], note["what"]) == ("room1", "Edit")
    err = capfd.readouterr().err
    said = [json.loads(line)["message"] for line in err.splitlines() if line.startswith("{")]
    assert said[0] == "the gateway stands still; it was at Edit of room room1"
    assert "started again" in said[1]
    assert "most recent call first" in err  # the stack, from a process that holds its lock
    assert "in main" in err


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_a_crash_counts_as_a_freeze(tmp_path: Path, number: int) -> None:
    assert watched(tmp_path, f"os.kill(os.getpid(), {int(number)})") == 7
    assert json.loads((tmp_path / "suspects.jsonl").read_text())["room"] == "room1"


def test_an_end_of_its_own_is_passed_on(tmp_path: Path) -> None:
    assert watched(tmp_path, "sys.exit(3)") == 3
    assert not (tmp_path / "suspects.jsonl").exists()


def test_a_gateway_that_goes_down_slowly_is_not_frozen(tmp_path: Path) -> None:
    go_down = "beating.cancel(); await asyncio.sleep(0.1); __import__('time').sleep(3)"
    assert watched(tmp_path, go_down) == 7
    assert (tmp_path / "lives").read_text() == "first\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_frozen_gateway_that_is_asked_to_end_is_ended_and_no_other_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], number: int
) -> None:
    monkeypatch.setattr(supervisor, "_GOING_DOWN", 1.0)
    asked = f"signal.signal({int(number)}, lambda *_: None); os.kill(os.getppid(), {int(number)})"
    assert watched(tmp_path, f"{asked}; {FREEZE}") == 128 + signal.SIGKILL
    assert (tmp_path / "lives").read_text() == "first\n"
    assert not (tmp_path / "suspects.jsonl").exists()
    assert "asked to end and stands still" in capfd.readouterr().err


def test_a_gateway_that_is_stopped_from_outside_is_not_frozen(tmp_path: Path) -> None:
    continue_later = (
        "import subprocess; "
        "subprocess.Popen(['sh', '-c', 'sleep 3; kill -CONT ' + str(os.getpid())]); "
        "os.kill(os.getpid(), signal.SIGSTOP)"
    )
    assert watched(tmp_path, continue_later) == 7
    assert (tmp_path / "lives").read_text() == "first\n"


def test_a_gateway_that_keeps_crashing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_GIVE_UP", 2)
    script = GATEWAY.replace("HARM", "pass").replace("sys.exit(7)", "os.kill(os.getpid(), signal.SIGKILL)")
    assert Supervisor([sys.executable, "-c", script, str(tmp_path)], 2.0).run() == 70


async def test_a_server_survives_the_death_of_its_gateway_and_ends_when_told(tmp_path: Path) -> None:
    watchdog = {"ANTIPHON_WATCHDOG": "10"}
    async with serving(tmp_path, *NOTHING_TO_LOAD, environment=watchdog) as served:
        room = await served.new_room()
        (gateway,) = _children(served.process.pid)
        os.kill(gateway, signal.SIGSEGV)
        async with aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {room['tokens']['owner']}"}
        ) as http:
            async with asyncio.timeout(PATIENCE):
                while True:
                    try:
                        async with http.get(f"{served.url}/api/rooms/{room['room']}") as answer:
                            assert answer.status == 200
                            break
                    except aiohttp.ClientError:
                        await asyncio.sleep(0.05)
        (after,) = _children(served.process.pid)
        assert after != gateway
        assert await served.terminate() == 0
        with pytest.raises(ProcessLookupError):
            os.kill(after, 0)


async def test_a_watchdog_that_is_killed_takes_the_gateway_with_it(tmp_path: Path) -> None:
    watchdog = {"ANTIPHON_WATCHDOG": "10"}
    async with serving(tmp_path, *NOTHING_TO_LOAD, environment=watchdog) as served:
        (gateway,) = _children(served.process.pid)
        served.kill()
        async with asyncio.timeout(PATIENCE):
            while _runs(gateway):
                await asyncio.sleep(0.02)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
