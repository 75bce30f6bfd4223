from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.text.detokenize import Detokenizer
from support.toy_model import ToyTokenizer

SAMPLES = [
    "plain",
    "Ёжик в тумане",
    "漢字かな交じり",
    "🦔 and 👩‍👩‍👧",
    "a\u0301e\u0308",
    "\U0001f1fa\U0001f1e6!",
]


def stream(ids: Sequence[int], before: Sequence[int] = ()) -> list[str]:
    detokenizer = Detokenizer(ToyTokenizer(), before)
    return [detokenizer.push(token) for token in ids]


@pytest.mark.parametrize("text", SAMPLES)
def test_every_piece_is_whole_and_nothing_is_lost(text: str) -> None:
    pieces = stream(text.encode())
    assert "".join(pieces) == text
    assert all("\ufffd" not in piece for piece in pieces)
    assert sum(bool(piece) for piece in pieces) == len(text)


def test_text_before_is_never_repeated() -> None:
    assert "".join(stream("ёж".encode(), "до🦔".encode())) == "ёж"


def test_what_is_not_utf8_is_left_out_and_does_not_swallow_what_follows() -> None:
    assert "".join(stream([0xFF] * 20 + list(b"ok"))) == "ok"


def test_a_cut_character_is_left_out_when_the_next_begins() -> None:
    assert "".join(stream([*"é".encode()[:1], *b"x"])) == "x"


class Words:
    """A SentencePiece-like tokeniser: every token is a word, and the first one loses its space."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(f" {self._words[token]}" for token in ids)[1:]


def test_a_space_that_belongs_to_the_first_token_is_kept() -> None:
    detokenizer = Detokenizer(Words(["one", "two", "three"]), [0])
    assert [detokenizer.push(1), detokenizer.push(2)] == [" two", " three"]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.text(max_size=30), st.text(max_size=10))
def test_any_text_survives(text: str, before: str) -> None:
    assert "".join(stream(text.encode(), before.encode())) == text.replace("\ufffd", "")
