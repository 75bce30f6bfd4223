"""A script becomes scenes and beats, in English and Russian, each with its place in the story."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_proto.document.film import Beat
from antiphon_server.film.screenplay import heading_parts, scenes

VECTORS = Path(__file__).parents[3] / "proto" / "vectors" / "fountain.json"
SCRIPT = """Title: The Last Ferry
Author: Ada

INT. HARBOUR OFFICE - NIGHT

Rain. ANNA enters with a *LETTER*. 😀
She looks at the lamp.

ANNA
(quietly)
The last ferry has left, hasn't it?

KEEPER (V.O.)
Nobody crosses after dark!

DISSOLVE TO:

НАТ. ПРИСТАНЬ - НОЧЬ #12A#

Иван бежит к воде. [[Гром за кадром]]

ИВАН
Стой!

ПЁТР ^
Куда ты?

ПРОВОДНИК (ЗК)
Поезд ушёл.

> THE END <
"""


def test_scenes_have_their_headings_and_beats() -> None:
    title, office, pier = scenes(SCRIPT)
    assert [(beat.kind, beat.text) for beat in title.beats] == [("title", "The Last Ferry\nAda")]
    assert (office.heading, office.place, office.time) == (
        "INT. HARBOUR OFFICE - NIGHT",
        "HARBOUR OFFICE",
        "NIGHT",
    )
    assert (office.inside, office.outside, office.number) == (True, False, "")
    assert (pier.place, pier.time, pier.number, pier.inside, pier.outside) == (
        "ПРИСТАНЬ",
        "НОЧЬ",
        "12A",
        False,
        True,
    )
    assert [(beat.kind, beat.who) for beat in office.beats] == [
        ("establish", ""),
        ("action", ""),
        ("speech", "ANNA"),
        ("speech", "KEEPER"),
    ]
    said = office.beats[2]
    assert (said.text, said.aside, said.off) == ("The last ferry has left, hasn't it?", "quietly", False)
    assert office.beats[3].off
    assert [beat.text for beat in pier.beats if beat.kind == "action"] == ["Иван бежит к воде."]
    assert [(beat.who, beat.dual, beat.off) for beat in pier.beats if beat.kind == "speech"] == [
        ("ИВАН", False, False),
        ("ПЁТР", True, False),
        ("ПРОВОДНИК", False, True),
    ]
    assert pier.beats[-1] == Beat("title", pier.beats[-1].start, pier.beats[-1].end, "THE END")


def test_places_are_those_of_the_story() -> None:
    for scene in scenes(SCRIPT)[1:]:
        assert SCRIPT[scene.start :].startswith(scene.heading)
        for beat in scene.beats:
            shown = SCRIPT[beat.start : beat.end]
            assert shown == shown.strip()
            assert beat.who in shown
            assert beat.text.split()[-1].strip("*") in shown


@pytest.mark.parametrize(
    ("heading", "parts"),
    [
        ("INT. OFFICE - DAY", ("OFFICE", "DAY", True, False)),
        ("EXT PIER", ("PIER", "", False, True)),
        ("INT./EXT. CAR - NIGHT", ("CAR", "NIGHT", True, True)),
        ("I/E CAR – DUSK", ("CAR", "DUSK", True, True)),
        ("ИНТ. КОМНАТА АННЫ - УТРО", ("КОМНАТА АННЫ", "УТРО", True, False)),
        ("ИНТ/НАТ. ПОЕЗД", ("ПОЕЗД", "", True, True)),
        (".FORCED HEADING - LATER", ("FORCED HEADING", "LATER", False, False)),
    ],
)
def test_headings_are_read(heading: str, parts: tuple[str, str, bool, bool]) -> None:
    assert heading_parts(heading) == parts


def test_the_kinds_of_lines_are_those_of_the_golden_vectors() -> None:
    for vector in json.loads(VECTORS.read_text()):
        lines = vector.get("lines", [])
        if not lines or not all(isinstance(line, str) for line in lines):
            continue
        kinds = vector.get("kinds", vector.get("elements", []))
        found = scenes("\n".join(lines))
        assert sum(1 for scene in found if scene.heading) <= kinds.count("scene")


def test_a_cue_without_words_is_action_and_a_line_without_blanks_is_one_beat() -> None:
    (scene,) = scenes("INT. A\n\nANNA\n\n" + "x" * 1000 + "\n\nBOB\n(nods)\n")
    assert [(beat.kind, beat.who, len(beat.text)) for beat in scene.beats[1:]] == [
        ("action", "", 4),
        ("action", "", 1000),
        ("speech", "BOB", 0),
    ]


def test_ten_thousand_scenes_are_read() -> None:
    text = "".join(f"INT. ROOM {number} - DAY\n\nAnna walks.\n\n" for number in range(10_000))
    found = scenes(text)
    assert len(found) == 10_000
    assert found[-1].end == len(text)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "INT. A - DAY", "НАТ. Б", "ANNA", "ПЁТР ^", "(тихо)", "words 😀", "", "", "> CUT TO:", "[[note", "]]",
                "/*", "*/", "===", "# s", "~la", "!BANG", "@Ивáн", "> x <", "Title: a", ".", "  ",
            ]
        ),
        max_size=30,
    )
)  # fmt: skip
def test_any_lines_give_beats_in_order_inside_their_scenes(lines: list[str]) -> None:
    text = "\n".join(lines)
    at = 0
    for scene in scenes(text):
        assert scene.start <= scene.end <= len(text)
        for beat in scene.beats:
            assert at <= beat.start <= beat.end <= scene.end
            at = beat.end
