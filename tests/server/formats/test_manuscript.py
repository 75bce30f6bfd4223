"""A text survives the way into each format and back."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from antiphon_server.formats import docx, epub, fdx, fountain, html, markdown, odt, rtf
from antiphon_server.formats.convert import convert
from antiphon_server.formats.jobs import Found, Read, Writable, Write, Written
from antiphon_server.formats.manuscript import (
    RIGHT_TO_LEFT_MARK,
    Block,
    Manuscript,
    Words,
    first_strong,
    from_pieces,
    join,
    numbered,
    numbers,
    safe_link,
    to_ops,
    trimmed,
)
from support.manuscripts import manuscripts


def pieces(manuscript: Manuscript) -> list[tuple[str, dict[str, Any] | None]]:
    return [(op["insert"], op.get("attributes")) for op in to_ops(manuscript)]


@given(manuscripts())
@settings(deadline=None, derandomize=True, max_examples=100)
def test_a_delta_and_back(manuscript: Manuscript) -> None:
    """A line that runs from right to left against its letters gets a mark that says so."""
    marked = [
        replace(b, words=join([Words(RIGHT_TO_LEFT_MARK), *b.words]), rtl=False) if b.rtl else b
        for b in manuscript.blocks
    ]
    assert from_pieces(pieces(manuscript), manuscript.title) == replace(manuscript, blocks=tuple(marked))
    assert all(b.right_to_left == m.right_to_left for b, m in zip(manuscript.blocks, marked, strict=True))


@pytest.mark.parametrize("format", [html, epub, odt, rtf, docx], ids=lambda module: module.__name__[25:])
@given(manuscripts())
@settings(deadline=None, derandomize=True, max_examples=20)
def test_nothing_is_lost_on_the_way_there_and_back(format: ModuleType, manuscript: Manuscript) -> None:
    found = format.read(format.write(manuscript))
    assert found.blocks == manuscript.blocks
    assert found.notices == ()
    if manuscript.title:
        assert found.title == manuscript.title


@given(manuscripts())
@settings(deadline=None, derandomize=True, max_examples=150)
def test_markdown_keeps_every_word_and_every_line(manuscript: Manuscript) -> None:
    """Marks of emphasis that touch other marks are CommonMark's to read; the words and the kinds of lines are ours."""
    found = markdown.read(markdown.write(manuscript))
    loose = re.compile(r"[*~_]|\xa0")
    expected = [(b.kind, b.level, b.indent, loose.sub("", b.text)) for b in manuscript.blocks]
    assert [(b.kind, b.level, b.indent, loose.sub("", b.text)) for b in found.blocks] == expected
    assert numbers(found.blocks) == numbers(manuscript.blocks)
    assert found.title == manuscript.title


@given(manuscripts())
@settings(deadline=None, derandomize=True, max_examples=50)
def test_plain_text_keeps_every_word_and_every_line(manuscript: Manuscript) -> None:
    written = convert(Write("txt", manuscript))
    assert isinstance(written, Written)
    found = convert(Read("txt", written.data))
    assert isinstance(found, Found)
    lines = "".join(op["insert"] for op in found.ops).split("\n")[: len(manuscript.blocks)]
    for line, block, number in zip(lines, manuscript.blocks, numbers(manuscript.blocks), strict=True):
        mark = f"{number}. " if number else "• " if block.kind == "bullet" else ""
        assert line == (" " * 4 * block.indent + mark if mark else "") + block.text
    said = {n.code: n.count for n in written.notices}
    assert said.get("links", 0) == sum(bool(words.link) for b in manuscript.blocks for words in b.words)
    assert said.get("lines", 0) == sum(
        b.kind in ("heading", "quote") and bool(b.text.strip()) for b in manuscript.blocks
    )


@pytest.mark.parametrize("format", ["fountain", "fdx"])
def test_what_a_script_has_no_place_for_is_said(format: Writable) -> None:
    manuscript = Manuscript(
        (
            Block((Words("Act one"),), "heading", 1),
            Block((Words("INT. HARBOUR - NIGHT"),)),
            Block((Words("= They meet."),)),
            Block((Words("Rain [[loud]] "), Words("here", link="https://example.org/"))),
            Block((Words("one"),), "ordered"),
            Block((Words("said"),), "quote"),
        )
    )
    written = convert(Write(format, manuscript, "screenplay"))
    assert isinstance(written, Written)
    expected = {"links": 1, "lines": 2} | ({"unprinted": 3} if format == "fdx" else {})
    assert {notice.code: notice.count for notice in written.notices} == expected


@given(manuscripts(kinds=("paragraph",)))
@example(Manuscript((Block((Words(r"\\*"),)),)))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_scripts_keep_every_word(manuscript: Manuscript) -> None:
    """Emphasis is Fountain's to read; notes and boneyards, which FDX has no place for, are not printed either."""
    loose = re.compile(r"[*_\\\s]")
    written = fountain.read(fountain.write(replace(manuscript, title="")))
    assert loose.sub("", written.text) == loose.sub("", manuscript.text).lstrip("#") or "#" in manuscript.text
    once = fdx.read(fdx.write(written))
    assert fdx.read(fdx.write(once)) == once


def test_styles_survive_markdown_and_fountain() -> None:
    words = (
        Words("a "),
        Words("b", bold=True),
        Words(" "),
        Words("c d", italic=True),
        Words(" e*f_g "),
        Words("h", True, True),
        Words(" and "),
        Words("under", underline=True),
    )
    manuscript = Manuscript((Block(words),))
    assert markdown.read(markdown.write(manuscript)) == manuscript
    assert fountain.read(fountain.write(manuscript)) == manuscript


def test_open_suggestions_are_left_out_and_embeds_are_counted() -> None:
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
    assert [(notice.code, notice.count) for notice in found.notices] == [("embeds", 1)]


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


@pytest.mark.parametrize("value", [-1, 9, True, "3", None, [], 1e300, float("nan")])
def test_odd_levels_and_numbers_of_lists_are_none(value: Any) -> None:
    (block,) = from_pieces([("a", None), ("\n", {"list": "ordered", "indent": value, "start": value})]).blocks
    assert block.indent in (0, 1)
    assert numbers([block])[0] in (1, 9)


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "https://a b", "//x", "x" * 3000],
)
def test_a_link_leads_nowhere_it_should_not(address: str) -> None:
    assert safe_link(address) == ""
    (block,) = from_pieces([("a", {"link": address})]).blocks
    assert block.words == (Words("a"),)


def test_numbers_go_on_restart_and_are_given_back() -> None:
    def item(indent: int = 0) -> Block:
        return Block((Words("x"),), "ordered", 0, indent)

    blocks = [item(), item(), item(1), item(1), item(), Block(), item(), item()]
    wanted = [3, 4, 1, 2, 5, 0, 1, 9]
    made = numbered(blocks, wanted)
    assert numbers(made) == wanted
    assert [block.start for block in made] == [3, 0, 0, 0, 0, 0, 0, 9]


def test_a_direction_is_that_of_the_first_strong_letter() -> None:
    assert first_strong("12 — שלום abc") == "rtl"
    assert first_strong("«abc» שלום") == "ltr"
    assert first_strong("12 —") == ""


@given(st.text(max_size=80))
def test_a_title_is_one_line_that_every_file_takes(title: str) -> None:
    found = from_pieces([("x\n", None)], title).title
    assert not re.search("[\x00-\x1f\x7f\ufffe\uffff\n]", found)
    ElementTree.fromstring(f"<t>{escape(found)}</t>")  # docx and EPUB are made of XML
