from __future__ import annotations

from collections import Counter

from antiphon_server.evaluation.story_questions import read, story_tasks


def test_forty_questions_are_reported_and_eight_are_for_tuning() -> None:
    assert Counter(task.split for task in story_tasks()) == {"test": 40, "dev": 8}
    assert len(read().story.split()) > 2000


def test_a_question_is_passed_by_its_key_and_by_nothing_else() -> None:
    for task, question in zip(story_tasks(), read().questions, strict=True):
        for right in question.right:
            assert task.fails(f"It was {right}, I think.") == []
        for wrong in ("", "I do not know.", "The story does not say."):
            assert task.fails(wrong) != []
