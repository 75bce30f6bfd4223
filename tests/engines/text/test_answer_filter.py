from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.text.answer_filter import AnswerFilter
from antiphon_proto.messages import TokenInfo


def through(tokens: list[str], **options: object) -> tuple[str, bool]:
    shape = AnswerFilter(tidy=True, **options)
    out = ""
    for text in tokens:
        passed, stopped = shape.push(TokenInfo(0, text, 1, 0.0))
        out += "".join(token.text for token in passed)
        if stopped:
            return out, True
    return out + "".join(token.text for token in shape.flush()), False


def cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Sure, here is the passage in the past tense:\n\nShe sat down.", "She sat down."),
        ("Here's the new text:\nShe sat down.", "She sat down."),
        ("Конечно! Вот новый текст:\n\nОна села.", "Она села."),
        ("\n She sat down.", "She sat down."),
        ("Sure as fate, she sat down.", "Sure as fate, she sat down."),
        ("Here is the house:\nit burns.", "it burns."),
        ("Here they sat.\n\nThen they left.", "Here they sat.\n\nThen they left."),
        ("Okay", "Okay"),
        ("She said:\nNo.", "She said:\nNo."),
    ],
)
def test_a_preface_is_no_part_of_the_text(text: str, kept: str, size: int) -> None:
    assert through(cut(text, size), opens=True) == (kept, False)


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_it_ends_where_the_model_begins_to_talk(size: int) -> None:
    text = "She sat down.\n\nNote: I kept the tense."
    assert through(cut(text, size), opens=True, stops=("\nNote:",)) == ("She sat down.\n", True)


def test_no_run_of_empty_lines() -> None:
    assert through(["One.\n\n", "\n", "\n\nTwo.", "\n"], before="") == ("One.\n\nTwo.\n", False)
    assert through(["\n\n", "Two."], before="One.\n\n") == ("Two.", False)
    assert through(["\n\n\n", "Two."], before="One.") == ("\n\nTwo.", False)


@given(st.lists(st.text(alphabet="Sureh:\n ao", max_size=6), max_size=20), st.booleans())
def test_every_token_keeps_its_place(tokens: list[str], opens: bool) -> None:
    shape = AnswerFilter(opens=opens, tidy=True)
    out = [token for text in tokens for token in shape.push(TokenInfo(0, text, 1, 0.0))[0]] + shape.flush()
    assert len(out) == len(tokens)


@given(st.lists(st.text(max_size=6), max_size=20))
def test_as_it_stands_it_passes_everything(tokens: list[str]) -> None:
    shape = AnswerFilter()
    out = [token for text in tokens for token in shape.push(TokenInfo(0, text, 1, 0.0))[0]] + shape.flush()
    assert [token.text for token in out] == tokens
