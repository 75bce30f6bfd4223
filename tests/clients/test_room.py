"""The SDK against a real server: co-editing, asking, coming back, being refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from antiphon_client import (
    Address,
    ClientError,
    EditRefused,
    JoinRefused,
    NoAnswer,
    NothingToUndo,
    RequestRefused,
    Room,
    RunFailed,
    connect,
    create_room,
)
from antiphon_engines.api import TextRequest
from antiphon_engines.ipc.events import Failed
from antiphon_proto.document.jam import NoteEvent
from antiphon_proto.messages import Steered
from antiphon_proto.params import ImageSteer, TextParams, TextSteer
from support.server import PATIENCE, LiveServer, running


@pytest.fixture
async def links(server: LiveServer) -> dict[str, Address]:
    return await create_room(server.url)


@pytest.fixture
async def pair(links: dict[str, Address]) -> AsyncIterator[tuple[Room, Room]]:
    async with AsyncExitStack() as stack:
        ada = await stack.enter_async_context(connect(links["owner"].link, name="Ада"))
        bob = await stack.enter_async_context(connect(links["editor"].link, name="Bob 🎭"))
        yield ada, bob


async def agree(*rooms: Room) -> str:
    """Wait until all hold the same text and nobody has anything unsent."""
    async with asyncio.timeout(PATIENCE):
        for room in rooms:
            await room.durable()
        for room in rooms:
            await room.wait_for(lambda _: len({one.text for one in rooms}) == 1)
    return rooms[0].text


async def test_two_write_and_both_see_both(pair: tuple[Room, Room]) -> None:
    ada, bob = pair
    ada.insert(0, "Привет, ")
    bob.append("мир 🎭")
    text = await agree(ada, bob)
    assert "Привет, " in text
    assert "мир 🎭" in text
    bob.delete(0, 2)
    assert await agree(ada, bob) == text[2:]


async def test_names_and_roles_are_seen(pair: tuple[Room, Room]) -> None:
    ada, bob = pair
    await ada.wait_for(lambda room: any(one.name == "Bob 🎭" for one in room.participants.values()))
    roles = {one.name: (one.role, one.kind) for one in bob.participants.values()}
    assert roles["Ада"] == ("owner", "human")
    assert roles["Bob 🎭"] == ("editor", "human")
    assert [kind for _, kind in roles.values()].count("ai") == 1


async def test_presence_carries_the_true_name(pair: tuple[Room, Room]) -> None:
    ada, bob = pair
    await ada.set_presence({"cursor": None, "user": {"name": "somebody else"}})
    assert ada.me is not None
    me = ada.me.id
    async with asyncio.timeout(PATIENCE):
        await bob.wait_for(lambda room: me in room.presence)
    assert bob.presence[me]["user"]["name"] == "Ада"


async def test_ask_yields_tokens_and_the_text_enters_the_document(
    server: LiveServer, pair: tuple[Room, Room]
) -> None:
    ada, bob = pair
    server.engine.reply = " сказал 猫 🎭 конец"
    ada.insert(0, "Однажды | потом")
    tokens = [token async for token in ada.ask(at=len("Однажды"), params=TextParams(max_tokens=9, seed=5))]
    assert "".join(token.text for token in tokens) == " сказал 猫 🎭 конец"
    assert all(token.logprob <= 0 for token in tokens)
    assert await agree(ada, bob) == "Однажды сказал 猫 🎭 конец | потом"
    (request,) = server.engine.requests.values()
    assert isinstance(request, TextRequest)
    assert request.before.endswith("Однажды")
    assert request.params.seed == 5


async def test_stop_and_steer_reach_the_engine(server: LiveServer, pair: tuple[Room, Room]) -> None:
    server.engine.hold = True
    run = pair[0].ask("a storm")
    info = await run.start()
    assert await run.steer(TextSteer(temperature=0.1)) == Steered(info.id, info.epoch + 1, 0)
    assert (await run.stop()).state == "stopped"
    assert (await run.stop()).state == "stopped"
    assert server.engine.steered == [(info.id, TextSteer(temperature=0.1))]
    with pytest.raises(RequestRefused, match="ended before the change"):
        await run.steer(TextSteer(temperature=0.2))
    other = pair[0].ask("a calm")
    info = await other.start()
    with pytest.raises(RequestRefused, match="steered by `change`"):
        await other.steer(ImageSteer(prompt="a fox"))
    server.engine.obeys = False
    waiting = asyncio.create_task(other.steer(TextSteer(temperature=0.3)))
    await pair[0].wait_for(lambda room: room.runs[info.id].epoch == info.epoch + 1)
    await other.stop()
    with pytest.raises(RequestRefused, match="ended before the change"):
        await waiting
    assert info.id in server.engine.cancelled


async def test_a_suggestion_waits_and_can_be_accepted_by_another(
    server: LiveServer, pair: tuple[Room, Room]
) -> None:
    ada, bob = pair
    ada.insert(0, "Start")
    run = ada.ask(mode="suggest")
    info = await run.finished()
    await agree(ada, bob)
    assert bob.runs[info.id].suggestion == "open"
    assert (await bob.accept(info.id)).suggestion == "accepted"
    assert bob.runs[info.id].suggestion == "accepted"
    with pytest.raises(RequestRefused) as refused:
        await bob.accept(info.id)
    assert refused.value.error_code == "conflict"
    assert await agree(ada, bob) == "Start a scripted reply"
    assert run.info is not None
    assert run.info.suggestion == "accepted"


async def test_a_part_of_a_suggestion_can_be_rejected(server: LiveServer, pair: tuple[Room, Room]) -> None:
    ada, bob = pair
    server.engine.reply = " слово лишнее 🎭"
    ada.insert(0, "Начало")
    info = await ada.ask(mode="suggest").finished()
    text = await agree(ada, bob)
    start = text.index(" лишнее")
    assert (await bob.reject(info.id, (start, start + len(" лишнее")))).suggestion == "open"
    assert "лишнее" not in bob.text
    with pytest.raises(RequestRefused, match="nothing of this suggestion"):
        await bob.reject(info.id, (0, 3))
    await agree(ada, bob)
    await ada.accept(info.id, (len("Начало"), len(ada.text)))
    await ada.wait_for(lambda room: room.runs[info.id].suggestion == "accepted", timeout=PATIENCE)
    assert await agree(ada, bob) == "Начало слово 🎭"


async def test_undo_of_a_run_leaves_what_people_wrote(server: LiveServer, pair: tuple[Room, Room]) -> None:
    ada, bob = pair
    ada.insert(0, "Start")
    info = await ada.ask().finished()
    await agree(ada, bob)
    bob.insert(bob.text.index("scripted"), "HUMAN ")
    await agree(ada, bob)
    assert (await ada.undo_run(info.id)).undone
    assert await agree(ada, bob) == "StartHUMAN "


async def test_what_is_out_of_bounds_is_refused_here_and_costs_no_connection(pair: tuple[Room, Room]) -> None:
    ada, bob = pair
    run = ada.ask(params=TextParams(max_tokens=20))
    await run.start()
    frames = len(ada.canvas)
    with pytest.raises(ClientError, match="length <= 4000"):
        ada.ask("x" * 5000)
    with pytest.raises(ClientError, match="max_tokens"):
        ada.ask(params=TextParams(max_tokens=10**6))
    with pytest.raises(ClientError, match="length <= 2000"):
        ada.paint("x" * 5000)
    with pytest.raises(ClientError, match="instruction"):
        await run.steer(TextSteer(instruction="x" * 5000))
    with pytest.raises(ClientError, match="length <= 4096"):
        await ada.set_presence({"x": "y" * 5000})
    assert len(ada.canvas) == frames
    await run.finished()
    ada.append(" and on")
    assert (await agree(ada, bob)).endswith(" and on")


async def test_own_undo_and_redo(pair: tuple[Room, Room]) -> None:
    ada, bob = pair
    ada.insert(0, "mine ")
    bob.append(" yours ")
    await agree(ada, bob)
    step = await ada.undo()
    assert (step.surface, step.kind) == ("story", "edit")
    at = step.start
    assert at in (0, len(" yours "))
    assert step.end == at
    await ada.wait_for(lambda room: "mine" not in room.text)
    with pytest.raises(NothingToUndo, match="nothing to undo"):
        await ada.undo()
    await ada.wait_for(lambda room: room.steps == {"story": (0, 1)})
    step = await ada.redo(surface="story")
    assert (step.redo, step.start, step.end) == (True, at, at + len("mine "))
    await bob.wait_for(lambda room: "mine" in room.text)
    assert sorted((await agree(ada, bob)).split()) == ["mine", "yours"]
    with pytest.raises(NothingToUndo):
        await ada.redo()
    with pytest.raises(NothingToUndo):
        await ada.undo(surface="canvas")
    with pytest.raises(RequestRefused) as refused:
        await ada.undo_run("no such run")
    assert refused.value.error_code == "not_found"
    bob.canvas.add({"type": "shape", "shape": "ellipse", "x": 0, "y": 0, "w": 9, "h": 9})
    step = await bob.undo()
    assert (step.surface, len(step.objects)) == ("canvas", 1)
    await ada.wait_for(lambda room: len(room.canvas) == 0)


async def test_every_request_is_refused_by_its_own_call(
    links: dict[str, Address], pair: tuple[Room, Room]
) -> None:
    """Accepted requests return too: no caller has to poll for an outcome."""
    ada, bob = pair
    assert bob.me is not None
    for call, code in (
        (ada.revoke("nobody"), "not_found"),
        (bob.revoke(bob.me.id), "denied"),
        (bob.use_model("text", "another"), "denied"),
        (ada.stop("no such run"), "not_found"),
        (ada.accept("no such run"), "not_found"),
        (ada.reject("no such run", (0, 0)), "not_found"),
        (ada.undo_run("no such run"), "not_found"),
        (ada.comments.resolve("nocomment"), "not_found"),
        (ada.writing.recall("no such run"), "not_found"),
        (ada.history.restore(10**6), "not_found"),
    ):
        with pytest.raises(RequestRefused) as refused:
            await call
        assert refused.value.error_code == code, call
    await ada.viewing(640)
    await ada.set_presence(None)
    async with connect(links["viewer"].link, name="Eve") as eve:
        for denied in (eve.jam.play(NoteEvent(0, 60, 9)), eve.chat.say("hello"), eve.undo()):
            with pytest.raises(RequestRefused) as refused:
                await denied
            assert refused.value.error_code == "denied"
    # Of two requests that a refusal cannot tell apart each gets its own.
    first, second = await asyncio.gather(
        ada.set_presence({"a": 1}), ada.set_presence({"b": 2}), return_exceptions=True
    )
    assert (first, second) == (None, None)


async def test_no_call_waits_for_ever(tmp_path: Path) -> None:
    """The server is gone: each call ends with a typed error, and nothing of it is sent when the server is back."""
    async with running(tmp_path) as server:
        links = await create_room(server.url)
        async with connect(links["owner"].link, timeout=PATIENCE) as room:
            room.insert(0, "kept")
            await room.durable()
            server.stop.set()
            await room.wait_for(lambda one: not one.connected, timeout=PATIENCE)
            room._session.timeout = 0.02
            for call in (
                room.undo(),
                room.redo(),
                room.undo_run("run"),
                room.accept("run"),
                room.reject("run", (0, 1)),
                room.stop("run"),
                room.revoke("somebody"),
                room.use_model("text", "another", timeout=0.02),
                room.set_presence({}),
                room.viewing(64),
                room.ask().start(),
                room.writing.brainstorm("more"),
                room.writing.recall("run"),
                room.paint("a fox").start(),
                room.chat.say("hello"),
                room.comments.add(0, 1, "why"),
                room.style.learn(0, 4),
                room.jam.conduct(playing=True),
                room.jam.play(NoteEvent(0, 60, 90)),
                room.jam.perform().start(),
                room.durable(),
                room.history.page(),
                room.upload(b"no picture"),
            ):
                with pytest.raises(ClientError) as failure:
                    await call
                assert isinstance(failure.value, NoAnswer) or "does not answer" in str(failure.value), call
            assert not room._session._connection._requests


async def test_a_server_that_is_not_there_is_told_in_time(links: dict[str, Address]) -> None:
    nobody = Address("http://127.0.0.1:9", "room", "token")
    with pytest.raises(NoAnswer):
        async with connect(nobody.link, timeout=0.05):
            pass


async def test_a_failed_run_raises_with_its_code(server: LiveServer, pair: tuple[Room, Room]) -> None:
    server.engine.hold = True
    run = pair[0].ask()
    info = await run.start()
    server.engine._tell(info.id, Failed("worker_lost", "the engine process ended"))
    with pytest.raises(RunFailed, match="the engine process ended"):
        async for _ in run:
            pass


async def test_a_viewer_reads_and_is_refused_the_rest(links: dict[str, Address]) -> None:
    async with connect(links["owner"].link) as ada, connect(links["viewer"].link) as eve:
        ada.insert(0, "for all to read")
        await ada.durable()
        async with asyncio.timeout(PATIENCE):
            await eve.wait_for(lambda room: room.text == "for all to read")
            with pytest.raises(RequestRefused) as refused:
                await eve.ask().start()
            assert refused.value.error_code == "denied"
            eve.insert(0, "graffiti")
            with pytest.raises(EditRefused, match="denied") as edit:
                await eve.applied()
            assert edit.value.text == "graffitifor all to read"
            await eve.wait_for(lambda room: room.text == "for all to read")
        assert ada.text == "for all to read"


async def test_a_bad_token_and_a_missing_room_are_refused_at_once(links: dict[str, Address]) -> None:
    owner = links["owner"]
    with pytest.raises(JoinRefused) as refused:
        async with connect(Address(owner.base, owner.room, "not.a.token").link):
            pass
    assert refused.value.close_code == 4401


async def test_a_revoked_member_is_put_out_and_stays_out(links: dict[str, Address]) -> None:
    async with connect(links["owner"].link) as ada, connect(links["editor"].link, name="Eve") as eve:
        assert eve.me is not None
        await ada.revoke(eve.me.id)
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(JoinRefused) as refused:
                await eve.wait_for(lambda room: False)
        assert refused.value.close_code == 4403
        with pytest.raises(JoinRefused):
            async with connect(links["editor"].link, name="Eve again"):
                pass


async def test_the_connection_mends_itself_and_edits_made_meanwhile_arrive(
    server: LiveServer, pair: tuple[Room, Room]
) -> None:
    ada, bob = pair
    assert ada.me is not None
    me = ada.me.id
    ada.insert(0, "before ")
    await agree(ada, bob)
    for outbox in tuple(server.gateway.connections._open):
        outbox.abort()
    ada.append("during ")
    bob.append("also ")
    text = await agree(ada, bob)
    assert sorted(text.split()) == ["also", "before", "during"]
    assert ada.me.id == me


async def test_a_large_paste_travels_in_fragments(pair: tuple[Room, Room]) -> None:
    ada, bob = pair
    pasted = "абвгд 🎭 " * 12_000
    ada.insert(0, pasted)
    assert await agree(ada, bob) == pasted


async def test_both_copies_survive_a_restart_of_the_server(tmp_path: Path) -> None:
    async with running(tmp_path) as first:
        links = await create_room(first.url)
        async with connect(links["editor"].link) as room:
            room.insert(0, "kept 🎭")
            await room.durable()
    async with running(tmp_path) as second:
        address = Address(second.url, links["editor"].room, links["editor"].token)
        async with connect(address.link) as room:
            assert room.text == "kept 🎭"


async def test_whoever_waits_sees_their_place_and_when_it_will_start(
    pair: tuple[Room, Room], server: LiveServer
) -> None:
    """Asker and others alike, at every change, until it starts."""
    ada, bob = pair
    server.engine.queueing = server.engine.hold = True
    asked = await ada.ask().start()
    seen: list[tuple[int, int]] = []
    for position, expected in ((3, 9000), (2, 5000), (1, 800)):
        server.engine.queue(asked.id, position, expected)
        for room in (ada, bob):
            async with asyncio.timeout(PATIENCE):
                await room.wait_for(
                    lambda one: (run := one.runs.get(asked.id)) is not None and run.position == position  # noqa: B023
                )
        known = bob.runs[asked.id]
        seen.append((known.position, known.expected_start_ms))
        assert known.state == "queued"
    assert seen == [(3, 9000), (2, 5000), (1, 800)]
    server.engine.go(asked.id)
    for room in (ada, bob):
        async with asyncio.timeout(PATIENCE):
            await room.wait_for(lambda one: one.runs[asked.id].state == "running")
        assert (room.runs[asked.id].position, room.runs[asked.id].expected_start_ms) == (0, 0)
