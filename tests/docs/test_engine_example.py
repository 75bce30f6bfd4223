"""The engine of "Write an engine" runs as the page says: as a program, with a room that people can join."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from antiphon_client import RunFailed, connect
from antiphon_proto.params import TextParams
from support.server import PATIENCE

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
STORY = "The sea was calm and the sea was grey and the boat was old"


async def test_the_example_serves_a_room(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / "story_engine.py"),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(EXAMPLES)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            link = (await process.stdout.readline()).decode().strip()
            async with connect(link, name="Ada") as room:
                refused = await room.ask().finished()
                assert (refused.state, refused.error) == (
                    "failed",
                    "this engine needs at least two words to go on from",
                )
                room.append(STORY)
                same = TextParams(max_tokens=12, seed=7)
                tokens = [token async for token in room.ask(params=same, mode="private")]
                assert len(tokens) == 12
                assert {token.text.strip() for token in tokens} <= set(STORY.split())
                assert all(token.logprob <= 0 for token in tokens)
                assert tokens == [token async for token in room.ask(params=same, mode="private")]
                with pytest.raises(RunFailed, match="nothing else"):
                    [token async for token in room.ask("make it rain")]
                await room.ask(params=TextParams(max_tokens=5)).finished()
                await room.applied()
                assert room.text.startswith(STORY)
                assert len(room.text.split()) == len(STORY.split()) + 5
    finally:
        process.terminate()
        assert await process.wait() == 0
