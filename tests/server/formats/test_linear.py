"""Time grows with the input and not with its square: by the ratio of two sizes, whatever the machine."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import pytest

from antiphon_server.formats import fountain, html, markdown, rtf
from antiphon_server.formats.convert import convert
from antiphon_server.formats.jobs import Found, Read
from antiphon_server.formats.manuscript import Block, Manuscript, Words, from_pieces, to_ops
from antiphon_server.formats.script import script
from antiphon_server.formats.script_pages import pages

_GROWTH = 8
"""Times the input of the second measurement; a square would take 64 times as long."""
_MOST = 24
_LEAST = 0.006
"""Seconds of processor time that a measurement should have; less is noise."""
HOSTILE: dict[str, tuple[Callable[[str], object], str]] = {
    "fountain stars": (fountain.read, "*a "),
    "fountain nested stars": (fountain.read, "**a*b_c"),
    "fountain brackets": (fountain.read, "("),
    "fountain notes": (fountain.read, "[[a\n"),
    "fountain boneyards": (fountain.read, "/* "),
    "fountain backslashes": (fountain.read, "\\*"),
    "fountain notes in lines": (fountain.read, "KEEPER\n[[x]]\n"),
    "html titles": (html.read, "<title"),
    "html open titles": (html.read, "<title>x"),
    "html items": (html.read, "<li>x<br>"),
    "html blanks": (html.read, "x   "),
    "html styles": (html.read, "<b><i>x</i>"),
    "rtf groups": (lambda text: rtf.read(f"{{\\rtf1{text}".encode()), "{\\b x\\par "),
    "rtf units": (lambda text: rtf.read(f"{{\\rtf1{text}".encode()), "\\u55357?"),
    "text lines": (
        lambda text: to_ops(Manuscript(tuple(Block((Words(line),)) for line in text.split("\n")))),
        "A line.\n",
    ),
    "one style": (lambda text: from_pieces([(letter, {"bold": True}) for letter in text]), "ab"),
    "script pages": (lambda text: pages(script(fountain.read(f"MIRA\n{text}"))), "words and more "),
    "front matter": (lambda text: markdown.read(f"---\n{text}"), "title\n"),
    "notes of markdown": (markdown.read, "[^a]: x [^a] `"),
    "names of markdown": (markdown.read, "[a]: x\n\n"),
}  # fmt: skip


def seconds(work: Callable[[str], object], text: str) -> float:
    """The best of two. Without the cyclic collector: it walks the whole heap, which other tests have filled."""
    found = []
    gc.disable()
    try:
        for _ in range(2):
            begun = time.process_time()
            work(text)
            found.append(time.process_time() - begun)
    finally:
        gc.enable()
    return min(found)


@pytest.mark.parametrize("name", HOSTILE)
def test_work_grows_with_the_input(name: str) -> None:
    work, piece = HOSTILE[name]
    count = 200
    while seconds(work, piece * count) < _LEAST and count < 200_000:
        count *= 4
    for _ in range(4):  # a busy machine may disturb one measurement, and hardly four of work that is linear
        short, long = seconds(work, piece * count), seconds(work, piece * count * _GROWTH)
        if long < _MOST * max(short, _LEAST):
            return
    pytest.fail(f"{_GROWTH} times the input took {long / short:.0f} times the work")


def test_a_long_book_of_plain_text_is_read() -> None:
    line = "A line of a book, some sixty characters long, as files have it.\n"
    answer = convert(Read("txt", (line * 20_000).encode()))
    assert isinstance(answer, Found)
    assert answer.ops == [{"insert": line * 20_000}]
