from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_server.evaluation.checks import names
from antiphon_server.evaluation.story_questions import read
from antiphon_server.story.recall import MOST, REACH, consulted, recalled

FILLER = "The wind went over the fields and nobody was there to hear it. "
STORY = f"Otto carved a pike on the gate. It took him nine days. {FILLER * 90}And so the year ended."


def test_what_a_question_is_about_is_found_with_the_sentence_behind_it() -> None:
    view, more = consulted(STORY.encode(), len(STORY.encode()), "How long did the carving of the pike take?")
    assert "carved" not in view.before
    assert more.startswith("Otto carved a pike on the gate. It took him nine days.")


def test_a_short_story_is_shown_whole_and_recalls_nothing() -> None:
    view, more = consulted(b"Otto carved a pike.", 19, "Who carved a pike?")
    assert (view.before, more) == ("Otto carved a pike.", "")


def test_what_stands_behind_the_place_is_found_too() -> None:
    data = f"{FILLER * 3}Вера ждала трамвай у моста.".encode()
    _, more = consulted(data, len(FILLER), "Где Вера ждала?")
    assert more.endswith("Вера ждала трамвай у моста.")


def test_a_question_without_words_of_the_story_recalls_nothing() -> None:
    assert recalled(STORY.encode(), (0, 0), "What is it, and who are they?") == ""
    assert recalled(STORY.encode(), (0, 0), "") == ""


def test_places_stand_in_the_order_of_the_story() -> None:
    data = f"Ada sold the red boat. {FILLER * 9}Ben burned the red boat. {FILLER * 9}".encode()
    first, second = recalled(data, (0, 0), "red boat").splitlines()
    assert "Ada" in first
    assert "Ben" in second


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(max_size=600),
    question=st.text(max_size=60),
    ends=st.tuples(st.integers(0, 600), st.integers(0, 600)),
)
def test_any_text_and_question_give_little_and_only_words_of_the_rest(
    text: str, question: str, ends: tuple[int, int]
) -> None:
    start, end = sorted(min(place, len(text)) for place in ends)
    rest = text[:start] + "\n" + text[end:]
    shown = (len(text[:start].encode()), len(text[:end].encode()))
    more = recalled(text.encode(), shown, question)
    assert len(more) <= MOST
    assert set(more.split()) <= set(rest.split())


def test_only_a_bounded_part_of_a_long_story_is_looked_at() -> None:
    far = b"Otto carved a pike. " + FILLER.encode() * (REACH // len(FILLER) + 2)
    assert recalled(far, (len(far), len(far)), "pike") == ""


def test_the_key_of_the_measure_is_nearly_always_in_what_is_shown() -> None:
    """A sentence with a right word; the rest is up to the model."""
    data = read()
    story = data.story.encode()
    missed = []
    for each in data.questions:
        view, more = consulted(story, len(story), each.question)
        if names(*each.right)(f"{more} {view.before}"):
            missed.append(each.question)
    assert len(missed) <= 2, missed
