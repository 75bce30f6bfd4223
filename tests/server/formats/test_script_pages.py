"""The printed page of a script, by the industry's measures."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_server.formats import fountain
from antiphon_server.formats.script import script
from antiphon_server.formats.script_pages import LINES, Line, pages


def set_pages(text: str) -> list[list[Line]]:
    return pages(script(fountain.read(text)))


def shown(line: Line) -> str:
    """The line as a typewriter has it."""
    text = ""
    for run in line.runs:
        text = text.ljust(run.column) + run.words.text
    return text


def printed(text: str) -> list[list[str]]:
    return [[shown(line) for line in page] for page in set_pages(text)]


def test_each_kind_of_line_has_its_column() -> None:
    (page,) = printed(
        "INT. PIER - NIGHT\n\nRain.\n\nMira (V.O.)\n\nMIRA\n(low)\nHello.\n\nCUT TO:\n\n> END <\n"
    )
    assert page == [
        " " * 15 + "INT. PIER - NIGHT", "", " " * 15 + "Rain.", "", " " * 15 + "Mira (V.O.)", "",
        " " * 37 + "MIRA", " " * 30 + "(low)", " " * 25 + "Hello.", "", " " * 68 + "CUT TO:", "", " " * 43 + "END",
    ]  # fmt: skip


def test_what_is_not_printed_is_not_printed() -> None:
    text = "Title: T\n\n# Act\n\n= what happens\n\nINT. A #12A#\n\nRain. [[note]]Wind.\n\n/* cut\nout */\n\n"
    text += "BOY ^\nMe!\n"
    (page,) = set_pages(text)
    words = "\n".join(map(shown, page))
    for hidden in ("Title", "Act", "happens", "#", "note", "cut", "out", "^"):
        assert hidden not in words
    assert page[0].number == "12A"
    assert "Rain. Wind." in words


def test_two_who_speak_at_once_stand_side_by_side() -> None:
    (page,) = printed("MIRA\nGo now!\n\nKEEPER ^\nStay here,\nplease!\n")
    assert [line.split() for line in page] == [
        ["MIRA", "KEEPER"],
        ["Go", "now!", "Stay", "here,"],
        ["please!"],
    ]


def test_a_speech_goes_on_on_the_next_page() -> None:
    lines = "\n".join(f"Line {number} of a speech." for number in range(1, 40))
    first, second = printed(f"{'One line.' + chr(10)}\n" * 15 + f"MIRA (O.S.)\n{lines}\n")
    assert len(first) <= LINES
    assert first[-1].strip() == "(MORE)"
    assert second[0].strip() == "MIRA (CONT'D)"
    said = [line.strip() for line in first + second if "of a speech" in line]
    assert said == [f"Line {number} of a speech." for number in range(1, 40)]
    russian = printed("Строка.\n\n" * 20 + "МИРА\n" + "Она говорит.\n" * 40)
    assert russian[0][-1].strip() == "(ДАЛЬШЕ)"
    assert russian[1][0].strip() == "МИРА (ПРОД.)"


def test_a_heading_stays_with_its_scene_and_a_name_with_its_speech() -> None:
    for filler in range(20, 29):
        for page in printed("One line.\n\n" * filler + "INT. PIER - NIGHT\n\nRain.\n\nMIRA\nOne.\nTwo.\n"):
            assert not page[-1].strip().startswith("INT.")
            assert page[-1].strip() != "MIRA"
            assert page[0].strip()


WORDS = st.sampled_from(
    ["rain", "MIRA", "a" * 70, "雪" * 40, "INT. PIER", "(low)", "CUT TO:", "> x <", "===", "Ой", "~la", "*b*"]
)
LINES_OF_TEXT = st.lists(WORDS, min_size=0, max_size=12).map(" ".join)


@given(st.lists(LINES_OF_TEXT, max_size=60).map("\n".join))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_every_letter_is_on_a_page_and_every_page_is_full_at_most(text: str) -> None:
    made = script(fountain.read(text))
    done = pages(made)
    assert all(len(page) <= LINES for page in done)
    expected = "".join(part.text for part in made.parts if part.kind != "page_break")
    got = "".join(run.words.text for page in done for line in page for run in line.runs)
    for added in ("(MORE)", "(CONT'D)", "(ДАЛЬШЕ)", "(ПРОД.)"):
        got = got.replace(added, "")

    def letters(words: str) -> list[str]:
        return sorted(set(words.upper()) - {" "})

    assert letters(got) == letters(expected)
    assert len("".join(got.split())) >= len("".join(expected.split()))
