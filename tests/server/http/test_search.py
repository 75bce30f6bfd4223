from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from antiphon_client import connect
from antiphon_client.errors import RequestRefused
from antiphon_proto.params import TextParams
from antiphon_server.limits import Limits
from support.server import LiveServer, bearer, running

STORY = (
    "Chapter one\nThe last ferry had already left when Marta reached the pier. She was running along the café.\n"
    "😀 У Марты были зелёные глаза, и она бежала домой.\n"
)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LiveServer]:
    # No model for meaning here: words alone are searched, and that is said.
    limits = Limits(searches_per_minute=1, search_burst=30)
    async with running(tmp_path / "data", cache_dir=tmp_path / "cache", limits=limits) as made:
        yield made


async def ask(
    server: LiveServer, room: dict[str, Any], body: Any, token: str, session: str
) -> tuple[int, Any]:
    headers = bearer(token) | {"X-Antiphon-Session": session}
    url = f"{server.url}/api/rooms/{room['room']}/search"
    async with aiohttp.ClientSession() as http, http.post(url, json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_everything_that_people_read_is_found_and_nothing_that_is_gone(server: LiveServer) -> None:
    room = await server.new_room()
    async with (
        connect(room["links"]["editor"], name="Ann") as ann,
        connect(room["links"]["viewer"], name="Vic") as vic,
    ):
        ann.append(STORY)
        await ann.durable()
        await ann.chat.say("Should the ship run late?")
        key = await ann.comments.add(12, 20, "She runs too fast")
        await ann.comments.reply(key, "Пусть бежит медленнее")
        board = ann.canvas.add(
            {"type": "text", "x": 0, "y": 0, "text": "a harbour at dusk", "font": "sans", "font_size": 20}
        )
        await ann.durable()

        found = await vic.search("run")
        assert found.meaning == "absent"
        assert [(hit.kind, [hit.text[a:b] for a, b in hit.marks]) for hit in found.hits] == [
            ("chat", ["run"]),
            ("comment", ["runs"]),
            ("text", ["running"]),
        ]
        assert {hit.id for hit in found.hits if hit.kind == "comment"} == {key}
        (hit,) = (await vic.search("Марта зеленый", kinds=["text"])).hits
        assert [hit.text[a:b] for a, b in hit.marks] == ["Марты", "зелёные"]
        assert ann.text[hit.start :].startswith(hit.text)
        assert [hit.id for hit in (await vic.search("harb")).hits] == [board]
        assert [hit.kind for hit in (await vic.search("бежать")).hits] == ["comment", "text"]
        assert [hit.kind for hit in (await vic.search('"reached the pier"')).hits] == ["text"]
        assert (await vic.search('"the reached pier"')).hits == ()

        ann.delete(ann.text.index("😀"), len(ann.text))
        await ann.comments.delete(key)
        await ann.durable()
        assert (await vic.search("глаза бежать")).hits == ()
        assert [hit.kind for hit in (await vic.search("run")).hits] == ["chat", "text"]


async def test_words_of_private_runs_are_found_by_nobody(server: LiveServer) -> None:
    room = await server.new_room()
    async with connect(room["links"]["editor"], name="Ann") as ann:
        ann.append("Начало. ")
        await ann.durable()
        run = ann.ask("continue", mode="private", params=TextParams(max_tokens=4))
        words = "".join([token.text async for token in run])
        assert words.strip()
        assert (await ann.search(words)).hits == ()


async def test_searches_are_checked_and_counted(server: LiveServer) -> None:
    room = await server.new_room()
    viewer = room["tokens"]["viewer"]
    async with connect(room["links"]["viewer"], name="Vic") as vic:
        secret = vic._session.secret
        assert (await ask(server, room, {"query": "x"}, viewer, ""))[0] == 401
        other = await server.new_room()
        assert (await ask(server, room, {"query": "x"}, other["tokens"]["viewer"], secret))[0] == 401
        for wrong in (
            {},
            {"query": ""},
            {"query": "  "},
            {"query": "x" * 201},
            {"query": "x", "kinds": []},
            {"query": "x", "kinds": ["jam"]},
            {"query": "x", "limit": 51},
        ):
            assert (await ask(server, room, wrong, viewer, secret))[0] == 400
        # What looks like the index's own language is words.
        for strange in (
            '"',
            "* OR words:",
            'NEAR("a b")',
            "🙂",
            "' ; drop table exact; --",
            "\x01",
            "a" * 200,
        ):
            assert (await ask(server, room, {"query": strange}, viewer, secret))[0] == 200
        with pytest.raises(RequestRefused) as refused:
            for _ in range(40):
                await vic.search("x")
        assert (refused.value.error_code, str(refused.value)) == (
            "rate_limited",
            "too many searches; wait a little",
        )
