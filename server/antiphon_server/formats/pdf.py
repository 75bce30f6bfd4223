"""PDF, set by Typst (https://typst.app). The words go in as data and never as markup, so none of them is a command."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any, Final, Literal

import typst

from antiphon_server.formats.manuscript import Manuscript, Notice, Words, numbers
from antiphon_server.formats.script import script
from antiphon_server.formats.script_pages import pages

_TEMPLATES: Final = {form: str(Path(__file__).with_name(f"{form}.typ")) for form in ("prose", "screenplay")}
_LETTERS: Final = str(Path(__file__).with_name("letters.typ"))
_MISSING: Final = re.compile(r'the text `"(.+?)"` could not be displayed', re.DOTALL)
_MOST_MISSING: Final = 24
"""Letters without a drawing that are looked for one by one."""
_ARCHIVE: Final[Literal["a-2b"]] = "a-2b"
"""A standard that refuses letters without a drawing, and names them."""
_KNOWN: Final = re.compile("[\\s\u0020-\u017f\u0370-\u04ff\u2010-\u2027\u2030-\u203a\u20ac\u2116]")
"""Letters that Typst's own fonts have."""


def write(manuscript: Manuscript, form: str = "prose", fonts: str = "") -> tuple[bytes, tuple[Notice, ...]]:
    """The file, and how many letters no font here can draw. `form`: "prose", a book's pages, or "screenplay", the
    industry's page; `fonts`: a folder of fonts, or ""."""
    made = _screenplay(manuscript) if form == "screenplay" else _prose(manuscript)
    inputs = {"manuscript": json.dumps(made)}
    paths: list[str] = [fonts] if fonts else []
    compiled: bytes = typst.compile(
        _TEMPLATES[form], sys_inputs=inputs, font_paths=paths, pdf_tags=form == "prose"
    )
    missing = _missing(f"{manuscript.title}{manuscript.text}", form, paths)
    return compiled, (Notice("glyphs", missing),) if missing else ()


def _prose(manuscript: Manuscript) -> dict[str, Any]:
    return {
        "title": manuscript.title,
        "blocks": [
            {
                "kind": block.kind,
                "level": block.level,
                "indent": block.indent,
                "number": number,
                "rtl": block.right_to_left,
                "words": [_words(each) for each in block.words],
            }
            for block, number in zip(manuscript.blocks, numbers(manuscript.blocks), strict=True)
        ],
    }


def _screenplay(manuscript: Manuscript) -> dict[str, Any]:
    made = script(manuscript)
    return {
        "title": " ".join(made.title.get("title", [])),
        "page": made.title,
        "pages": [
            [
                {
                    "number": line.number,
                    "runs": [{"column": run.column, **_words(run.words)} for run in line.runs],
                }
                for line in page
            ]
            for page in pages(made)
        ],
    }


def _words(words: Words) -> dict[str, Any]:
    return {
        "text": words.text,
        "bold": words.bold,
        "italic": words.italic,
        "underline": words.underline,
        "strike": words.strike,
        "link": words.link,
    }


def _missing(text: str, form: str, paths: list[str]) -> int:
    """How many letters of the text would be empty boxes. Each is set once, as a standard demands that forbids them."""
    counts = Counter(letter for letter in text if not _KNOWN.match(letter) and not _joined(letter))
    letters, lost = sorted(counts), 0
    for _ in range(_MOST_MISSING):
        if not letters:
            break
        inputs = {"letters": json.dumps({"form": form, "letters": letters})}
        try:
            typst.compile(_LETTERS, sys_inputs=inputs, font_paths=paths, pdf_standards=_ARCHIVE)
            break
        except typst.TypstError as error:
            found = _MISSING.search(str(error))
            bad = [letter for letter in letters if found and letter in found[1]]
            if not bad:
                break
            lost += sum(counts[letter] for letter in bad)
            letters = [letter for letter in letters if letter not in bad]
    return lost


def _joined(letter: str) -> bool:
    """Letters that are drawn with others, or not at all."""
    return unicodedata.category(letter) in ("Mn", "Me", "Cf", "Cc", "Zs")
