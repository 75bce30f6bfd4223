"""Hostile and broken files: a clear answer, and nothing of them comes through."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_proto.errors import PeerError, TooLarge
from antiphon_server.formats import docx, epub, fountain, html, markdown, pdf
from antiphon_server.formats.convert import convert
from antiphon_server.formats.desk import Converter
from antiphon_server.formats.jobs import Bounds, Found, Read, Refused, Write, Written
from antiphon_server.formats.manuscript import Block, Manuscript, Words, from_text

STORY = Manuscript(
    (
        Block((Words("Начало"),), "heading", 1),
        Block((Words("Привет, "), Words("мир", bold=True), Words(" 雪 #pagebreak() \\ $x$ @a"))),
        Block((Words("one"),), "ordered"),
        Block((Words("two"),), "ordered"),
        Block((Words("said"),), "quote"),
    ),
    "Title #show",
)
SCRIPT = """Title: The Ferry
Author: Ada

INT. HARBOUR - NIGHT

Rain. A *long* pause.

МАРИЯ (V.O.)
(tired)
Nobody comes.

> FADE OUT.

CUT TO:
"""


def text(data: bytes) -> str:
    answer = convert(Read("html", data))
    assert isinstance(answer, Found)
    return "".join(op["insert"] for op in answer.ops)


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script><p>kept</p>",
        "<p onclick='alert(1)'>kept<img src=x onerror=alert(1)></p>",
        "<style>p{color:red}</style><p>kept</p>",
        "<iframe src='javascript:alert(1)'>no</iframe><p>kept</p>",
        "<svg><script>alert(1)</script></svg><p>kept</p>",
        "<p>kept<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript></p>",
        "<math><mi//xlink:href='data:x,<script>alert(4)</script>'></math><p>kept",
    ],
)
def test_only_words_come_out_of_html(hostile: str) -> None:
    found = text(hostile.encode())
    assert "kept" in found
    assert not re.search(r"alert|color:red|javascript", found)


@given(st.binary(max_size=400), st.sampled_from(["md", "html", "docx", "epub", "txt", "fountain"]))
@settings(deadline=None, derandomize=True, max_examples=150)
def test_any_bytes_are_read_or_refused(data: bytes, format: str) -> None:
    answer = convert(Read(format, data))
    assert isinstance(answer, Found | Refused)
    if isinstance(answer, Found):
        assert all(isinstance(op["insert"], str) for op in answer.ops)


def bomb(name: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, bytes(64 * 1024 * 1024))
    return stream.getvalue()


@pytest.mark.parametrize("read", [docx.read, epub.read])
def test_a_zip_bomb_is_refused_by_its_directory(read: object) -> None:
    with pytest.raises(TooLarge):
        read(bomb("word/document.xml"))  # type: ignore[operator]


def test_an_entity_bomb_in_a_book_is_refused() -> None:
    laughs = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]><container>&c;</container>'
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("META-INF/container.xml", laughs)
    with pytest.raises(PeerError, match="damaged"):
        epub.read(stream.getvalue())


def test_words_are_never_commands_of_the_typesetter() -> None:
    for form in ("prose", "screenplay"):
        assert pdf.write(STORY, form)[0].startswith(b"%PDF-")
    hostile = Manuscript(from_text('#read("/etc/passwd")\n#panic("x")\n]}#{'), '"); #panic("y")')
    assert pdf.write(hostile)[0].startswith(b"%PDF-")


def test_a_script_is_read_as_the_specification_says() -> None:
    found = fountain.read(SCRIPT)
    assert found.title == "The Ferry"
    assert fountain.read(fountain.write(found)) == found
    kinds = dict(zip(SCRIPT.splitlines(), fountain.elements(SCRIPT.splitlines()), strict=True))
    assert kinds["INT. HARBOUR - NIGHT"] == "scene"
    assert kinds["Rain. A *long* pause."] == "action"
    assert kinds["МАРИЯ (V.O.)"] == "character"
    assert kinds["(tired)"] == "parenthetical"
    assert kinds["Nobody comes."] == "dialogue"
    assert kinds["> FADE OUT."] == kinds["CUT TO:"] == "transition"


def test_markdown_in_the_wild() -> None:
    found = markdown.read(
        "# T\n\nA *b* **c**\nd  \ne\n\n> q\n\n- x\n- y\n\n1. z\n\n```\ncode\n```\n<b>raw</b>\n"
    )
    assert [(b.kind, b.text) for b in found.blocks] == [
        ("heading", "T"),
        ("paragraph", "A b c d"),
        ("paragraph", "e"),
        ("quote", "q"),
        ("bullet", "x"),
        ("bullet", "y"),
        ("ordered", "z"),
        ("paragraph", "code"),
        ("paragraph", "<b>raw</b>"),
    ]


def test_pasted_pages_keep_their_lines() -> None:
    found = html.read("<title>A &amp; B</title><div>one<br>two</div><ul><li><b>x</b></ul><pre>a\n  b</pre>")
    assert found.title == "A & B"
    assert [(b.kind, b.text) for b in found.blocks] == [
        ("paragraph", "one"),
        ("paragraph", "two"),
        ("bullet", "x"),
        ("paragraph", "a"),
        ("paragraph", "  b"),
    ]


async def test_a_conversion_has_a_process_of_its_own_with_bounds() -> None:
    converter = Converter()
    written = await converter.run(Write("pdf", STORY))
    assert isinstance(written, Written)
    assert written.data.startswith(b"%PDF-")
    with pytest.raises(TooLarge):
        await converter.run(Read("txt", b"a" * 100, Bounds(text=10)))
    with pytest.raises(PeerError):
        await converter.run(Read("docx", b"PK\x03\x04 no zip"))
    with pytest.raises(TooLarge, match="memory"):
        await converter.run(Read("txt", b"\n" * 4_000_000, Bounds(memory=256 * 1024 * 1024)))
    with pytest.raises(PeerError, match="bounds of this server"):
        await converter.run(Read("md", b"*a " * 1_000_000, Bounds(seconds=1)))
