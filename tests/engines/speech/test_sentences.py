from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.speech.sentences import LONGEST, sentences

TEXTS = st.text(st.sampled_from("abc .,;:!?—…\n\t'\"»эю👍"), max_size=400)


def test_sentences_are_spoken_one_by_one() -> None:
    assert sentences("You are late. Nobody crosses the water — not now!") == [
        "You are late.",
        "Nobody crosses the water — not now!",
    ]
    assert sentences("«Ты опоздал!» Она молчит…\nИдём.") == ["«Ты опоздал!»", "Она молчит…", "Идём."]


def test_a_long_sentence_is_cut_at_its_clauses() -> None:
    clause = "when the last ferry had left the pier and the rain had come over the water"
    assert sentences(f"{clause}, {clause}, {clause}.") == [f"{clause},", f"{clause},", f"{clause}."]


def test_a_word_without_end_is_cut() -> None:
    pieces = sentences("x" * 1000)
    assert "".join(pieces) == "x" * 1000
    assert all(len(piece) <= LONGEST for piece in pieces)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(TEXTS)
def test_nothing_but_blanks_is_lost(text: str) -> None:
    pieces = sentences(text)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(0 < len(piece) <= LONGEST for piece in pieces)
