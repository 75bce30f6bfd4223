from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from antiphon_client import connect
from antiphon_server.limits import Limits
from antiphon_server.spelling.findings import Passage
from antiphon_server.work.jobs import Answer, Job, Spell, Spelled
from antiphon_server.work.text_checker import TextChecker
from support.server import LiveServer, bearer, running


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LiveServer]:
    async with running(tmp_path, limits=Limits(checked_per_minute=60, checked_burst=4000)) as made:
        yield made


async def ask(
    server: LiveServer, room: dict[str, Any], body: Any, role: str, session: str
) -> tuple[int, Any]:
    headers = bearer(room["tokens"][role]) | {"X-Antiphon-Session": session}
    url = f"{server.url}/api/rooms/{room['room']}/spelling"
    async with aiohttp.ClientSession() as http, http.post(url, json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_members_who_may_write_have_their_words_checked_within_a_budget(server: LiveServer) -> None:
    room = await server.new_room()
    english = {"text": "He lives in a big huose.", "language": "en"}
    async with connect(room["links"]["editor"], name="Ann") as ann:
        session = ann._session.secret
        status, answer = await ask(server, room, {"passages": [english, english]}, "editor", session)
        assert status == 200
        first, second = answer["findings"]
        assert first == second
        assert [(one["start"], one["end"], one["kind"], one["replacements"][0]) for one in first] == [
            (18, 23, "spelling", "house")
        ]
        assert (await ask(server, room, {"passages": [english]}, "editor", ""))[0] == 401
        assert (await ask(server, room, {"passages": [english]}, "viewer", session))[0] == 403
        for wrong in (
            {"passages": []},
            {"passages": [english] * 33},
            {"passages": [{"text": "x" * 4001, "language": "en"}]},
            {"passages": [{"text": "x", "language": "de"}]},
        ):
            assert (await ask(server, room, wrong, "editor", session))[0] == 400
        long = {"passages": [{"text": "word " * 790, "language": "en"}]}
        assert (await ask(server, room, long, "editor", session))[0] == 200
        other = {"passages": [{"text": "words " * 600, "language": "en"}]}
        assert (await ask(server, room, other, "editor", session))[0] == 429
        # Checked paragraphs cost nothing.
        assert (await ask(server, room, long, "editor", session))[0] == 200


class Counting:
    """A pool that finds nothing and counts its texts."""

    def __init__(self) -> None:
        self.given: list[Passage] = []

    async def run(self, job: Job, key: str) -> Answer:
        assert isinstance(job, Spell)
        self.given += job.passages
        return Spelled(tuple(() for _ in job.passages))


async def test_a_text_is_checked_once_for_all_who_see_it(tmp_path: Path) -> None:
    pool = Counting()
    checker = TextChecker(pool, tmp_path)
    texts = [Passage(f"text {number}", "en") for number in range(5000)]
    for start in range(0, 5000, 25):
        assert await checker.check(texts[start : start + 25] * 2, "room") == [()] * 50
    assert len(pool.given) == 5000
    assert checker.unknown(texts[-4096:]) == 0
    assert checker.unknown(texts[:904]) == sum(len(text.text) for text in texts[:904])
