"""The large text model on the tasks of people. `make test-models` fetches it; without it these tests are skipped
with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from antiphon_engines.api import ChatLine, Done, Engine, EngineUnavailable, TextRequest
from antiphon_engines.automatic import LADDER
from antiphon_engines.config import WorkerConfig
from antiphon_engines.text import spec
from antiphon_engines.text.engine import TextEngine
from antiphon_engines.text.gguf import build
from antiphon_proto.params import TextParams
from antiphon_server.evaluation.checks import json_like
from antiphon_server.evaluation.runner import evaluate
from antiphon_server.evaluation.tasks import all_tasks
from support.drive import Result, run, step

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


def test_it_changes_a_passage_and_keeps_the_rest(large_model: Engine) -> None:
    """Greedily the text is the same with drafts and without, and needs fewer steps."""
    assert isinstance(large_model, TextEngine)
    passage = f"{FERRY} She counted the coins in her pocket, and there were not enough of them for a room."
    request = TextRequest(
        task="rewrite",
        before="",
        selection=passage,
        instruction="Name the person Elin and keep everything else.",
        params=replace(GREEDY, max_tokens=60, alternatives=0),
    )
    steps: list[int] = []
    texts: list[str] = []
    for large_model.drafts in (False, True):
        result = Result(large_model.admit(request))
        steps.append(0)
        while result.end is None:
            step(large_model, [result])
            steps[-1] += 1
        texts.append(result.text)
    assert "Elin" in texts[0]
    assert "Marta" not in texts[0]
    assert "coins in her pocket" in texts[0]
    assert texts[1] == texts[0]
    assert steps[1] < steps[0]


def test_it_answers_in_the_language_of_the_question_by_what_the_story_says(large_model: Engine) -> None:
    """Its Russian is plain, and a word that it does not know stays English."""
    told = f"{FERRY} She had forgotten her green umbrella in the train."
    asked = [("What had she forgotten?", ("umbrella",)), ("Что она забыла?", ("зонт", "umbrella"))]
    requests = [
        TextRequest(task="chat", before=told, chat=(ChatLine("Ada", question),), params=GREEDY)
        for question, _ in asked
    ]
    english, russian = run(large_model, *requests)
    for result, (_, words) in zip((english, russian), asked, strict=True):
        assert any(word in result.text.casefold() for word in words)
    letters = [letter for letter in russian.text.casefold() if letter.isalpha()]
    assert sum("а" <= letter <= "я" for letter in letters) > len(letters) / 2


def test_it_gives_json_of_the_shape_that_was_asked_for(large_model: Engine) -> None:
    order = 'Give three shots of this scene as a JSON list of objects with the keys "shot" (a number) and "what", only.'
    request = TextRequest(
        task="chat",
        before=FERRY,
        chat=(ChatLine("Ada", order),),
        params=replace(GREEDY, max_tokens=160, alternatives=0),
    )
    [result] = run(large_model, request)
    assert json_like({"shape": [{"shot": int, "what": str}]})(result.text) == ""


def test_a_second_one_that_does_not_fit_is_refused_with_the_figures(
    large_model: Engine, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "free_memory", lambda: 900_000_000)
    with pytest.raises(
        EngineUnavailable, match=r"needs about 1\.\d GB of memory, and 0\.9 GB are free"
    ) as refused:
        spec.build(WorkerConfig(cache_dir=str(cache_dir), text_model=LADDER[0]))
    assert "\n" not in refused.value.message
    [result] = run(large_model, TextRequest(task="continue", before=FERRY, params=GREEDY))
    assert result.text


def test_another_file_is_refused_and_the_prepared_one_stays(
    large_model: Engine, cache_dir: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.gguf"
    wrong.write_bytes(b"GGUF" + bytes(1000))
    with pytest.raises(EngineUnavailable, match="another file"):
        spec.prepare(
            tmp_path, LADDER[0], accept_terms=False, progress=lambda stage, fraction: None, source=wrong
        )
    seen: list[str] = []
    path = spec.prepare(
        cache_dir, LADDER[0], accept_terms=False, progress=lambda stage, fraction: seen.append(stage)
    )
    assert path is not None
    assert set(seen) == {"verify"}, "the whole file is hashed, and nothing is fetched"


def test_it_passes_most_tasks_that_prompts_were_tuned_on(large_model: Engine) -> None:
    tasks = [
        task for task in all_tasks() if task.split == "dev" and task.kind in ("answer", "rewrite", "json")
    ]
    summary = evaluate(large_model, tasks, (1,), split="dev")
    assert summary.share >= 0.7, [
        (each.task, each.answer, each.fails) for each in summary.outcomes if each.fails
    ]
