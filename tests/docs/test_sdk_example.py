"""The program of "From Python" runs, against a server with a scripted engine."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from support.server import running

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "sdk_tour.py"


async def test_the_tour_goes_through(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with running(tmp_path) as server:
        await runpy.run_path(str(EXAMPLE))["main"](server.url)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == " a scripted reply"
    assert any(line.startswith("refused:") for line in said)
    assert any(line.endswith("bytes of PNG") for line in said)
    assert "Ada owner" in said
    assert said[-1] == "nothing is left to undo"
