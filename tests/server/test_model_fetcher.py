from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from antiphon_engines import automatic
from antiphon_engines.api import EngineUnavailable
from antiphon_engines.automatic import Obstacle
from antiphon_proto.messages import Better
from antiphon_server.model_fetcher import ModelFetcher, run_lines

NAME = "qwen2.5-1.5b"
Script = list[dict[str, Any] | Exception]


class Stage:
    """A fetcher whose processes follow a script, and its reports."""

    def __init__(self, cache_dir: Path, fetch: Script, *probes: Script) -> None:
        self.used: list[str] = []
        self.seen: list[Better | None] = []
        self.pauses: list[float] = []
        self.ran: list[str] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self._scripts = {"antiphon_engines.prepare_process": [fetch], "antiphon_engines.probe": list(probes)}
        self.fetcher = ModelFetcher(
            cache_dir, 2, use=self.used.append, changed=self._look, children=self._run, pause=self._pause
        )

    async def end(self) -> list[str]:
        """Wait until nothing is being brought; the stages that were told."""
        assert self.fetcher._task is not None
        await self.fetcher._task
        return [better.stage for better in self.seen if better is not None]

    def _look(self) -> None:
        self.seen.append(self.fetcher.better)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def _run(self, module: str, *arguments: str) -> AsyncIterator[dict[str, Any]]:
        self.ran.append(module)
        for line in self._scripts[module].pop(0):
            await self.hold.wait()
            if isinstance(line, Exception):
                raise line
            yield line


@pytest.fixture(autouse=True)
def enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automatic, "disk_obstacle", lambda cache_dir: None)
    monkeypatch.setattr(automatic, "memory_obstacle", lambda: None)


def fetching(*fractions: float) -> Script:
    return [{"stage": "download", "fraction": each} for each in fractions]


FETCHED: Script = [*fetching(0.0, 0.5, 0.503, 1.0), {"stage": "verify", "fraction": 1.0}]


async def test_it_is_fetched_tried_and_takes_over(tmp_path: Path) -> None:
    stage = Stage(tmp_path, FETCHED, [{"tokens_per_second": 20.0}])
    (tmp_path / "text" / NAME).mkdir(parents=True)
    stage.fetcher.begin(NAME, tries=True)
    assert await stage.end() == ["waits", "fetches", "fetches", "fetches", "verifies", "tries"]
    assert [each.fraction for each in stage.seen if each and each.stage == "fetches"] == [0.0, 0.5, 1.0]
    assert stage.seen[0] == Better(NAME, 1120, "waits")
    assert stage.used == [NAME]
    # Told until the engine says that it loads or serves it.
    assert stage.fetcher.better is not None
    stage.fetcher.serves("another")
    assert stage.fetcher.better is not None
    stage.fetcher.serves(NAME)
    assert stage.fetcher.better is None
    # Its speed here is known from now on.
    again = Stage(tmp_path, FETCHED)
    again.fetcher.begin(NAME, tries=True)
    await again.end()
    assert again.used == [NAME]
    assert again.ran == ["antiphon_engines.prepare_process"]


async def test_one_that_is_slow_every_time_does_not_serve(tmp_path: Path) -> None:
    slow: Script = [{"tokens_per_second": 3.21}]
    stage = Stage(tmp_path, FETCHED, slow, slow, slow)
    stage.fetcher.begin(NAME, tries=True)
    assert (await stage.end())[-1] == "stays"
    better = stage.fetcher.better
    assert better is not None
    assert (better.reason_key, better.reason_values) == ("slow", ("3.2", "8"))
    assert stage.used == []
    assert len(stage.pauses) == 2


async def test_a_machine_that_was_busy_only_at_first(tmp_path: Path) -> None:
    stage = Stage(tmp_path, FETCHED, [{"tokens_per_second": 3.0}], [{"tokens_per_second": 9.0}])
    (tmp_path / "text" / NAME).mkdir(parents=True)
    stage.fetcher.begin(NAME, tries=True)
    await stage.end()
    assert stage.used == [NAME]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ([*fetching(0.3), {"error": "cannot download x: no network"}], "cannot download x: no network"),
        ([*fetching(0.3), EngineUnavailable("its process ended with status -9")], "status -9"),
        ([ValueError("nonsense")], "ValueError: nonsense"),
    ],
)
async def test_what_goes_wrong_is_told_and_can_be_tried_again(
    tmp_path: Path, script: Script, reason: str
) -> None:
    stage = Stage(tmp_path, script)
    stage.fetcher.begin(NAME, tries=True)
    assert (await stage.end())[-1] == "stays"
    assert stage.fetcher.better is not None
    assert reason in stage.fetcher.better.reason
    assert stage.used == []
    assert not stage.fetcher.busy
    stage._scripts["antiphon_engines.prepare_process"] = [FETCHED]
    stage._scripts["antiphon_engines.probe"] = [[{"tokens_per_second": 9.0}]]
    (tmp_path / "text" / NAME).mkdir(parents=True)
    stage.fetcher.begin(NAME, tries=True)
    await stage.end()
    assert stage.used == [NAME]


async def test_nothing_is_fetched_where_the_machine_is_too_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(automatic, "disk_obstacle", lambda cache_dir: Obstacle("full", "disk", ("1.0", "3")))
    stage = Stage(tmp_path, FETCHED)
    stage.fetcher.begin(NAME, tries=True)
    assert await stage.end() == ["waits", "stays"]
    assert stage.ran == []


async def test_one_that_somebody_chose_need_not_be_fast(tmp_path: Path) -> None:
    stage = Stage(tmp_path, FETCHED)
    stage.fetcher.begin(NAME, tries=False)
    await stage.end()
    assert stage.used == [NAME]
    assert stage.ran == ["antiphon_engines.prepare_process"]


async def test_the_latest_wish_counts(tmp_path: Path) -> None:
    stage = Stage(tmp_path, FETCHED)
    stage._scripts["antiphon_engines.prepare_process"].append(FETCHED)
    stage.hold.clear()
    stage.fetcher.begin(NAME, tries=True)
    stage.fetcher.begin(NAME, tries=True)
    await asyncio.sleep(0)
    stage.fetcher.begin("qwen2.5-0.5b", tries=False)
    stage.hold.set()
    await stage.end()
    assert stage.used == ["qwen2.5-0.5b"]


async def test_a_wish_that_is_taken_back(tmp_path: Path) -> None:
    stage = Stage(tmp_path, FETCHED)
    stage.hold.clear()
    stage.fetcher.begin(NAME, tries=True)
    stage.fetcher.withdraw()
    assert stage.fetcher.better is None
    await stage.fetcher.close()
    assert not stage.fetcher.busy
    assert stage.used == []


async def test_a_process_is_gone_with_whoever_wanted_it() -> None:
    lines: Any = run_lines("timeit", "-n", "1", "-s", "import time", "time.sleep(600)")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await anext(lines)
    await lines.aclose()


async def test_a_process_that_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineUnavailable, match="ended with status"):
        async for _ in run_lines("antiphon_engines.probe"):
            pass


async def test_the_real_processes_say_what_is_wrong(tmp_path: Path) -> None:
    assert sys.executable
    told = [line async for line in run_lines("antiphon_engines.prepare_process", str(tmp_path), "nonsense")]
    assert "there is no model 'nonsense'" in told[-1]["error"]
    told = [line async for line in run_lines("antiphon_engines.probe", str(tmp_path), NAME, "1")]
    assert "not prepared" in told[-1]["error"] or "needs" in told[-1]["error"]
