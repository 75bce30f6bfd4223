"""Runs end with a sentence, and bring no blanks that are too many."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.messages import TokenInfo
from antiphon_proto.params import TextParams
from antiphon_server.runs.sentences import Sentences, longer


def _written(before: str, tokens: list[str], length: int, *, by_itself: bool = False) -> tuple[str, int]:
    """The text of a stream of tokens, and the number of tokens after which it had enough."""
    sentences = Sentences(TextParams(max_tokens=length, whole_sentences=True), before)
    out = ""
    for number, text in enumerate(tokens):
        out += "".join(token.text for token in sentences.push(TokenInfo(number, text, number, -0.5, ())))
        if sentences.complete:
            return out, number + 1
    return out + "".join(token.text for token in sentences.flush(by_itself)), len(tokens)


@pytest.mark.parametrize(
    ("before", "tokens", "length", "wanted"),
    [
        (
            "He sat",
            [" down", ".", " Then", " he", " slept", ".", " And", " more"],
            6,
            " down. Then he slept.",
        ),
        # An abbreviation and an initial end nothing.
        ("", ["I", " met", " Mr", ".", " J", ".", " Fox", ".", " He"], 4, "I met Mr. J. Fox."),
        # Blanks that the text has already, doubled ones, empty lines.
        ("Once ", [" upon", " ", " a", "\n\n", "\n", "time", ".", " x"], 8, "upon a\ntime."),
        ("One.\n", ["\n", "Two", ".", " Three"], 3, "Two."),
        ("One.\n\nTwo.", ["\n\n", "\n", "Three", ".", " Four"], 4, "\n\nThree."),
        ("日", ["本", "。", "犬", "が"], 2, "本。"),
        ("She said", [" “", "no", ".", "”", " Then", " left"], 5, " “no.”"),
        # A sentence that does not end in time is cut between words.
        ("", ["One", " two", " thr", "ee", " fo", "ur"], 4, "One two three"),
    ],
)
def test_a_run_ends_with_a_sentence(before: str, tokens: list[str], length: int, wanted: str) -> None:
    assert _written(before, tokens, length)[0] == wanted


def test_what_the_model_ends_itself_is_whole() -> None:
    assert _written("", ["One", " two", " three", " "], 2, by_itself=True)[0] == "One two three"


def test_the_engine_may_go_on_for_a_while_and_not_without_bound() -> None:
    assert longer(TextParams(max_tokens=40)).max_tokens == 40
    assert longer(TextParams(max_tokens=40, whole_sentences=True)).max_tokens == 60
    assert longer(TextParams(max_tokens=4096, whole_sentences=True)).max_tokens == 4096


_TOKENS = st.lists(st.text(alphabet=" \n.aБ日!\u00a0", min_size=1, max_size=4), min_size=1, max_size=40)


@given(st.text(alphabet=" \na.", max_size=6), _TOKENS, st.integers(1, 30), st.booleans())
def test_nothing_is_added_and_blanks_stay_single(
    before: str, tokens: list[str], length: int, by_itself: bool
) -> None:
    out, used = _written(before, tokens, length, by_itself=by_itself)
    said = "".join("".join(tokens[:used]).split())
    assert said.startswith("".join(out.split()))
    whole = before + out
    assert out == out.rstrip()
    for doubled in ("  ", "\n ", " \n"):
        assert doubled not in out
    if "\n\n" not in before:
        assert "\n\n" not in whole[max(0, len(before) - 1) :]
