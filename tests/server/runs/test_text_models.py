"""The choice of the text model is one setting: the same room, written in by a remote server and by llama.cpp."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from antiphon_client import RunFailed, connect, create_room
from antiphon_engines.model_files.prepare import prepare_source
from antiphon_proto.params import TextParams
from support import openai_server
from support.server import PATIENCE, TEXT_ALONE, ServedProcess, serving

BEGINNING = "Последний паром ушёл 🚢 and Mira"


async def written(served: ServedProcess, params: TextParams) -> tuple[str, str]:
    """The AI's text in a fresh story, and the model that is named for it."""
    links = await create_room(served.url)
    async with asyncio.timeout(PATIENCE), connect(links["editor"].link, name="Ada") as room:
        room.append(BEGINNING)
        run = room.ask(params=params)
        tokens = [token.text async for token in run]
        await room.wait_for(lambda one: one.text == BEGINNING + "".join(tokens))
        assert run.info is not None
        return "".join(tokens), run.info.model


async def test_a_remote_server_writes(tmp_path: Path) -> None:
    with openai_server.serving() as upstream:
        upstream.reply(openai_server.answer(" found", " письмо", " 💌."))
        arguments = (*TEXT_ALONE, f"--text-model={upstream.url}#some-model")
        key = {"ANTIPHON_ENGINE__API_KEY": "sk-very-secret"}
        async with serving(tmp_path, *arguments, environment=key) as served:
            assert await written(served, TextParams(max_tokens=20)) == (" found письмо 💌.", "some-model")
            upstream.reply(openai_server.status(401, {"error": "sk-very-secret is not welcome"}))
            with pytest.raises(RunFailed, match="the model's server refuses the API key") as failed:
                await written(served, TextParams(max_tokens=20))
            assert "secret" not in str(failed.value)
            assert await served.terminate() == 0
        request = upstream.received[0]
        assert request.body["prompt"] == BEGINNING
        assert request.headers["Authorization"] == "Bearer sk-very-secret"


async def test_a_gguf_file_writes(tmp_path: Path, cache_dir: Path) -> None:
    pytest.importorskip("xllamacpp")
    path = prepare_source(cache_dir, lambda stage, part: None)
    settings = {"ANTIPHON_ENGINE__THREADS": "1", "ANTIPHON_ENGINE__CONTEXT": "256"}
    async with serving(tmp_path, "--text-model", str(path), environment=settings) as served:
        text, model = await written(served, TextParams(max_tokens=6, temperature=0.0))
        assert text
        assert model == path.stem
        assert await served.terminate() == 0
