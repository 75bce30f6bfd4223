"""Several text models serve side by side, and who asks may name one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace
from pycrdt import Map

from antiphon_client import RequestRefused, Room, connect, create_room
from antiphon_engines.api import EngineInfo, TextRequest
from antiphon_proto.schema import META
from support.patience import PATIENCE
from support.scripted_engine import INFO
from support.server import LiveServer


def serve(server: LiveServer, info: EngineInfo) -> None:
    state = server.engine.state
    server.engine.become(replace(state, engines=(info, *state.engines[1:])))


@pytest.fixture
async def ada(server: LiveServer) -> AsyncIterator[Room]:
    """In a room of a server on which `quick` serves beside `scripted`."""
    serve(server, replace(INFO, beside=("quick",)))
    links = await create_room(server.url)
    async with connect(links["owner"].link, name="Ada") as room:
        yield room


def asked(server: LiveServer) -> list[str]:
    return [each.model for each in server.engine.requests.values() if isinstance(each, TextRequest)]


async def test_a_run_goes_to_the_model_that_it_names(server: LiveServer, ada: Room) -> None:
    assert ada.models[0].beside == ("quick",)
    for model in ("", "quick", "scripted"):
        run = ada.ask(model=model)
        await run.finished()
        assert run.info.model == (model or "scripted")
    assert asked(server) == ["", "quick", "scripted"]


async def test_the_chat_answers_by_the_model_that_is_named(server: LiveServer, ada: Room) -> None:
    await ada.chat.say("who is it?", to_ai=True, model="quick")
    async with asyncio.timeout(PATIENCE):
        await ada.wait_for(lambda room: bool(room.chat.entries[-1].run))
    assert asked(server) == ["quick"]


async def test_a_model_that_does_not_serve_is_refused_and_nothing_is_said(
    server: LiveServer, ada: Room
) -> None:
    with pytest.raises(RequestRefused, match=r"no text model 'other'.*scripted, quick") as caught:
        await ada.ask(model="other").finished()
    assert caught.value.error_code == "not_found"
    with pytest.raises(RequestRefused, match="no text model 'other'"):
        await ada.chat.say("who is it?", to_ai=True, model="other")
    assert asked(server) == []


async def test_a_run_that_waits_keeps_its_model_when_another_takes_over(
    server: LiveServer, ada: Room
) -> None:
    server.engine.queueing = True
    await ada.ask(model="quick").start()
    await ada.ask().start()
    async with asyncio.timeout(PATIENCE):
        await ada.wait_for(lambda room: len(room.runs) == 2)
    assert sorted(run.model for run in ada.runs.values()) == ["quick", "scripted"]
    serve(server, replace(INFO, name="large", beside=("quick", "scripted")))
    async with asyncio.timeout(PATIENCE):
        await ada.wait_for(lambda room: sorted(run.model for run in room.runs.values()) == ["large", "quick"])


@pytest.mark.parametrize(("default", "expected"), [("quick", "quick"), ("other", ""), (3, ""), ("", "")])
async def test_a_room_has_a_default_as_long_as_it_serves(
    server: LiveServer, ada: Room, default: object, expected: str
) -> None:
    """It is a setting of the document, where anything may stand."""
    [room] = server.gateway.hub.loaded()
    room.shared.document._doc.get(META, type=Map)["text_model"] = default
    await ada.ask().finished()
    await ada.ask(model="scripted").finished()
    assert asked(server) == [expected, "scripted"]
