"""The transport's arithmetic, by the cases that the web client checks too (`clients/web/test/jam/`)."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest

from antiphon_proto.document.jam import Transport

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[3] / "proto" / "vectors" / "jam.json").read_text()
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_beats_bars_and_times(case: dict[str, Any]) -> None:
    transport = msgspec.convert(case["transport"], Transport)
    for ms, beat in case["beat_at"]:
        assert transport.beat_at(ms) == pytest.approx(beat, abs=1e-6)
    for beat, ms in case["ms_at"]:
        assert transport.ms_at(beat) == (math.inf if ms is None else pytest.approx(ms, abs=1e-3))
    for beat, bar in case["bar_at"]:
        assert transport.bar_at(beat) == bar
    for beat, when, line in case["next_line"]:
        assert transport.next_line(beat, when) == pytest.approx(line, abs=1e-9)
