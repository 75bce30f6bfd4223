"""Notices of a conversion, as codes with counts: the client shows them in the reader's language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from antiphon_server.formats.manuscript import LISTS, Kind, Manuscript, Notice

CODES: Final = (
    "footnotes",  # foot- and endnotes stand at the end of the text
    "tables",  # a row is a line, its cells stand between tabs
    "pictures",
    "formulas",  # their letters are kept, their form is not
    "text_boxes",  # their words follow the paragraph that they were bound to
    "insertions",  # tracked ones, taken as accepted
    "deletions",  # tracked ones, left out as accepted
    "comments",
    "hidden",  # text that its writer hid
    "headers",  # running headers and footers
    "graphics",  # diagrams and charts: their words follow the paragraph that they stood in
    "objects",  # embedded files, films, charts without words
    "readings",  # ruby readings, in brackets behind their words
    "characters",  # bytes that are no letters in the file's encoding
    "embeds",  # of other programs, in the room's text
    "files",  # missing or damaged parts of a book
    "links",  # the format has none; their words are kept
    "styles",  # likewise bold, italics and the like
    "lines",  # headings, quotations and items of lists that are plain lines in the format
    "unprinted",  # sections, synopses, notes and boneyards of a script, which the format has no place for
    "glyphs",  # letters that no font here can draw
)
_LINES: Final[Mapping[str, tuple[Kind, ...]]] = {
    "txt": ("heading", "quote"),
    "fountain": ("quote", *LISTS),
    "fdx": ("quote", *LISTS),
}
"""Format -> kinds of lines that it does not have. An item's mark or number is written in a text."""
_PLAIN: Final = {"txt": (False, False), "fountain": (True, False), "fdx": (True, False), "md": (True, True)}
"""Formats that lack something: (emphasis, links)."""


class Tally:
    """Counts while a file is read."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, code: str, count: int = 1) -> None:
        assert code in CODES
        self._counts[code] += count

    def notices(self) -> tuple[Notice, ...]:
        """In the order of CODES."""
        return tuple(Notice(code, self._counts[code]) for code in CODES if self._counts[code] > 0)


def merged(*several: Iterable[Notice]) -> tuple[Notice, ...]:
    """One notice for each code."""
    tally = Tally()
    for notices in several:
        for notice in notices:
            tally.add(notice.code, notice.count)
    return tally.notices()


def losses(manuscript: Manuscript, format: str) -> tuple[Notice, ...]:
    """Content of this text that a format cannot hold."""
    emphasis, links = _PLAIN.get(format, (True, True))
    without = _LINES.get(format, ())
    tally = Tally()
    for block in manuscript.blocks:
        if block.kind in without and block.text.strip():
            tally.add("lines")
        for words in block.words:
            if words.link and not links:
                tally.add("links")
            styled = words.bold or words.italic or words.underline or words.strike
            if styled and (not emphasis or (words.strike and format == "fountain")):
                tally.add("styles")
    return tally.notices()
