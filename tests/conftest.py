"""Fixtures for everyone: `server` in this process with a scripted engine, `serve` for processes of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.server import LiveServer, running


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LiveServer]:
    """The real app on a free port, drained at the end. `support.server.running` takes settings."""
    async with running(tmp_path / "data") as live:
        yield live
