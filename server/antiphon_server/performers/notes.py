"""A performer's text, taken apart: its answer, and the notes in it about passages of the story.

A note is a line that repeats words of the story, and lines about it:

    > words of the story
    + other words, suggested for them
    - a remark, or the reason

All other lines are the answer. The lines come from a model, which heeds no form by force: whatever does not parse is
answer, so that nothing that it said is lost. How many notes count, and how long they may be, is bounded here.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

MAX_NOTES: Final = 3
"""Of one run: models go on for ever once they have begun."""
MAX_WORDS: Final = 2000
"""Characters of the repeated, and of the suggested words."""
MAX_REMARK: Final = 500
_MARKS: Final = (">", "+", "-")
_ELLIPSIS: Final = re.compile(r"(?:\.\.\.|…)$")


class Note(Struct):
    """`words` None: nothing is suggested instead of `quote`."""

    quote: str
    words: str | None = None
    remark: str = ""


class NoteParser:
    """Takes text as it streams. `answer` is the part that may be shown so far; `notes` are complete after `finish`."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self._lines: list[str] = []
        self._line = ""
        self._open: Note | None = None

    def push(self, text: str) -> None:
        """More text of the stream."""
        *whole, self._line = (self._line + text).split("\n")
        for line in whole:
            if not self.complete:
                self._take(line)

    def finish(self) -> None:
        """The stream has ended."""
        if not self.complete:
            self._take(self._line)
        self._line = ""
        self._close()

    @property
    def complete(self) -> bool:
        """There are as many notes as count: nothing more is wanted."""
        return len(self.notes) >= MAX_NOTES

    @property
    def answer(self) -> str:
        """The text beside the notes; a last line that may become one is left out while it streams."""
        held = self._line.lstrip()
        shown = [] if not held or held.startswith(_MARKS) else [self._line]
        return re.sub(r"\n{3,}", "\n\n", "\n".join((*self._lines, *shown))).strip()

    def _take(self, line: str) -> None:
        mark, rest = line.lstrip()[:1], line.strip()[1:].strip()
        if mark == ">" and rest:
            self._close()
            if self.complete:
                return
            self._open = Note(_bare(rest)[:MAX_WORDS])
        elif mark == "+" and rest and self._open is not None and self._open.words is None:
            self._open.words = _unquoted(rest)[:MAX_WORDS]
        elif mark == "-" and rest and self._open is not None and not self._open.remark:
            self._open.remark = rest[:MAX_REMARK]
        elif line.strip() or self._open is None:
            self._close()
            self._lines.append(line)

    def _close(self) -> None:
        note, self._open = self._open, None
        if note is None or not note.quote:
            return
        if note.words is None and not note.remark:
            self._lines.append(f"> {note.quote}")  # words and nothing about them
        else:
            self.notes.append(note)


def _bare(words: str) -> str:
    """Without the quotation marks and dots that models put around quotations."""
    return _ELLIPSIS.sub("", _unquoted(words)).strip()


def _unquoted(words: str) -> str:
    first, last = words[:1], words[-1:]
    pairs = {'"': '"', "“": "”", "„": "“", "«": "»", "'": "'", "`": "`"}
    inner = words[1:-1]
    whole = pairs.get(first) == last and len(words) > 2 and first not in inner and last not in inner
    return inner.strip() if whole else words


def place(data: str, quote: str, near: int) -> tuple[int, int] | None:
    """[start, end) in code points of the words of `quote` in the text `data`: the occurrence that is nearest to `near`.
    Blanks and quotation marks may differ; the words stand in one
    line. None: it stands nowhere."""
    words = [re.escape(word) for word in quote.split()]
    if not words:
        return None
    pattern = r"[^\S\n]+".join(words)
    for sign in ("'", '"'):
        pattern = pattern.replace(re.escape(sign), "['’‘]" if sign == "'" else '["“”„«»]')
    found = [match.span() for match in re.finditer(pattern, data)]
    return min(found, key=lambda span: abs(span[0] - near)) if found else None
