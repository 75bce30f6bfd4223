"""A room's document cut into passages that can be found: a few sentences each, so that a hit leads to its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from pycrdt import Array, Doc, Map, Text

from antiphon_proto import schema
from antiphon_proto.document.splices import EMBED
from antiphon_server.document.text_index import plain
from antiphon_server.search.hits import Piece

LONGEST: Final = 500
"""Characters of a passage; a longer paragraph is cut after a sentence, or at a blank."""
_ENOUGH: Final = 280
"""Short paragraphs, as of dialogue, are taken together until they are so long: one by one they say little."""
_SENTENCE: Final = re.compile(r"[.!?…]+[\"”»’)]*\s+|\s+")


def passages(document: Doc[Any]) -> Iterator[Piece]:
    """Everything in the document that people read: story, chat, comments, texts and prompts of the board."""
    yield from _story(plain(document.get(schema.STORY, type=Text).diff()))
    yield from _chat(msgspec.json.decode(str(document.get(schema.CHAT, type=Array))))
    yield from _comments(msgspec.json.decode(str(document.get(schema.COMMENTS, type=Map))))
    yield from _board(document.get(schema.CANVAS, type=Map))


def _story(text: str) -> Iterator[Piece]:
    wide = not text.isascii()
    at = units = 0
    for start, end in _spans(text):
        units += _units(text[at:start]) if wide else start - at
        at = start
        yield Piece("text", text[start:end], start=units)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """[start, end) of the passages of a text, in code points; blank lines between them belong to none."""
    start = end = 0
    open_ = False
    for found in re.finditer(r"[^\n]+", text):
        first, last = found.span()
        line = found.group().replace(EMBED, " ")
        first += len(line) - len(line.lstrip())
        last -= len(line) - len(line.rstrip())
        if first >= last:
            continue
        if open_ and last - start > LONGEST:
            yield start, end
            open_ = False
        if not open_:
            start, open_ = first, True
        end = last
        while end - start > LONGEST:
            cut = _cut(text, start)
            yield start, cut[0]
            start = cut[1]
        if end - start >= _ENOUGH:
            yield start, end
            open_ = False
    if open_:
        yield start, end


def _cut(text: str, start: int) -> tuple[int, int]:
    """Where a passage that begins at `start` ends, and where the next one begins."""
    ends = [
        found
        for found in _SENTENCE.finditer(text, start + LONGEST // 2, start + LONGEST)
        if found.start() > start
    ]
    sentences = [found for found in ends if not found.group().isspace()]
    if not ends:
        return start + LONGEST, start + LONGEST
    best = (sentences or ends)[-1]
    return best.start() + len(best.group().rstrip()), best.end()


def _chat(entries: list[dict[str, Any]]) -> Iterator[Piece]:
    for entry in entries:
        yield from _said("chat", entry["id"], entry["participant"], entry)


def _comments(comments: Mapping[str, dict[str, Any]]) -> Iterator[Piece]:
    for key, comment in comments.items():
        yield from _said("comment", key, comment["author"], comment)
        for reply in comment["replies"]:
            yield from _said("comment", key, reply["author"], reply)


def _said(kind: Any, key: str, author: str, entry: Mapping[str, Any]) -> Iterator[Piece]:
    text = str(entry["text"])
    for start, end in _spans(text):
        yield Piece(kind, text[start:end], key, author=str(author), ms=int(entry["ms"]))


def _board(objects: Map[Any]) -> Iterator[Piece]:
    for key in objects.keys():  # noqa: SIM118 - a Map of pycrdt is no Mapping
        found = objects.get(key)
        if not isinstance(found, Map):
            continue
        for field in ("text", "prompt", "alt"):
            words = found.get(field)
            if isinstance(words, str | Text):
                for start, end in _spans(text := str(words)):
                    yield Piece("board", text[start:end], key)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2
