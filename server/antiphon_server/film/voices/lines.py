"""What is said in a film, line by line: the speeches of its shots, and those of the script that no shot shows yet."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from antiphon_proto.document.film import MAX_LINES, MAX_WORDS, Sheet

_CYRILLIC: Final = re.compile(r"[Ѐ-ӿ]")
_LATIN: Final = re.compile(r"[A-Za-z]")


class Line(Struct, frozen=True, array_like=True):
    """Who says what."""

    who: str
    text: str


def said(sheet: Sheet) -> list[Line]:
    """Each once, in the order of the film, then of the script. None where nothing is in the film."""
    if not sheet.shots:
        return []
    spoken = [Line(shot.who, shot.text) for shot in sheet.shots if shot.fields.get("kind") == "speech"]
    spoken += [
        Line(beat.who, beat.text) for scene in sheet.scenes for beat in scene.beats if beat.kind == "speech"
    ]
    # A cue whose dialogue was deleted reads as its own name.
    fitting = (
        line
        for line in spoken
        if line.who and line.text.strip() not in ("", line.who) and len(line.text) <= MAX_WORDS
    )
    return list(dict.fromkeys(fitting))[:MAX_LINES]


def language_of(text: str) -> str:
    """`ru` or `en`, by the letters; empty for a text of neither."""
    russian, english = len(_CYRILLIC.findall(text)), len(_LATIN.findall(text))
    return "" if russian == english == 0 else "ru" if russian > english else "en"
