"""Comments follow their words through cut and paste: text that a person cuts and pastes elsewhere keeps its marks.

A paste is new text to Yjs, and a page does not (and may not) paste marks of comments. So the server remembers the
commented words that each member deleted last; when the same member inserts them again, the comment is theirs again.
A copy takes no comment along: the words that it is about still stand.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from antiphon_proto.document.comments import ATTR_COMMENT
from antiphon_server.document.text_index import Piece, Splice, plain, size

_CUTS = 8
"""Of one member that are remembered, and members whose are."""
_MEMBERS = 256
_CUT_BYTES = 256 * 1024
_FEWEST = 3
"""Characters by which words are known again when they are not all that was cut."""

Range = tuple[int, int]
"""[start, end), in bytes of the story."""


class _Mark(NamedTuple):
    """A comment on characters [start, end) of the cut text; `whole`: nothing of its passage was left."""

    attribute: str
    start: int
    end: int
    whole: bool


class _Cut(NamedTuple):
    text: str
    marks: tuple[_Mark, ...]


class MovedComments:
    """`marked` gives the ranges of the story that carry an attribute, `stands` whether there is such a comment."""

    def __init__(self, marked: Callable[[str], Sequence[Range]], stands: Callable[[str], bool]) -> None:
        self._marked = marked
        self._stands = stands
        self._cuts: OrderedDict[str, deque[_Cut]] = OrderedDict()

    def follow(self, member: str, splices: Iterable[Splice]) -> list[tuple[str, Range]]:
        """A member changed the story so. Returns (attribute, range) of text that is to be marked."""
        splices = tuple(splices)
        for one in splices:
            if one.removed:
                self._cut(member, tuple((plain([piece]), piece[1]) for piece in one.removed))
        if member not in self._cuts:
            return []
        found: list[tuple[str, Range]] = []
        for at, text in _inserted(splices):
            found += self._paste(member, at, text)
        return found

    def _cut(self, member: str, pieces: tuple[Piece, ...]) -> None:
        marks: dict[str, list[Range]] = {}
        at = 0
        for text, attributes in pieces:
            for name in attributes:
                if name.startswith(ATTR_COMMENT):
                    ranges = marks.setdefault(name, [])
                    if ranges and ranges[-1][1] == at:
                        ranges[-1] = ranges[-1][0], at + len(text)
                    else:
                        ranges.append((at, at + len(text)))
            at += len(text)
        text = "".join(text for text, _ in pieces)
        if not marks or size(text) > _CUT_BYTES:
            return
        cut = _Cut(
            text,
            tuple(
                _Mark(name, start, end, not self._marked(name))
                for name, ranges in marks.items()
                for start, end in ranges
            ),
        )
        self._cuts.setdefault(member, deque(maxlen=_CUTS)).append(cut)
        self._cuts.move_to_end(member)
        if len(self._cuts) > _MEMBERS:
            self._cuts.popitem(last=False)

    def _paste(self, member: str, at: int, text: str) -> list[tuple[str, Range]]:
        cuts = self._cuts[member]
        for cut in reversed(cuts):
            places = _places(cut, text)
            if not places:
                continue
            cuts.remove(cut)
            return [
                (mark.attribute, (at + size(text[:start]), at + size(text[:end])))
                for mark, start, end in places
                # It may have come back in another way: by an undo, say.
                if self._stands(mark.attribute) and not (mark.whole and self._marked(mark.attribute))
            ]
        return []


def _inserted(splices: Sequence[Splice]) -> list[tuple[int, str]]:
    """(place, text) of each insertion, neighbours of other formatting joined, as the text stands afterwards."""
    found: list[tuple[int, str]] = []
    for one in splices:
        if not one.inserted:
            continue
        if found and found[-1][0] + size(found[-1][1]) == one.at:
            found[-1] = found[-1][0], found[-1][1] + one.text
        else:
            found.append((one.at, one.text))
    return found


def _places(cut: _Cut, text: str) -> list[tuple[_Mark, int, int]]:
    """Where the commented words of a cut stand in a text: as a whole, else those that are there once each."""
    whole = cut.text.strip("\n")
    offset = len(cut.text) - len(cut.text.lstrip("\n"))
    if whole and (at := text.find(whole)) >= 0:
        inside = [
            (mark, max(0, mark.start - offset), min(len(whole), mark.end - offset)) for mark in cut.marks
        ]
        return [(mark, at + start, at + end) for mark, start, end in inside if start < end]
    found = []
    for mark in cut.marks:
        words = cut.text[mark.start : mark.end].strip("\n")
        if len(words) >= _FEWEST and text.count(words) == 1:
            at = text.index(words)
            found.append((mark, at, at + len(words)))
    return found
