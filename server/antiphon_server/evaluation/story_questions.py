"""40 questions about a story of 2,200 words, with a fixed key: `antiphon eval story`.

They are asked as in the chat of a room whose text is that story: the model is shown the end of it and what the question
recalls of the rest. Eight more questions are of the split `dev`, on which prompts and recall are tuned. The story was
written for this measure.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from antiphon_engines.api import ChatLine, TextRequest
from antiphon_server.evaluation import checks
from antiphon_server.evaluation.tasks import Split, Task
from antiphon_server.story.coauthor import ANSWER
from antiphon_server.story.recall import consulted

_DATA: Final = Path(__file__).with_suffix(".json")


class Question(Struct, frozen=True):
    """`right`: an answer that has one of these words is right."""

    question: str
    right: tuple[str, ...]
    split: Split


class Data(Struct, frozen=True):
    story: str
    questions: tuple[Question, ...]


def read() -> Data:
    return msgspec.json.decode(_DATA.read_bytes(), type=Data)


def story_tasks() -> tuple[Task, ...]:
    """All 48, as tasks of the kind `story`."""
    data = read()
    story = data.story.encode()
    return tuple(
        Task(
            f"story/{number}",
            "story",
            each.split,
            _asked(story, each.question),
            (checks.not_empty, checks.names(*each.right)),
        )
        for number, each in enumerate(data.questions)
    )


def _asked(story: bytes, question: str) -> TextRequest:
    view, recalled = consulted(story, len(story), question)
    return TextRequest(
        task="chat",
        before=view.before,
        after=view.after,
        instruction=question,
        params=ANSWER,
        chat=(ChatLine("Ada", question),),
        recalled=recalled,
    )
