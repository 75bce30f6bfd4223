from __future__ import annotations

import pytest

from antiphon_engines.api import InvalidRequest, TextRequest
from antiphon_engines.text.prompts import PRIMED, STRIDE, build
from antiphon_engines.text.tokenizer import ChatMarkup
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


class SmallModel(ToyTokenizer):
    chat = ChatMarkup(opening="<user>", closing="<ai>", primed=True)


def test_a_small_models_answer_is_begun_with_the_text() -> None:
    request = TextRequest("instruct", "A story. ", instruction="It rains.")
    prompt = build(request, SmallModel(), 200)
    assert text_of(prompt.ids) == "<user>Write a story. What happens: It rains.<ai>A story."
    assert prompt.space


def test_a_small_model_goes_on_from_what_was_written() -> None:
    request = TextRequest("instruct", "x" * 900, instruction="It rains.")
    prompt = build(request, SmallModel(), 2000, list(b" and then"))
    assert text_of(prompt.ids).endswith("xxx and then")
    assert text_of(prompt.ids).count("x") <= PRIMED
    assert not prompt.space


@pytest.mark.parametrize(
    "request_",
    [
        TextRequest("instruct", "", instruction="A haiku."),
        TextRequest("instruct", "A story.", selection="story", instruction="Rhyme."),
    ],
    ids=["no text", "a passage"],
)
def test_without_a_text_to_go_on_a_small_model_is_asked_like_any_other(request_: TextRequest) -> None:
    assert build(request_, SmallModel(), 200) == build(request_, TOKENIZER, 200)


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
