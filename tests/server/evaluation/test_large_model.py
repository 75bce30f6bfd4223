"""The large text model on the tasks of people. `make test-models` fetches it; without it these tests are skipped
with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from antiphon_engines.api import Done, Engine, EngineUnavailable, TextRequest
from antiphon_engines.automatic import LADDER
from antiphon_engines.config import WorkerConfig
from antiphon_engines.text import spec
from antiphon_proto.params import TextParams
from antiphon_server.evaluation.runner import evaluate
from antiphon_server.evaluation.tasks import all_tasks
from support.drive import run

pytestmark = [pytest.mark.large_model, pytest.mark.slow]
GREEDY = TextParams(max_tokens=24, temperature=0.0, repetition_penalty=1.0, alternatives=2)
FERRY = "The last ferry had already left when Marta reached the pier."


@pytest.fixture(scope="module")
def large_model(cache_dir: Path) -> Iterator[Engine]:
    """The best model of the ladder, four jobs at a time on one thread."""
    name = LADDER[0]
    try:
        spec.check(cache_dir, name)
    except EngineUnavailable as error:
        pytest.skip(f"the large model is not here ({error.message}); make test-models fetches it")
    engine = spec.build(
        WorkerConfig(
            cache_dir=str(cache_dir), text_model=name, threads=1, context=1024, max_jobs=4, max_batch=4
        )
    )
    yield engine
    engine.close()


def test_it_continues_inside_the_sentence_and_says_nothing_else(large_model: Engine) -> None:
    requests = [
        TextRequest(task="continue", before=FERRY, params=GREEDY),
        TextRequest(task="continue", before=f"{FERRY} She put down her bag and", params=GREEDY),
        TextRequest(
            task="continue", before="Последний паром уже ушёл, когда Марта пришла на причал.", params=GREEDY
        ),
    ]
    sentence, middle, russian = run(large_model, *requests)
    assert sentence.text[:1] in " \n"
    assert middle.text.startswith(" ")
    assert middle.text.lstrip()[:1].islower()
    assert sum("а" <= letter <= "я" for letter in russian.text.casefold()) > 20
    for result in (sentence, middle, russian):
        assert isinstance(result.done, Done)
        assert not any(word in result.text for word in ("<|", "Sure", "problem", "Let's denote"))
        assert all(len(token.alternatives) == 2 for token in result.tokens)


def test_it_heeds_an_order_at_the_cursor(large_model: Engine) -> None:
    request = TextRequest(
        task="instruct",
        before=FERRY,
        instruction="A big dog comes up to her.",
        params=replace(GREEDY, max_tokens=40),
    )
    [result] = run(large_model, request)
    assert "dog" in result.text


def test_it_passes_most_tasks_that_prompts_were_tuned_on(large_model: Engine) -> None:
    tasks = [
        task for task in all_tasks() if task.split == "dev" and task.kind in ("answer", "rewrite", "json")
    ]
    summary = evaluate(large_model, tasks, (1,), split="dev")
    assert summary.share >= 0.7, [
        (each.task, each.answer, each.fails) for each in summary.outcomes if each.fails
    ]
