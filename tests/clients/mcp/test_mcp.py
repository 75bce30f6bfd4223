"""`antiphon mcp` with the protocol's own client: over stdio as a process, and in this process."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import ClientSession
from mcp import Client, StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError

from antiphon_client import Address, Room, connect, create_room
from antiphon_client.mcp import resources
from antiphon_client.mcp.serve import build
from support.server import PATIENCE, LiveServer


@pytest.fixture
async def links(server: LiveServer) -> dict[str, Address]:
    return await create_room(server.url)


@pytest.fixture
async def owner(links: dict[str, Address]) -> AsyncIterator[Room]:
    async with connect(links["owner"].link, name="Ada") as room:
        yield room


@asynccontextmanager
async def joined(link: Address) -> AsyncIterator[Client]:
    """An MCP client over a room that it joined by `link`. Not a fixture: its task groups must end in their own task."""
    async with AsyncExitStack() as stack:
        room = await stack.enter_async_context(connect(link.link, name="Robin", kind="agent"))
        bus = resources.ChangeBus()
        publishing = asyncio.create_task(resources.publish_changes(room, bus))
        stack.push_async_callback(_end, publishing)
        yield await stack.enter_async_context(Client(build(room, bus)))


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def ask(client: Client, tool: str, **arguments: Any) -> Any:
    """The tool's structured answer."""
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.content
    content = answer.structured_content
    return content["result"] if content and set(content) == {"result"} else content


async def refusal(client: Client, tool: str, **arguments: Any) -> str:
    answer = await client.call_tool(tool, arguments)
    assert answer.is_error
    return str(answer.content[0].text)


async def test_an_agent_reads_and_writes_beside_people(owner: Room, links: dict[str, Address]) -> None:
    async with joined(links["editor"]) as agent:
        owner.append("The ferry had left. Marta waited.")
        await owner.durable()
        async with asyncio.timeout(PATIENCE):
            while "waited" not in (await ask(agent, "read_text"))["text"]:
                await asyncio.sleep(0.02)
            await ask(agent, "write_text", text=" It rained.", after="had left.")
            await ask(agent, "replace_text", old="Marta", new="Мария 🎭")
            await owner.wait_for(lambda room: "It rained. Мария 🎭 waited." in room.text)
        robin = next(one for one in owner.participants.values() if one.name == "Robin")
        assert robin.kind == "agent"
        hits = await ask(agent, "search_room", query="марии")
        assert [hit["where"] for hit in hits] == ["text"]


async def test_its_work_is_marked_as_an_agents(owner: Room, links: dict[str, Address]) -> None:
    async with joined(links["editor"]) as agent:
        await ask(agent, "write_text", text="Written by a program.")
        report = (await owner.export("json")).data.decode()
        assert '"kind":"agent"' in report.replace(" ", "")
        words = (await owner.export("txt", authorship=True)).data.decode()
        assert "Robin (agent, a program)" in words


async def test_words_that_stand_twice_or_nowhere_change_nothing(
    owner: Room, links: dict[str, Address]
) -> None:
    async with joined(links["editor"]) as agent:
        owner.append("again and again")
        await owner.durable()
        async with asyncio.timeout(PATIENCE):
            while not (await ask(agent, "read_text"))["text"]:
                await asyncio.sleep(0.02)
        assert "2 times" in await refusal(agent, "replace_text", old="again", new="never")
        assert "not in the text" in await refusal(agent, "write_text", text="x", after="nowhere")
        assert "from 1 to" in await refusal(agent, "search_room", query=" ")
        assert owner.text.strip() == "again and again"


async def test_undo_takes_back_its_own_action_only(owner: Room, links: dict[str, Address]) -> None:
    async with joined(links["editor"]) as agent:
        await ask(agent, "write_text", text="Mine.")
        await owner.wait_for(lambda room: "Mine." in room.text)
        owner.insert(0, "Theirs. ")
        await owner.durable()
        await ask(agent, "undo")
        async with asyncio.timeout(PATIENCE):
            await owner.wait_for(lambda room: room.text.strip() == "Theirs.")
        assert "nothing of yours" in await ask(agent, "undo")


async def test_its_suggestions_wait_for_a_decision(owner: Room, links: dict[str, Address]) -> None:
    async with joined(links["editor"]) as agent:
        await ask(agent, "write_text", text="The sea was blue. It was cold.")
        await owner.wait_for(lambda room: "cold" in room.text)
        run = await ask(agent, "suggest_text", old="was blue", new="lay grey", reason="blunter")
        assert "first" in await refusal(agent, "suggest_text", old="sea was", new="x")
        other = await ask(agent, "suggest_insertion", text="Very. ", before="It was")
        async with asyncio.timeout(PATIENCE):
            await owner.wait_for(lambda room: other in room.runs)
            assert "was bluelay grey" in owner.text
            await owner.accept(run)
            await owner.reject(other)
            await owner.wait_for(lambda room: room.text.strip() == "The sea lay grey. It was cold.")
            assert owner.runs[run].suggestion == "accepted"
            assert owner.runs[other].suggestion == "rejected"
            await owner.undo_run(run)
            await owner.wait_for(lambda room: room.text.strip() == "The sea was blue. It was cold.")
        robin = next(one for one in owner.participants.values() if one.name == "Robin")
        assert owner.runs[run].author == robin.id


async def test_comments_chat_and_board(owner: Room, links: dict[str, Address]) -> None:
    async with joined(links["editor"]) as agent:
        await ask(agent, "write_text", text="A passage that needs work.")
        comment = await ask(agent, "add_comment", passage="needs work", text="Which?")
        await ask(agent, "say", text="I left a comment.")
        box = {"type": "shape", "shape": "rectangle", "x": 1, "y": 2, "w": 30, "h": 40}
        key = await ask(agent, "add_object", fields=box)
        await ask(agent, "change_object", id=key, fields={"w": 50})
        async with asyncio.timeout(PATIENCE):
            await owner.wait_for(lambda room: comment in room.comments and key in room.canvas)
            await owner.wait_for(lambda room: any("comment" in one.text for one in room.chat.entries))
            await owner.wait_for(lambda room: room.canvas[key]["w"] == 50)
        assert owner.comments.passage(comment) == "needs work"
        await owner.comments.reply(comment, "The end.")
        read = await ask(agent, "read_comments")
        assert [(one["by"], one["text"], one["passage"]) for one in read] == [
            ("Robin", "Which?", "needs work")
        ]
        assert [hit["where"] for hit in await ask(agent, "search_room", query="WHICH")] == ["comment"]
        assert await ask(agent, "read_film") == {"shots": [], "start": 0, "total": 0}
        await ask(agent, "resolve_comment", comment=comment)
        assert await ask(agent, "read_comments") == []
        assert (await ask(agent, "read_chat"))[-1]["by"] == "Robin"
        for name in ("chat", "comments", "board", "film", "jam", "people", "runs"):
            assert (await agent.read_resource(f"antiphon://room/{name}")).contents
        assert "no such object" in await refusal(agent, "delete_object", id="gone")
        assert await refusal(agent, "add_object", fields={"type": "rect", "x": float(10**12)})
        board = await ask(agent, "read_board")
        assert board["total"] == 1


async def test_it_asks_the_rooms_model(owner: Room, links: dict[str, Address]) -> None:
    async with joined(links["editor"]) as agent:
        made = await ask(agent, "ask_model", instruction="make it rain", mode="write", max_tokens=8)
        async with asyncio.timeout(PATIENCE):
            await owner.wait_for(lambda room: made["text"].strip() in room.text)
        run = owner.runs[made["run"]]
        assert owner.participants[run.participant].kind == "agent"


async def test_a_viewers_link_offers_no_tool_that_writes(links: dict[str, Address]) -> None:
    async with joined(links["viewer"]) as client:
        tools = (await client.list_tools()).tools
    assert "read_text" in {tool.name for tool in tools}
    assert not {"write_text", "replace_text", "add_object", "paint", "undo"} & {tool.name for tool in tools}


async def test_subscribers_hear_of_changes(owner: Room, links: dict[str, Address]) -> None:
    async with joined(links["editor"]) as agent:
        async with (
            asyncio.timeout(PATIENCE),
            agent.listen(resource_subscriptions=["antiphon://room/text"]) as news,
        ):
            owner.append("Something new.")
            async for event in news:
                assert getattr(event, "uri", "") == "antiphon://room/text"
                break
            read = await agent.read_resource("antiphon://room/text")
        assert "Something new." in str(read.contents[0])


async def test_an_agent_reads_the_film_and_hears_of_it_and_of_the_jam(
    owner: Room, links: dict[str, Address]
) -> None:
    async with joined(links["viewer"]) as agent:
        wanted = {"antiphon://room/film", "antiphon://room/jam"}
        async with (
            asyncio.timeout(PATIENCE),
            agent.listen(resource_subscriptions=sorted(wanted)) as news,
        ):
            shot = owner.film.add({"words": "A harbour.", "seconds": 4})
            await owner.jam.conduct(tempo=90)
            async for event in news:
                wanted.discard(getattr(event, "uri", ""))
                if not wanted:
                    break
        read = await ask(agent, "read_film")
        assert [(one["id"], one["words"], one["seconds"]) for one in read["shots"]] == [
            (shot, "A harbour.", 4)
        ]
        assert "90" in str((await agent.read_resource("antiphon://room/jam")).contents[0])


async def test_a_flood_is_refused_and_the_room_goes_on(owner: Room, links: dict[str, Address]) -> None:
    async with joined(links["editor"]) as agent:
        answers = await asyncio.gather(
            *(agent.call_tool("say", {"text": f"{number}"}) for number in range(200)), return_exceptions=True
        )
        refused = [one for one in answers if isinstance(one, MCPError)]
        assert refused
        assert any("under way" in one.message or "too many" in one.message for one in refused)
        owner.append("still here")
        async with asyncio.timeout(PATIENCE):
            await owner.durable()


async def test_over_stdio_as_an_agent_starts_it(links: dict[str, Address], owner: Room) -> None:
    command = ["-P", "-m", "antiphon_client.mcp", "--name", "Robin", links["editor"].link]
    async with (
        asyncio.timeout(PATIENCE),
        Client(stdio_client(StdioServerParameters(command=sys.executable, args=command))) as client,
    ):
        await ask(client, "write_text", text="Over a pipe.")
        await owner.wait_for(lambda room: "Over a pipe." in room.text)


async def test_over_http_on_loopback(links: dict[str, Address], owner: Room) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free_port = probe.getsockname()[1]
    command = ["-P", "-m", "antiphon_client.mcp", "--http", str(free_port), links["editor"].link]
    process = await asyncio.create_subprocess_exec(sys.executable, *command)
    try:
        async with asyncio.timeout(PATIENCE):
            while not any(one.kind == "agent" for one in owner.participants.values()):
                await owner.changed()
            await _listening(free_port)
            async with Client(f"http://127.0.0.1:{free_port}/mcp") as client:
                await ask(client, "write_text", text="Over HTTP.")
            await owner.wait_for(lambda room: "Over HTTP." in room.text)
            async with ClientSession() as browser:
                foreign = {"Origin": "http://evil.example", "Accept": "application/json, text/event-stream"}
                async with browser.post(
                    f"http://127.0.0.1:{free_port}/mcp", json={}, headers=foreign
                ) as answer:
                    assert answer.status == 403
    finally:
        process.terminate()
        await process.wait()


async def _listening(port: int) -> None:
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.05)


async def test_it_plays_a_phrase(owner: Room, links: dict[str, Address]) -> None:
    async with joined(links["editor"]) as agent:
        heard = owner.jam.played()
        await owner.jam.in_time()
        notes = [
            {"beat": 0.0, "pitch": 60, "length": 0.5, "velocity": 80},
            {"beat": 0.5, "pitch": 64, "length": 0.25, "velocity": 90},
        ]
        await ask(agent, "play_notes", notes=notes)
        pressed: list[int] = []
        async with asyncio.timeout(PATIENCE):
            async for played in heard:
                pressed += [event.pitch for event in played.events if event.velocity]
                if len(pressed) == 2:
                    break
        assert pressed == [60, 64]
        assert "pitch" in await refusal(agent, "play_notes", notes=[{**notes[0], "pitch": 200}])
        await ask(agent, "conduct", tempo=96, tonic=9, mode="minor")
        async with asyncio.timeout(PATIENCE):
            await owner.wait_for(lambda room: room.jam.transport.tempo == 96)
        assert (await ask(agent, "read_jam"))["tempo"] == 96


async def test_a_wrong_link_is_one_line(server: LiveServer) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "antiphon_client.mcp", f"{server.url}/r/nowhere#token"),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert len(errors.decode().strip().splitlines()) == 1
