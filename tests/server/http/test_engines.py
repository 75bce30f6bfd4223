"""Another model takes over while the server runs: by the operator, over HTTP and the command line, and by an owner."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from typer.testing import CliRunner

from antiphon_client import RequestRefused, Room, connect, create_room
from antiphon_proto.messages import ModelInfo
from antiphon_proto.params import TextParams
from antiphon_server.cli.main import app
from support import tiny_checkpoint
from support.server import PATIENCE, LiveServer, running, serving


def folders(place: Path) -> tuple[str, str]:
    """The required fields of a spec; the scripted engine reads none of it."""
    made = []
    for name in ("second", "broken"):
        (place / name).mkdir()
        (place / name / "config.json").write_text("{}")
        made.append(str(place / name))
    return made[0], made[1]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LiveServer]:
    models = folders(tmp_path)
    async with running(tmp_path / "data", text_models=models, models_by="owners") as live:
        yield live


async def call(server: LiveServer, method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.request(method, server.url + path, json=body) as answer,
    ):
        return answer.status, await answer.json()


def text(models: tuple[ModelInfo, ...]) -> ModelInfo:
    return next(model for model in models if model.modality == "text")


async def test_the_operator_changes_the_model_and_everybody_is_told(server: LiveServer) -> None:
    token = server.gateway.tokens.operator(60)
    status, account = await call(server, "GET", "/api/engines", token)
    assert status == 200
    assert account["choices"]["text"] == ["smollm2-135m", "second", "broken"]
    links = await create_room(server.url)
    async with connect(links["editor"].link, name="Eve") as eve:
        status, account = await call(server, "PUT", "/api/engines/text", token, {"model": "second"})
        assert status == 202
        async with asyncio.timeout(PATIENCE):
            await eve.wait_for(lambda room: text(room.models).name == "second")
        status, account = await call(server, "PUT", "/api/engines/text", token, {"model": "broken"})
        async with asyncio.timeout(PATIENCE):
            await eve.wait_for(lambda room: text(room.models).refused == "broken: its file is damaged")
        assert text(eve.models).name == "second"


async def test_an_owner_chooses_and_an_editor_does_not(server: LiveServer) -> None:
    links = await create_room(server.url)
    async with (
        connect(links["owner"].link, name="Ada") as ada,
        connect(links["editor"].link, name="Eve") as eve,
    ):
        assert text(eve.models).choices == ("smollm2-135m", "second", "broken")
        assert (await refused(eve, "second")) == "denied"
        assert (await refused(ada, "third")) == "not_found"
        assert server.engine.used == []
        assert (await ada.use_model("text", "second")).name == "second"
        with pytest.raises(RequestRefused, match="broken: its file is damaged"):
            await ada.use_model("text", "broken")
        with pytest.raises(RequestRefused, match="broken"):  # an earlier failure is not taken for this one's
            await ada.use_model("text", "broken")
        assert (await ada.use_model("text", "smollm2-135m")).name != "broken"
        assert (await ada.use_model("text", "second")).name == "second"
        async with asyncio.timeout(PATIENCE):
            await eve.wait_for(lambda room: text(room.models).name == "second")


async def refused(room: Room, model: str) -> str:
    with pytest.raises(RequestRefused) as refusal:
        await room.use_model("text", model)
    return refusal.value.error_code


async def test_nobody_but_the_operator_gets_in(server: LiveServer) -> None:
    room = await server.new_room()
    expired = server.gateway.tokens.operator(-1)
    for token in ("", "x", room["tokens"]["owner"], expired, "x" * 5000):
        for method, path in (("GET", "/api/engines"), ("PUT", "/api/engines/text")):
            status, body = await call(server, method, path, token, {"model": "second"})
            assert (status, body["error"]["code"]) == (401, "unauthorized")
    # And an operator's token opens no room.
    status, _ = await call(server, "GET", f"/api/rooms/{room['room']}", server.gateway.tokens.operator(60))
    assert status == 401
    assert server.engine.used == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/engines/smell", {"model": "second"}, 404),
        ("/api/engines/text", {"model": "third"}, 404),
        ("/api/engines/text", {"model": 3}, 400),
        ("/api/engines/text", {}, 400),
        ("/api/engines/text", {"model": "second", "more": 1}, 400),
    ],
)
async def test_what_cannot_be_is_a_clear_error(server: LiveServer, path: str, body: Any, status: int) -> None:
    found, answer = await call(server, "PUT", path, server.gateway.tokens.operator(60), body)
    assert found == status
    assert answer["error"]["message"]
    assert server.engine.used == []


def test_the_command_says_where_the_key_is_missing(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["models", "use", "text", "second", "--data-dir", str(tmp_path)])
    assert result.exit_code == 1
    assert "no key" in str(result.exception)


async def test_a_real_server_goes_on_with_another_model(tmp_path: Path) -> None:
    """The whole way: command line, gateway, worker process, two checkpoints."""
    pytest.importorskip("torch")
    for seed, name in enumerate(("first", "second")):
        tiny_checkpoint.write(tmp_path / name, seed=seed)
    environment = {
        "ANTIPHON_TEXT_MODELS": json.dumps([str(tmp_path / "second")]),
        "ANTIPHON_IMAGE_MODEL": "none",
        "ANTIPHON_MUSIC_MODEL": "none",
        "ANTIPHON_CACHE_DIR": str(tmp_path / "cache"),
    }
    arguments = ("--text-model", str(tmp_path / "first"))
    async with serving(tmp_path / "data", *arguments, environment=environment) as server:
        links = await create_room(server.url)
        async with connect(links["owner"].link, name="Ada") as ada:
            async with asyncio.timeout(5 * PATIENCE):
                await ada.wait_for(lambda room: text(room.models).ready)
            assert text(ada.models).name == "first"
            said = await asyncio.to_thread(
                CliRunner().invoke,
                app,
                [
                    "models",
                    "use",
                    "text",
                    "second",
                    "--data-dir",
                    str(tmp_path / "data"),
                    "--url",
                    server.url,
                ],
            )
            assert "second serves text now" in said.output, said.output
            async with asyncio.timeout(5 * PATIENCE):
                await ada.wait_for(lambda room: text(room.models).name == "second")
                ada.insert(0, "It was a dark and stormy night. ")
                await ada.durable()
                written = await ada.ask(params=TextParams(max_tokens=4)).finished()
            assert (written.model, written.state, written.error) == ("second", "done", "")
