"""Brings story and canvas back to an earlier moment by an edit that its author can undo as one.

`restoration` finds its steps, in a helper process: that grows with the room. `Timeline.restore` takes them, part by
part. Restored content keeps its makers: the edit carries them as credits, so that neither its author nor a replay of
the log claims it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import msgspec
from msgspec import Struct
from pycrdt import Text

from antiphon_proto import schema
from antiphon_proto.document.canvas import POINTS
from antiphon_proto.document.comments import ATTR_COMMENT
from antiphon_server.document.authorship import Span
from antiphon_server.document.canvas import Canvas
from antiphon_server.document.object_authors import ObjectAuthor
from antiphon_server.document.state import Credits
from antiphon_server.document.text_diff import Difference
from antiphon_server.document.text_index import size
from antiphon_server.document.undo.parts import batched
from antiphon_server.history.past_state import PastState, StoryPiece, Walk

Keeps = Callable[[str, object], bool]
"""Whether a text attribute of then may stand now."""
_POINTS: Final = 256
"""Numbers of a stroke that count as one more object."""


class TextStep(Struct, frozen=True, array_like=True):
    """At byte `at` of the text as the steps before left it: `gone` bytes go, `piece` comes, or the next `length` bytes
    get `marks` (None takes one away)."""

    at: int
    gone: int = 0
    piece: StoryPiece | None = None
    length: int = 0
    marks: dict[str, Any] = {}


class ObjectStep(Struct, frozen=True, array_like=True):
    """An object of the canvas is as it was, or, without `fields`, goes."""

    key: str
    fields: dict[str, Any] | None
    author: ObjectAuthor | None


class Restoration(Struct, frozen=True):
    """`inserted`: about how many bytes it brings. `written` and `suggested` are runs whose text stands there then, and
    whose suggestions are open."""

    text: list[TextStep]
    objects: list[ObjectStep]
    inserted: int
    written: frozenset[str]
    suggested: frozenset[str]

    def parts(self) -> Iterator[tuple[Callable[[Text, Canvas], None], Credits]]:
        """The edit in parts of bounded cost, each for a transaction of its own, with the makers of its text."""
        for steps in batched(self.text):
            spans = [Span(size(one.piece.text), one.piece.owner) for one in steps if one.piece is not None]
            yield partial(_write, steps), Credits(spans, {})
        for some in batched(self.objects, _units):
            authors = {one.key: one.author for one in some if one.author is not None}
            yield partial(_draw, some), Credits([], authors)


def restoration(
    now: Sequence[StoryPiece],
    objects: Mapping[str, dict[str, Any]],
    then: PastState,
    keeps: Keeps,
    differences: Sequence[Difference],
) -> Restoration:
    """From the story `now` and the canvas `objects` to `then`, by the differences of the texts. `keeps` is asked about
    every attribute that comes back."""
    steps = list(_Steps(now, then, keeps).of(differences))
    drawn = [
        ObjectStep(key, then.objects.get(key), then.object_authors.get(key) if key in then.objects else None)
        for key in sorted(objects.keys() | then.objects.keys())
        if objects.get(key) != then.objects.get(key)
    ]
    inserted = sum(size(one.piece.text) for one in steps if one.piece is not None)
    inserted += sum(len(msgspec.json.encode(one.fields)) for one in drawn if one.fields is not None)
    marks = (schema.ATTR_SUGGEST, schema.ATTR_SUGGEST_DELETE)
    return Restoration(
        steps,
        drawn,
        inserted,
        frozenset(piece.owner.run for piece in then.story if piece.owner.run),
        frozenset(
            run
            for piece in then.story
            for mark in marks
            if isinstance(run := piece.attributes.get(mark), str)
        ),
    )


class _Steps:
    def __init__(self, now: Sequence[StoryPiece], then: PastState, keeps: Keeps) -> None:
        self._now = Walk(now)
        self._then = Walk(then.story)
        self._keeps = keeps
        self._at = 0

    def of(self, differences: Sequence[Difference]) -> Iterator[TextStep]:
        for one in differences:
            if one.kind == "equal":
                yield from self._compare(one.old_start, one.start, one.end - one.start)
                continue
            if gone := self._now.bytes(one.old_start, one.old_end):
                yield TextStep(self._at, gone)
            for piece, first, last in self._then.between(one.start, one.end):
                yield self._insert(piece, piece.text[first:last])

    def _insert(self, piece: StoryPiece, part: str, gone: int = 0) -> TextStep:
        attributes = {name: value for name, value in piece.attributes.items() if self._keeps(name, value)}
        insert = part if isinstance(piece.insert, str) else piece.insert
        step = TextStep(self._at, gone, StoryPiece(insert, attributes, piece.owner))
        self._at += size(part)
        return step

    def _compare(self, old: int, new: int, length: int) -> Iterator[TextStep]:
        """Equal text: its formatting may differ, its author (then it is another text), and embeds look all alike."""
        for was, piece, part in _pairs(self._now, self._then, old, new, length):
            embed = not isinstance(piece.insert, str)
            if was.owner != piece.owner or (embed and was.insert != piece.insert):
                yield self._insert(piece, part, size(part))
                continue
            if marks := self._marks(was.attributes, piece.attributes):
                yield TextStep(self._at, length=size(part), marks=marks)
            self._at += size(part)

    def _marks(self, now: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
        """The attributes to change; comments stay on their words."""
        wanted = {name: value for name, value in then.items() if self._keeps(name, value)}
        return {
            name: wanted.get(name)
            for name in now.keys() | wanted.keys()
            if now.get(name) != wanted.get(name) and not name.startswith(ATTR_COMMENT)
        }


def _write(steps: Sequence[TextStep], text: Text, _: Canvas) -> None:
    for one in steps:
        if one.gone:
            del text[one.at : one.at + one.gone]
        if one.piece is not None and isinstance(one.piece.insert, str):
            text.insert(one.at, one.piece.insert, one.piece.attributes)
        elif one.piece is not None:
            text.insert_embed(one.at, one.piece.insert, one.piece.attributes)
        if one.marks:
            text.format(one.at, one.at + one.length, one.marks)


def _draw(steps: Sequence[ObjectStep], _: Text, canvas: Canvas) -> None:
    for one in steps:
        if one.fields is not None:
            canvas.put(one.key, one.fields)
        else:
            canvas.remove(one.key)


def _units(step: ObjectStep) -> int:
    """A long stroke counts as several objects."""
    return 1 + len((step.fields or {}).get(POINTS) or ()) // _POINTS


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
