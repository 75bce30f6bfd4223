"""A text survives the way into each format and back."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_server.formats import docx, epub, fountain, html, markdown
from antiphon_server.formats.convert import convert
from antiphon_server.formats.jobs import Found, Read, Write, Written
from antiphon_server.formats.manuscript import (
    Block,
    Kind,
    Manuscript,
    Words,
    from_pieces,
    join,
    to_ops,
    trimmed,
)

LETTERS = st.sampled_from("abcXYZ яЖё 雪月 ö ñ é *_#>`[]()&<\\.!-+=~|1) 👩‍👩‍👧 🎻")
LINES = st.text(LETTERS, min_size=1, max_size=24).map(lambda text: " ".join(text.split())).filter(bool)


@st.composite
def lines(draw: st.DrawFn) -> tuple[Words, ...]:
    """Styled words with a plain blank between them, as people style words."""
    parts: list[Words] = []
    for index, text in enumerate(draw(st.lists(LINES, min_size=1, max_size=3))):
        if index:
            parts.append(Words(" "))
        parts.append(Words(text, draw(st.booleans()), draw(st.booleans())))
    return join(parts)


@st.composite
def blocks(
    draw: st.DrawFn, kinds: tuple[Kind, ...] = ("paragraph", "heading", "quote", "bullet", "ordered")
) -> Block:
    kind = draw(st.sampled_from(kinds))
    return Block(draw(lines()), kind, draw(st.integers(1, 6)) if kind == "heading" else 0)


def scripts(**options: Any) -> st.SearchStrategy[Manuscript]:
    return st.lists(blocks(**options), max_size=6).map(lambda found: Manuscript(tuple(found)))


def pieces(manuscript: Manuscript) -> list[tuple[str, dict[str, Any] | None]]:
    return [(op["insert"], op.get("attributes")) for op in to_ops(manuscript)]


@given(scripts())
@settings(deadline=None, derandomize=True, max_examples=100)
def test_a_delta_and_back(manuscript: Manuscript) -> None:
    assert from_pieces(pieces(manuscript)) == manuscript


@given(scripts())
@settings(deadline=None, derandomize=True, max_examples=100)
def test_html_and_back(manuscript: Manuscript) -> None:
    assert html.read(html.write(manuscript)).blocks == manuscript.blocks


@given(scripts())
@settings(deadline=None, derandomize=True, max_examples=25)
def test_docx_and_back(manuscript: Manuscript) -> None:
    assert docx.read(docx.write(manuscript)).blocks == manuscript.blocks


@given(scripts())
@settings(deadline=None, derandomize=True, max_examples=25)
def test_epub_and_back(manuscript: Manuscript) -> None:
    assert epub.read(epub.write(manuscript)).blocks == manuscript.blocks


@given(scripts())
@settings(deadline=None, derandomize=True, max_examples=200)
def test_markdown_keeps_every_word_and_every_line(manuscript: Manuscript) -> None:
    """Marks of emphasis that touch other marks are CommonMark's to read; the words and what each line is are ours."""
    found = markdown.read(markdown.write(manuscript))
    assert [(b.kind, b.level) for b in found.blocks] == [(b.kind, b.level) for b in manuscript.blocks]
    assert [b.text.replace("*", "") for b in found.blocks] == [
        b.text.replace("*", "") for b in manuscript.blocks
    ]


@given(scripts())
@settings(deadline=None, derandomize=True, max_examples=100)
def test_plain_text_keeps_every_word_and_every_line(manuscript: Manuscript) -> None:
    written = convert(Write("txt", manuscript))
    assert isinstance(written, Written)
    found = convert(Read("txt", written.data))
    assert isinstance(found, Found)
    assert "".join(op["insert"] for op in found.ops).split("\n")[:-1] == manuscript.text.split("\n")


TYPED = scripts(kinds=("paragraph", "heading")).filter(
    lambda script: not any(b.kind == "paragraph" and b.text.startswith("#") for b in script.blocks)
)
"""A line that is typed with a # at its start is a section in Fountain: that is what its writer says."""


@given(TYPED)
@settings(deadline=None, derandomize=True, max_examples=200)
def test_fountain_keeps_every_word_and_every_line(manuscript: Manuscript) -> None:
    found = fountain.read(fountain.write(manuscript))
    assert [(b.kind, b.level, b.text.replace("*", "")) for b in found.blocks] == [
        (b.kind, b.level, b.text.replace("*", "")) for b in manuscript.blocks
    ]


def test_styles_survive_markdown_and_fountain() -> None:
    words = (
        Words("a "),
        Words("b", bold=True),
        Words(" "),
        Words("c d", italic=True),
        Words(" e*f_g "),
        Words("h", True, True),
    )
    manuscript = Manuscript((Block(words),))
    assert markdown.read(markdown.write(manuscript)) == manuscript
    assert fountain.read(fountain.write(manuscript)) == manuscript


def test_open_suggestions_and_embeds_are_left_out() -> None:
    found = from_pieces(
        [
            ("The sea ", None),
            ("was loud", {"suggest": "r1"}),
            ("is calm", {"suggest_del": "r1"}),
            ({"image": "x"}, None),
            ("\n", {"header": 2}),
            ("end", {"bold": True, "ai": "r2"}),
        ]
    )
    assert found.blocks == (
        Block((Words("The sea is calm"),), "heading", 2),
        Block((Words("end", bold=True),)),
    )


def test_control_characters_reach_no_file() -> None:
    manuscript = Manuscript((Block(join([Words("a\x00b\x0bc\uffff")])),))
    assert manuscript.text == "abc"
    assert docx.read(docx.write(manuscript)) == manuscript


def test_empty_lines_at_the_ends_are_nobodys() -> None:
    assert trimmed([Block(), Block((Words("a"),)), Block()]) == (Block((Words("a"),)),)
    assert to_ops(Manuscript()) == []


@pytest.mark.parametrize("level", [0, 7, -1, True, "2", None, 2.5])
def test_odd_header_levels_are_no_headings_or_whole_ones(level: Any) -> None:
    (block,) = from_pieces([("a", None), ("\n", {"header": level})]).blocks
    assert (block.kind, block.level) in {("paragraph", 0), ("heading", 1), ("heading", 2)}


@given(st.text(max_size=80))
def test_a_title_is_one_line_that_every_file_takes(title: str) -> None:
    found = from_pieces([("x\n", None)], title).title
    assert not re.search("[\x00-\x1f\x7f\ufffe\uffff\n]", found)
    ElementTree.fromstring(f"<t>{escape(found)}</t>")  # what docx and EPUB are made of
