"""What each line of a script is: the browser's `editor/script.ts` reads the same vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from antiphon_server.formats.fountain import elements

_VECTORS = Path(__file__).parents[3] / "proto" / "vectors" / "fountain.json"
_CASES = json.loads(_VECTORS.read_text("utf-8"))


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["name"])
def test_every_line_is_what_the_vectors_say(case: dict[str, Any]) -> None:
    assert list(elements(case["lines"])) == case["elements"]
