"""Fixtures of the engine tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture
def worker_finds_support(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker processes import the fake engine from `tests/support`."""
    before = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(TESTS), before])))
