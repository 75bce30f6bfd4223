"""The part of the story that a model is shown.

The window's beginning moves in coarse steps and stands at a paragraph where it can: as the document grows, the
prompt keeps its beginning for long, and the engine's cached prefix stays valid (FACTS, "Text on a CPU").
"""

from __future__ import annotations

from msgspec import Struct

from antiphon_server.document.text_index import snap

BEFORE = 4096
"""Bytes of text before the place, at most."""
AFTER = 1024
_STEP = BEFORE // 2
_SEARCH = 512
"""How far from the step a paragraph or a word may begin."""


class Window(Struct, frozen=True):
    """Text around a place, whole characters only."""

    before: str
    selection: str
    after: str


def window(data: bytes, start: int, end: int) -> Window:
    """The text around [start, end) of the story's UTF-8 `data`; both ends stand between characters."""
    return Window(
        before=data[_beginning(data, start) : start].decode(errors="ignore"),
        selection=data[start:end].decode(errors="ignore"),
        after=data[end : snap(data, end + AFTER)].decode(errors="ignore"),
    )


def _beginning(data: bytes, place: int) -> int:
    if place <= BEFORE:
        return 0
    step = -(-(place - BEFORE) // _STEP) * _STEP
    for mark in (b"\n", b" "):
        found = data.find(mark, step, min(step + _SEARCH, place))
        if found >= 0:
            return found + 1
    return snap(data, step)
