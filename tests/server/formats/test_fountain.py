"""Fountain: the kind of each line of a script (`editor/script.ts` reads the same vectors), and the way out and
back without a mark more or less."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_server.formats import fountain
from antiphon_server.formats.emphasis import styled
from antiphon_server.formats.fountain import elements
from antiphon_server.formats.manuscript import Manuscript

_VECTORS = Path(__file__).parents[3] / "proto" / "vectors" / "fountain.json"
_CASES = json.loads(_VECTORS.read_text("utf-8"))
PIECES = [
    "*", "**", "***", "_", "\\", "a", "B c", " ", "  ", "\n", "\n\n", "#", "# X", "/*", "*/", "[[", "]]",
    "INT. X", "KEEPER",
    "(x)", "Title: T", "Author: Q", ">", "<", "~", "===", "@", ".", "!", "^", "\x00", "\u2028", "Ж", "雪",
]  # fmt: skip
SCRIPT = """Title: The Pier
Credit: written by
Author: A. Writer

INT. PIER - NIGHT #12A#

Rain. [[ask Lena]] A _lamp_ swings. 5 * 3 * 2, snake_case_name and \\*stars\\*.

/* This scene
is cut. */

KEEPER
*Who* goes __there__?

BOY ^
***Me!***
"""


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["name"])
def test_every_line_is_what_the_vectors_say(case: dict[str, Any]) -> None:
    assert list(elements(case["lines"])) == case["elements"]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
@settings(deadline=None, derandomize=True, max_examples=400)
def test_what_was_written_reads_as_what_was_read(text: str) -> None:
    once = fountain.read(text)
    assert fountain.read(fountain.write(once)) == once


def test_a_script_comes_out_as_it_went_in() -> None:
    found = fountain.read(SCRIPT)
    assert found.title == "The Pier"
    assert fountain.write(found) == SCRIPT


def test_emphasis_is_shown_and_what_is_none_stays() -> None:
    def marks(line: str) -> list[tuple[str, str]]:
        return [
            (words.text, "".join(m for m, on in zip("biu", words.style[:3], strict=True) if on))
            for words in styled(line)
        ]

    assert marks("a *b* **c** ***d*** _e_") == [
        ("a ", ""), ("b", "i"), (" ", ""), ("c", "b"), (" ", ""), ("d", "bi"), (" ", ""), ("e", "u"),
    ]  # fmt: skip
    assert marks("_**x**_") == [("x", "bu")]
    for plain in (
        "dial *69 and *23",
        "snake_case_name",
        r"\*not\*",
        "* a",
        "5*",
        "____",
        "**",
        "a ** b ** c",
    ):
        assert marks(plain) == [(plain, "")]


def test_a_title_page_is_made_of_the_rooms_title_only_where_there_is_none() -> None:
    untitled = fountain.read("INT. PIER\n")
    assert fountain.write(untitled) == "INT. PIER\n"
    titled = Manuscript(untitled.blocks, "The Pier")
    assert fountain.write(titled) == "Title: The Pier\n\nINT. PIER\n"
    own = fountain.read("Author: Ada\n\nINT. PIER\n")
    assert fountain.write(Manuscript(own.blocks, "T")).startswith("Title: T\nAuthor: Ada\n")
