"""The real checker: its faults, its exceptions, and the refusal of an unknown text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from antiphon_proto.errors import AntiphonError
from antiphon_server.story.proofreader import Correction, HarperProofreader


@pytest.fixture
async def harper() -> AsyncIterator[HarperProofreader]:
    made = HarperProofreader(bound=2)
    yield made
    await made.close()


async def ask(harper: HarperProofreader, text: str, *names: str) -> Sequence[Correction] | AntiphonError:
    answer: asyncio.Future[Sequence[Correction] | AntiphonError] = asyncio.get_running_loop().create_future()
    harper.check(text, names, answer.set_result)
    return await answer


async def test_mistakes_are_found_with_remedy_and_reason(harper: HarperProofreader) -> None:
    text = "🐈 He go to the the shop. I has a apple and alot of freinds."
    found = await ask(harper, text)
    assert not isinstance(found, AntiphonError)
    made, at = "", 0
    for one in found:
        assert one.reason
        made += text[at : one.start] + one.replacement
        at = one.end
    assert made + text[at:] == "🐈 He goes to the shop. I have an apple and a lot of friends."


async def test_names_are_not_taken_for_mistakes(harper: HarperProofreader) -> None:
    found = await ask(harper, "We met Ieva there. Ieva laughed, and Brzezka walked on. Zsuzsi sat.", "Zsuzsi")
    assert found == []


async def test_german_is_not_taken_for_bad_english(harper: HarperProofreader) -> None:
    found = await ask(
        harper, "Es war einmal eine alte Geiß, die hatte sieben junge Geißlein und liebte sie sehr."
    )
    assert isinstance(found, AntiphonError)


async def test_other_languages_and_too_many_texts_are_refused(harper: HarperProofreader) -> None:
    answers = await asyncio.gather(
        ask(harper, "Жил-был кот. Он спал на печи и мурлыкал."), ask(harper, "Fine."), ask(harper, "Fine.")
    )
    codes = [answer.code if isinstance(answer, AntiphonError) else "" for answer in answers]
    assert codes == ["invalid", "", "queue_full"]
