"""Brings story and canvas back to an earlier moment by one ordinary edit, which its author can undo.

Restored content keeps its makers: the edit carries them as credits, so that neither its author nor a replay of the log
claims it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from pycrdt import Text

from antiphon_proto.comments import ATTR_COMMENT
from antiphon_server.document.authorship import Span
from antiphon_server.document.canvas import Canvas
from antiphon_server.document.state import Credits
from antiphon_server.document.text_diff import Difference
from antiphon_server.document.text_index import size
from antiphon_server.history.past_state import PastState, StoryPiece, Walk

Keeps = Callable[[str, object], bool]
"""Whether a text attribute of then may stand now."""


class Restoration:
    """From `now` to `then`, by the differences of their texts. `keeps` is asked about every attribute that comes
    back."""

    def __init__(
        self, now: Sequence[StoryPiece], then: PastState, keeps: Keeps, differences: Sequence[Difference]
    ) -> None:
        self._now = Walk(now)
        self._then = Walk(then.story)
        self._objects = then.objects
        self._authors = then.object_authors
        self._keeps = keeps
        self._differences = differences
        self._spans: list[Span] = []
        self._changed: list[str] = []

    @property
    def inserted(self) -> int:
        """About how many bytes it brings."""
        texts = (
            size(piece.text[first:last])
            for one in self._differences
            if one.kind == "change"
            for piece, first, last in self._then.between(one.start, one.end)
        )
        return sum(texts) + sum(len(msgspec.json.encode(fields)) for fields in self._objects.values())

    def write(self, text: Text, canvas: Canvas) -> None:
        """Make the edit, inside a transaction."""
        at = 0
        for one in self._differences:
            if one.kind == "equal":
                at = self._compare(text, at, one.old_start, one.start, one.end - one.start)
                continue
            gone = self._now.bytes(one.old_start, one.old_end)
            if gone:
                del text[at : at + gone]
            for piece, first, last in self._then.between(one.start, one.end):
                at = self._insert(text, at, piece, piece.text[first:last])
        self._draw(canvas)

    def credits(self) -> Credits:
        """The makers of the content that `write` inserted."""
        return Credits(
            self._spans, {key: self._authors[key] for key in self._changed if key in self._authors}
        )

    def _insert(self, text: Text, at: int, piece: StoryPiece, part: str) -> int:
        attributes = {name: value for name, value in piece.attributes.items() if self._keeps(name, value)}
        if isinstance(piece.insert, str):
            text.insert(at, part, attributes)
        else:
            text.insert_embed(at, piece.insert, attributes)
        length = size(part)
        self._spans.append(Span(length, piece.owner))
        return at + length

    def _compare(self, text: Text, at: int, old: int, new: int, length: int) -> int:
        """Equal text: its formatting may differ, its author (then it is another text), and embeds look all alike."""
        for was, piece, part in _pairs(self._now, self._then, old, new, length):
            end = at + size(part)
            embed = not isinstance(piece.insert, str)
            if was.owner != piece.owner or (embed and was.insert != piece.insert):
                del text[at:end]
                self._insert(text, at, piece, part)
            elif marks := self._marks(was.attributes, piece.attributes):
                text.format(at, end, marks)
            at = end
        return at

    def _marks(self, now: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
        """The attributes to change; comments stay on their words."""
        wanted = {name: value for name, value in then.items() if self._keeps(name, value)}
        return {
            name: wanted.get(name)
            for name in now.keys() | wanted.keys()
            if now.get(name) != wanted.get(name) and not name.startswith(ATTR_COMMENT)
        }

    def _draw(self, canvas: Canvas) -> None:
        now, then = canvas.objects(), self._objects
        for key in sorted(now.keys() | then.keys()):
            if now.get(key) == then.get(key):
                continue
            if key in then:
                canvas.put(key, then[key])
                self._changed.append(key)
            else:
                canvas.remove(key)


def _pairs(
    now: Walk, then: Walk, old: int, new: int, length: int
) -> Iterator[tuple[StoryPiece, StoryPiece, str]]:
    """Equal text of two stories in stretches that are of one piece in both."""
    mine = list(now.between(old, old + length))[::-1]
    theirs = list(then.between(new, new + length))[::-1]
    while mine and theirs:
        (was, a, b), (piece, c, d) = mine.pop(), theirs.pop()
        count = min(b - a, d - c)
        yield was, piece, piece.text[c : c + count]
        if b - a > count:
            mine.append((was, a + count, b))
        if d - c > count:
            theirs.append((piece, c + count, d))
