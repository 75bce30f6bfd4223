from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_client.terminal.splice import difference, index, location, shown

TEXTS = st.text(st.sampled_from("ab\n\r\u2028 я雪🎻\u0301"), max_size=30)


@given(TEXTS, TEXTS)
@settings(deadline=None, derandomize=True, max_examples=300)
def test_the_difference_makes_one_text_of_the_other(old: str, new: str) -> None:
    change = difference(old, new)
    if change is None:
        assert old == new
    else:
        assert old[: change.start] + change.text + old[change.end :] == new
        assert old[change.start : change.end] != change.text


@given(TEXTS, st.integers(0, 30))
@settings(deadline=None, derandomize=True, max_examples=300)
def test_a_place_survives_lines_and_columns(text: str, at: int) -> None:
    at = min(at, len(text))
    line, column = location(text, at)
    assert text.split("\n")[line][:column] == text[:at].split("\n")[-1]
    assert index(text, (line, column)) == at


@given(TEXTS)
@settings(deadline=None, derandomize=True, max_examples=200)
def test_what_is_shown_has_lines_where_the_story_has(text: str) -> None:
    assert len(shown(text)) == len(text)
    assert shown(text).splitlines() == shown(text).removesuffix("\n").split("\n") or not text
