"""The SDK's writing room against a real server: chat, comments, style, candidates, second thoughts, the past."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from antiphon_client import Address, ClientError, RequestRefused, Room, connect, create_room
from antiphon_proto.document.style import StyleCard
from support.server import PATIENCE, LiveServer


@pytest.fixture
async def links(server: LiveServer) -> dict[str, Address]:
    return await create_room(server.url)


@pytest.fixture
async def pair(links: dict[str, Address]) -> AsyncIterator[tuple[Room, Room]]:
    async with AsyncExitStack() as stack, asyncio.timeout(PATIENCE):
        ada = await stack.enter_async_context(connect(links["owner"].link, name="Ада"))
        bob = await stack.enter_async_context(connect(links["editor"].link, name="Bob"))
        yield ada, bob


async def write(room: Room, text: str) -> None:
    room.append(text)
    await room.applied()


async def test_people_and_the_ai_talk_beside_the_story(server: LiveServer, pair: tuple[Room, Room]) -> None:
    ada, bob = pair
    server.engine.reply = "It rains."
    await write(ada, "Жил-был кот.")
    await bob.chat.say("I like the cat")
    await ada.chat.say("Antiphon, what now?", at=3)
    await bob.wait_for(lambda room: len(room.chat.entries) == 3 and room.chat.entries[2].text == "It rains.")
    assert ada.me is not None
    assert bob.me is not None
    assert [entry.participant for entry in bob.chat.entries] == [bob.me.id, ada.me.id, "ai"]
    assert bob.runs[bob.chat.entries[2].run].task == "chat"
    with pytest.raises(ClientError):
        await bob.chat.say("x" * 4001)
    with pytest.raises(RequestRefused):
        await bob.chat.say(" ")


async def test_comments_are_made_answered_settled_and_deleted(pair: tuple[Room, Room]) -> None:
    ada, bob = pair
    await write(ada, "Кот 🐈 спал.")
    await bob.wait_for(lambda room: room.text != "")
    key = await bob.comments.add(4, 5, "which?")
    await ada.wait_for(lambda room: key in room.comments)
    ada.insert(0, "Рыжий ")
    await ada.comments.reply(key, "the red one")
    await ada.comments.resolve(key)
    assert ada.comments.passage(key) == "🐈"
    found = ada.comments[key]
    assert (found.text, found.quote, found.resolved, found.replies[0].text) == (
        "which?",
        "🐈",
        True,
        "the red one",
    )
    with pytest.raises(RequestRefused) as refused:
        await bob.comments.delete(key, found.replies[0].id)
    assert refused.value.error_code == "denied"
    await ada.comments.delete(key)
    assert len(ada.comments) == 0


async def test_a_style_card_is_shared_and_learned(pair: tuple[Room, Room]) -> None:
    ada, bob = pair
    await write(ada, "I walked to the harbour. I saw Mira there, and I knew that she waited for me. " * 3)
    learned = await ada.style.learn(0, len(ada.text))
    assert (learned.card.person, learned.card.tense) == ("first", "past")
    ada.style.set(person=learned.card.person, tone="dry")
    await bob.wait_for(lambda room: room.style.card == StyleCard(person="first", tone="dry"))
    with pytest.raises(ClientError):
        bob.style.set(tone="x" * 201)


async def test_candidates_and_second_thoughts(server: LiveServer, pair: tuple[Room, Room]) -> None:
    ada, bob = pair
    await write(ada, "Once")
    candidates = await ada.writing.brainstorm(mode="write")
    texts = ["".join([token.text async for token in run]) for run in candidates]
    assert texts == [" a scripted reply"] * 3
    await ada.writing.choose(candidates[1])
    await bob.wait_for(lambda room: room.text == "Once a scripted reply")
    server.engine.reply = " upon"
    again = ada.ask()
    await again.finished()
    server.engine.reply = " a time"
    retried = ada.writing.retry(again)
    assert (await retried.finished()).origin == again.id
    await bob.wait_for(lambda room: room.text == "Once a scripted reply a time")
    with pytest.raises(RequestRefused) as refused:
        await ada.writing.replace_token(retried, 99, 0, 21, 28).start()
    assert refused.value.error_code == "conflict"
    assert ada.shares is not None or ada.rights >= {"chat", "restore", "fork"}


async def test_tokens_of_before_one_came_are_recalled(
    server: LiveServer, links: dict[str, Address], pair: tuple[Room, Room]
) -> None:
    server.engine.reply = "It rains."
    ada, _ = pair
    run = ada.ask()
    seen = [token async for token in run]
    async with connect(links["viewer"].link, name="Cy") as late:
        assert list(await late.writing.recall(run.id)) == seen
        assert len(seen) > 1
        with pytest.raises(RequestRefused) as refused:
            await late.writing.recall("nowhere")
        assert refused.value.error_code == "not_found"


async def test_corrections_come_as_suggestions(pair: tuple[Room, Room]) -> None:
    ada, bob = pair
    await write(ada, "He go to the shop.")
    run = ada.writing.fix(3)
    info = await run.finished()
    assert (info.author, info.state, info.progress) == ("proofreader", "done", 1)
    await bob.wait_for(lambda room: "goes" in room.text)
    await bob.accept(info.id)
    await ada.wait_for(lambda room: room.text == "He goes to the shop.")


async def test_the_past_is_read_named_restored_and_forked(pair: tuple[Room, Room]) -> None:
    ada, bob = pair
    await write(ada, "one")
    first = await ada.history.name("Первый")
    await bob.wait_for(lambda room: [one.name for one in room.history.versions] == ["Первый"])
    await write(bob, " two")
    page = await bob.history.page()
    assert ada.me is not None
    assert bob.me is not None
    assert [group.author for group in page.groups if group.author.startswith("p")] == [ada.me.id, bob.me.id]
    changes = await bob.history.compare(first.seq, page.last)
    assert [(one.op, one.text, one.author) for one in changes] == [
        ("equal", "one", ada.me.id),
        ("insert", " two", bob.me.id),
    ]
    await bob.history.restore(first.seq)
    await ada.wait_for(lambda room: room.text == "one")
    await bob.undo()
    await ada.wait_for(lambda room: room.text == "one two")
    assert (await ada.history.at(page.last)).text == "one two"
    with pytest.raises(RequestRefused):
        await bob.history.fork()
    forked = await ada.history.fork(first.seq)
    async with connect(forked["owner"].link, name="Cy") as room:
        assert room.text == "one"
    await ada.history.forget(first.id)
    await bob.wait_for(lambda room: room.history.versions == ())


async def test_words_are_found_for_a_gap_and_one_is_accepted(
    server: LiveServer, pair: tuple[Room, Room]
) -> None:
    ada, bob = pair
    server.engine.fills = ("took", "took hold of")
    await write(ada, "Он 🐈 quickly the rope.")
    found = await ada.fill_in(5, 12)
    assert [words async for words in found][-1] == ("took", "took hold of")
    assert found.id not in bob.runs
    run = await found.accept("took hold of")
    await bob.wait_for(lambda room: room.text == "Он 🐈 took hold of the rope.")
    assert (bob.runs[run.id].task, bob.runs[run.id].fills) == ("fill", ())
    await ada.undo_run(run.id)
    await bob.wait_for(lambda room: room.text == "Он 🐈 quickly the rope.")
    with pytest.raises(RequestRefused):
        await ada.fill_in(1)
    server.engine.fills = ()
    with pytest.raises(ClientError):
        await (await ada.fill_in(5)).accept()
