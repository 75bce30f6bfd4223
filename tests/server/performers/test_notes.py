"""A performer's lines, taken apart: nothing is lost, whatever a model writes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from antiphon_server.performers.notes import MAX_NOTES, Note, NoteParser, place


def parsed(text: str, *cuts: int) -> NoteParser:
    parser = NoteParser()
    for first, last in zip((0, *cuts), (*cuts, len(text)), strict=True):
        parser.push(text[first:last])
    parser.finish()
    return parser


def test_notes_are_told_from_the_answer() -> None:
    found = parsed(
        "I like it.\n> “She was very very tired.”\n+ She could hardly stand.\n- shorter\n"
        "> The door opened...\n- who opens it?\nThat is all."
    )
    assert found.notes == [
        Note("She was very very tired.", "She could hardly stand.", "shorter"),
        Note("The door opened", None, "who opens it?"),
    ]
    assert found.answer == "I like it.\nThat is all."


def test_what_is_no_note_is_the_answer() -> None:
    text = "Two things:\n- the end comes too soon\n+ more rain\n> words and nothing about them"
    found = parsed(text)
    assert not found.notes
    assert found.answer == text


def test_a_line_that_may_become_a_note_is_not_shown_while_it_streams() -> None:
    parser = NoteParser()
    parser.push("Yes.\n> The ho")
    assert parser.answer == "Yes."


def test_a_flood_of_notes_is_bounded() -> None:
    found = parsed("\n".join(f"> word {number}\n- hm" for number in range(50)))
    assert len(found.notes) == MAX_NOTES


LINES = st.lists(
    st.sampled_from(["> a b", "+ c", "- d", "plain", "", ">", "> ", "+", " > x", "- - e", "> «q»"]),
    max_size=12,
)


@given(LINES, st.data())
def test_it_does_not_matter_how_the_stream_is_cut(lines: list[str], data: st.DataObject) -> None:
    text = "\n".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    whole, cut = parsed(text), parsed(text, *cuts)
    assert (whole.answer, whole.notes) == (cut.answer, cut.notes)


@given(LINES)
def test_every_plain_line_stays(lines: list[str]) -> None:
    assert parsed("\n".join(lines)).answer.count("plain") == lines.count("plain")


def test_words_are_found_nearest_to_where_it_looked() -> None:
    text = "The sea.\nShe said: ‘The  sea’s grey.’ The sea."
    assert place(text, "The sea's grey.", 0) == (20, 36)
    assert place(text, "The sea.", len(text)) == (38, 46)
    assert place(text, "sea. She", 0) is None
    assert place(text, "(.*", 0) is None
    assert place(text, " ", 0) is None
