"""Faults of spelling and grammar, and the room's dictionary."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct
from pycrdt import Map

from antiphon_client.errors import ClientError
from antiphon_client.http import call
from antiphon_client.session.session import Session
from antiphon_proto.document.style import MAX_WORDS, WORD, dictionary, fits
from antiphon_proto.schema import STYLE

_PIECE = 2000
_LONGEST = 4000
"""Characters of a piece that the server takes, at most."""
_AT_ONCE = 32
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)\]]*\s+")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_LETTER = re.compile(r"[^\W\d_]")


class Fault(Struct, frozen=True):
    """Characters [start, end) of the story. `kind` is one word; `message` is a reason in English, or empty."""

    start: int
    end: int
    kind: str
    wrong: str
    replacements: tuple[str, ...]
    message: str


class _Finding(Struct, frozen=True):
    start: int
    end: int
    kind: str
    replacements: tuple[str, ...] = ()
    message: str = ""


class _Answer(Struct, frozen=True):
    findings: list[list[_Finding] | None]


class Spelling:
    """Checks the story, and keeps the words that the room takes for right."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def faults(
        self, start: int = 0, end: int | None = None, language: Literal["en", "ru"] | None = None
    ) -> tuple[Fault, ...]:
        """The faults of the characters [start, end), without the words of the room's dictionary. `language` None: by
        the script of each paragraph. Raises RequestRefused: `rate_limited` where it is more than the server checks of
        one member in a minute."""
        session, text = self._session, self._session.replica.text
        pieces = [
            (at, piece, language or _language(piece))
            for at, piece in _pieces(text[:end], start)
            if piece.strip()
        ]
        known = {word.lower() for word in self.words}
        found: list[Fault] = []
        for first in range(0, len(pieces), _AT_ONCE):
            some = pieces[first : first + _AT_ONCE]
            body = {"passages": [{"text": piece, "language": tongue} for _, piece, tongue in some]}
            answer = await call(
                session.address,
                "POST",
                "/spelling",
                msgspec.json.encode(body),
                session=session.secret or "",
            )
            told = msgspec.json.decode(answer, type=_Answer).findings
            for (at, piece, _), findings in zip(some, told, strict=True):
                found += [_fault(at, piece, one) for one in findings or ()]
        words = ("spelling", "typo")
        return tuple(one for one in found if one.kind not in words or one.wrong.lower() not in known)

    @property
    def words(self) -> frozenset[str]:
        """The room's dictionary."""
        return dictionary(self._root.to_py() or {})

    def add(self, word: str) -> None:
        """Take a word for right, for all in the room. Raises ClientError for what is no word, or a full dictionary."""
        if not fits(WORD + word.lower(), word):
            raise ClientError("a word of the dictionary has 1 to 60 characters and no blanks")
        if len(self.words) >= MAX_WORDS:
            raise ClientError(f"the room's dictionary is full: it holds {MAX_WORDS} words")
        self._root[WORD + word.lower()] = word
        self._session.wake()

    def remove(self, word: str) -> None:
        """Take a word out of the room's dictionary; one that is not in it is no fault."""
        self._root.pop(WORD + word.lower(), None)
        self._session.wake()

    @property
    def _root(self) -> Map[Any]:
        root: Map[Any] = self._session.replica.doc.get(STYLE, type=Map)
        return root


def _pieces(text: str, start: int) -> Iterator[tuple[int, str]]:
    """Paragraphs, long ones cut behind sentences, each with its place."""
    for line in text[start:].split("\n"):
        at = 0
        while len(line) - at > _PIECE:
            stop = _SENTENCE_END.search(line, at + _PIECE, at + _LONGEST)
            blank = line.find(" ", at + _PIECE, at + _LONGEST)
            cut = stop.end() if stop else blank + 1 if blank >= 0 else at + _PIECE
            yield start + at, line[at:cut]
            at = cut
        yield start + at, line[at:]
        start += len(line) + 1


def _language(text: str) -> Literal["en", "ru"]:
    return "ru" if 2 * len(_CYRILLIC.findall(text)) > len(_LETTER.findall(text)) else "en"


def _fault(at: int, piece: str, one: _Finding) -> Fault:
    """Its places are counted in UTF-16 units, ours in characters."""
    units = piece.encode("utf-16-le")
    start = len(units[: 2 * one.start].decode("utf-16-le", "ignore"))
    end = len(units[: 2 * one.end].decode("utf-16-le", "ignore"))
    return Fault(at + start, at + end, one.kind, piece[start:end], one.replacements, one.message)
