from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from antiphon_engines.api import Done, EngineInfo, Failed, Job, Output, Request, Token
from antiphon_proto.messages import TokenInfo
from antiphon_server.evaluation.runner import evaluate
from antiphon_server.evaluation.tasks import Task, all_tasks


class Scribe:
    """An engine that answers each request with `answer`'s text, a character a step."""

    kind = "text"
    info = EngineInfo("text", "scribe", "cpu", "none", 3, 2)

    def __init__(self, answers: dict[str, str], *, fails: bool = False) -> None:
        self._answers = answers
        self._fails = fails
        self.admitted = 0
        self.most = 0

    def admit(self, request: Request) -> Job:
        self.admitted += 1
        self.most = max(self.most, self.admitted)
        return Letters(self._answers.get(request.before + request.selection, ""))

    def step(self, jobs: Sequence[Job]) -> list[list[Output]]:
        return [self._one(job) for job in jobs]

    def _one(self, job: Letters) -> list[Output]:
        if self._fails:
            return [Failed("engine_failed", "broken")]
        if not job.text:
            return [Done("end")]
        letter, job.text = job.text[0], job.text[1:]
        return [Token(TokenInfo(0, letter, 1, 0.0))]

    def release(self, job: Job) -> None:
        self.admitted -= 1


class Letters:
    unit = "decode"
    window = None
    piece = None

    def __init__(self, text: str) -> None:
        self.text = text


def tasks(kind: str) -> list[Task]:
    return [task for task in all_tasks() if task.kind == kind]


def test_the_tasks_are_eighty_and_of_two_splits() -> None:
    found = all_tasks()
    assert len(found) == 80
    assert len({task.name for task in found}) == 80
    assert Counter(task.split for task in found) == {"test": 62, "dev": 18}
    assert {task.kind for task in found if task.split == "dev"} == {task.kind for task in found}


@pytest.mark.parametrize("answer", ["", "Sure, here is what you asked for.", "\n\n\n\n", "<|im_end|>"])
def test_no_task_is_passed_by_an_empty_or_chatty_answer(answer: str) -> None:
    if answer.startswith("Sure"):
        assert [
            task.name
            for task in all_tasks()
            if task.kind in ("tense", "rewrite", "json") and not task.fails(answer)
        ] == []
    else:
        assert [task.name for task in all_tasks() if not task.fails(answer)] == []


def test_what_passes_is_counted_by_kind_and_seed() -> None:
    chosen = tasks("russian")[:4]
    right = {chosen[0].request.before: " Она ушла домой. Больше никто не пришёл, и стало тихо. Вера ждала."}
    engine = Scribe(right)
    summary = evaluate(engine, chosen, (1, 2), split="all")
    assert summary.share == 0.25
    assert summary.kinds == {"russian": 0.25}
    assert summary.per_seed == (0.25, 0.25)
    assert [(each.task, each.seed) for each in summary.outcomes if not each.fails] == [
        ("russian/0", 1),
        ("russian/0", 2),
    ]
    assert engine.admitted == 0
    assert engine.most == 3


def test_a_model_that_fails_passes_nothing() -> None:
    summary = evaluate(Scribe({}, fails=True), tasks("plain"), (1,), split="all")
    assert summary.share == 0.0
    assert summary.outcomes[0].fails == ("the model failed: broken",)
