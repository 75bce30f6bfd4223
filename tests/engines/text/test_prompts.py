from __future__ import annotations

import pytest

from antiphon_engines.api import InvalidRequest, TextRequest
from antiphon_engines.text.prompts import STRIDE, build
from support.toy_model import ToyTokenizer

TOKENIZER = ToyTokenizer()


def text_of(ids: list[int]) -> str:
    return TOKENIZER.decode(ids)


def test_a_continuation_is_the_text_itself() -> None:
    prompt = build(TextRequest("continue", "Once upon", after=" the end"), TOKENIZER, 100)
    assert text_of(prompt.ids) == "Once upon"
    assert not prompt.space


def test_spaces_at_the_end_are_left_to_the_answer() -> None:
    prompt = build(TextRequest("continue", "Once upon  "), TOKENIZER, 100)
    assert text_of(prompt.ids) == "Once upon"
    assert prompt.space


def test_a_line_break_at_the_end_stays() -> None:
    prompt = build(TextRequest("continue", "Once upon\n"), TOKENIZER, 100)
    assert text_of(prompt.ids) == "Once upon\n"
    assert not prompt.space


def test_the_cut_stays_in_place_while_a_long_text_grows() -> None:
    budget = 4 * STRIDE
    text = "".join(f"{n:06d} " for n in range(1000))
    beginnings = set()
    for length in range(5 * STRIDE + 1, 6 * STRIDE, 16):
        ids = build(TextRequest("continue", text[:length].rstrip() + "."), TOKENIZER, budget).ids
        assert 3 * STRIDE - 16 <= len(ids) <= budget
        beginnings.add(text_of(ids[:6]))
    assert len(beginnings) == 1


def test_an_instruction_stands_behind_the_text() -> None:
    request = TextRequest("instruct", "A story.", instruction="Make it rain.")
    assert text_of(build(request, TOKENIZER, 200).ids) == "<user>A story.\n\nMake it rain.<ai>"


def test_an_instruction_about_a_passage_shows_that_passage() -> None:
    request = TextRequest("instruct", "A story.", selection="story", instruction="Rhyme.")
    assert text_of(build(request, TOKENIZER, 200).ids) == "<user>story\n\nRhyme.<ai>"


def test_an_instruction_without_text_stands_alone() -> None:
    request = TextRequest("instruct", "", instruction="Write a haiku.")
    assert text_of(build(request, TOKENIZER, 200).ids) == "<user>Write a haiku.<ai>"


def test_a_continuation_with_an_instruction_is_an_instruction() -> None:
    request = TextRequest("continue", "A story.", instruction="Go on.")
    assert text_of(build(request, TOKENIZER, 200).ids).startswith("<user>")


def test_what_was_written_comes_last_and_whole() -> None:
    request = TextRequest("instruct", "x" * 500, instruction="Go on.")
    ids = build(request, TOKENIZER, 100, list(b"already")).ids
    assert len(ids) <= 100
    assert text_of(ids).endswith("Go on.<ai>already")


@pytest.mark.parametrize(
    "request_",
    [
        TextRequest("continue", ""),
        TextRequest("instruct", "text", instruction=" "),
        TextRequest("instruct", "text", instruction="long " * 50),
        TextRequest("instruct", "text", selection="passage " * 50, instruction="Rhyme."),
    ],
    ids=["nothing to continue", "no instruction", "long instruction", "long passage"],
)
def test_what_cannot_be_served_is_refused(request_: TextRequest) -> None:
    with pytest.raises(InvalidRequest):
        build(request_, TOKENIZER, 100)
