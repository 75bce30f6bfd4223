"""The measures of a style, and the ones left open."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_proto.codec import encode
from antiphon_proto.messages import Learned
from antiphon_server.work.style_metrics import learned

FIRST = (
    "The rain had not stopped for three days. I walked down to the harbour with my collar turned up, and the nets "
    "hung on the wall like old skins. Then I saw Mira. She counted the boats. “You are late,” she said, and I said "
    "nothing. The nets were wet. We waited for Tomas, and Mira counted the boats again."
)
RUSSIAN = (
    "Дождь шёл третий день. Анна спустилась к гавани и долго смотрела на лодки. Она считала лодки, как считала их "
    "вчера. — Ты опоздал, — сказала она. Потом пришёл Томас и молча встал рядом с ней, а Анна опять считала лодки. "
    "Никто из них не знал, сколько лодок вышло в море."
)


def test_a_story_in_the_first_person_and_the_past() -> None:
    card, measures = learned(FIRST)
    assert (card.person, card.tense) == ("first", "past")
    assert measures.names == ("Mira", "Tomas")
    assert card.facts == "Names: Mira, Tomas."
    assert "boats" in measures.typical
    assert measures.sentences == 7
    assert 0.02 < measures.dialogue < 0.1
    assert card.keep.startswith("Sentences of about 9 words.")
    assert card.tone == card.avoid == ""


def test_a_russian_story_in_the_third() -> None:
    card, measures = learned(RUSSIAN)
    assert (card.person, card.tense) == ("third", "past")
    assert set(measures.names) == {"Анна", "Томас"}
    assert "лодки" in measures.typical


def test_the_present_is_told_from_the_past() -> None:
    card, _ = learned(
        "He stands at the window and looks out. The street is empty. He knows that she comes at nine; she takes the "
        "stairs, she says his name, and he feels nothing. There is no more to say, he thinks, and goes to the door."
    )
    assert (card.person, card.tense) == ("third", "present")


def test_what_is_too_short_says_little() -> None:
    card, measures = learned("I was there.")
    assert (card.person, card.tense, card.keep) == ("", "", "")
    assert measures.words == 3


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400))
def test_any_text_can_be_measured(text: str) -> None:
    card, measures = learned(text)
    encode(Learned(1, card, measures))
    assert 0 <= measures.dialogue <= 1.5
