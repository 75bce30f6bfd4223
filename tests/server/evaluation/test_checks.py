from __future__ import annotations

import pytest

from antiphon_server.evaluation import checks
from antiphon_server.evaluation.checks import Check

RIGHT_AND_WRONG: list[tuple[Check, str, str]] = [
    (checks.not_empty, "Yes.", " \n-"),
    (checks.no_meta, "She went out.", "Sure! She went out."),
    (checks.no_meta, "Here they stood.", "Here is the passage."),
    (checks.no_meta, "She sat.", "She sat.\n\nLet me know what you think."),
    (checks.no_meta, "Она вышла.", "Вот продолжение: она вышла."),
    (checks.tidy, "One day.\n\nTwo days.", "One day.\n\n\n\nTwo days."),
    (checks.tidy, "He went to the sea. She stayed.", "He went to the sea. He went to the sea."),
    (checks.tense("past"), "She was cold and walked on.", "She is cold and walks on."),
    (checks.tense("past"), '"I am cold, it is late, we are lost," she said.', '"I was," she says.'),
    (checks.tense("present"), "She is cold and walks on.", "She was cold."),
    (checks.person("first"), "I walked on.", "She walked on."),
    (checks.person("third"), 'She said, "I know."', "I know."),
    (checks.person("third"), "They left.", "The rain fell."),
    (checks.russian, "Она вышла.", "She вышла."),
    (checks.english, "She went out.", "Она вышла."),
    (checks.length(2, 3), "one two", "one two three four"),
    (checks.sentences(2, 2), 'He came. "Why?" she asked.', "He came."),
    (checks.lines(2), "one\n\ntwo", "one"),
    (checks.has("cat", "dog"), "A Dog.", "A bird."),
    (checks.lacks("he"), "She left the house.", "He left."),
    (checks.other_than("One two."), "Two one.", "one, two"),
    (checks.keeps("harbour sailors", 0.5), "the harbour", "the sea"),
    (checks.json_like({"shape": [{"name": str}]}), '[{"name": "Ada"}]', '[{"name": 3}]'),
    (checks.json_like({"shape": {"age": int}}), '```json\n{"age": 7}\n```', '{"age": true}'),
    (checks.json_like({"shape": [str]}), '["a"]', "[]"),
    (checks.json_like({"shape": [str]}), '["a"]', "a, b"),
]


@pytest.mark.parametrize(("check", "right", "wrong"), RIGHT_AND_WRONG)
def test_a_check_passes_what_is_right_and_says_what_is_wrong(check: Check, right: str, wrong: str) -> None:
    assert check(right) == ""
    assert check(wrong) != ""
