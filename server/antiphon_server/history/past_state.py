"""The state of a room at one point of its history: the story and the canvas with their authors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct, to_builtins

from antiphon_server.document.authorship import Owner, Span
from antiphon_server.document.object_authors import ObjectAuthor
from antiphon_server.document.state import SERVER, SharedState
from antiphon_server.document.text_index import EMBED, Attributes, size
from antiphon_server.room_limits import RoomLimits
from antiphon_server.store.api import Entry, Snapshot


class StoryPiece(Struct, frozen=True):
    """A stretch of the story of one author and one formatting: a text, or an embed."""

    insert: Any
    attributes: dict[str, Any]
    owner: Owner

    @property
    def text(self) -> str:
        return self.insert if isinstance(self.insert, str) else EMBED


class PastState(Struct, frozen=True):
    """After entry `seq`, which `author` (and `run`) made at `at_ms`. `snapshot` brings the whole back."""

    seq: int
    at_ms: int
    author: str
    run: str | None
    story: tuple[StoryPiece, ...]
    objects: dict[str, dict[str, Any]]
    object_authors: dict[str, ObjectAuthor]
    talkers: frozenset[str]
    """Who said something in its chat or comments."""
    snapshot: Snapshot

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.story)

    @property
    def people(self) -> set[str]:
        """Everybody whose work or words it holds."""
        return {owner.author for owner in self._owners} | self.talkers

    @property
    def runs(self) -> set[str]:
        """The runs whose work it holds."""
        return {owner.run for owner in self._owners if owner.run}

    @property
    def _owners(self) -> set[Owner]:
        makers = (owner for one in self.object_authors.values() for owner in (one.creator, one.editor))
        return {piece.owner for piece in self.story} | set(makers)


class Walk:
    """Pieces, by code points of the whole text."""

    def __init__(self, pieces: Sequence[StoryPiece]) -> None:
        self._pieces = [(piece, len(piece.text)) for piece in pieces]
        self._cursor = (0, 0)

    def between(self, start: int, end: int) -> Iterator[tuple[StoryPiece, int, int]]:
        """The parts of pieces that make up [start, end). Asked for in order, it walks the pieces once."""
        number, at = self._cursor if self._cursor[1] <= start else (0, 0)
        while number < len(self._pieces) and at < end:
            piece, length = self._pieces[number]
            if at + length > start:
                yield piece, max(0, start - at), min(length, end - at)
            if at + length > end:
                break
            number, at = number + 1, at + length
        self._cursor = number, at

    def bytes(self, start: int, end: int) -> int:
        return sum(size(piece.text[first:last]) for piece, first, last in self.between(start, end))


def story(shared: SharedState) -> tuple[StoryPiece, ...]:
    """The story as it stands, cut where author or formatting change."""
    return cut_by_author(shared.document.pieces(), shared.authorship.spans())


def cut_by_author(
    pieces: Iterable[tuple[Any, Attributes | None]], authors: Iterable[Span]
) -> tuple[StoryPiece, ...]:
    """`pieces` of a story (`Text.diff`), whose bytes `authors` tells of in order."""
    spans = [(span.length, span.owner) for span in authors][::-1]
    found: list[StoryPiece] = []
    for content, attributes in pieces:
        marks: Attributes = attributes or {}
        data = content.encode() if isinstance(content, str) else None
        left = len(data) if data is not None else 1
        at = 0
        while left:
            length, owner = spans.pop() if spans else (left, SERVER)
            if length > left:
                spans.append((length - left, owner))
                length = left
            part = content if data is None else data[at : at + length].decode(errors="replace")
            last = found[-1] if found and isinstance(found[-1].insert, str) and data is not None else None
            if last is not None and (last.attributes, last.owner) == (marks, owner):
                found[-1] = StoryPiece(last.insert + part, last.attributes, owner)
            else:
                found.append(StoryPiece(part, dict(marks), owner))
            at += length
            left -= length
    return tuple(found)


def replayed(limits: RoomLimits, base: Snapshot | None, entries: Sequence[Entry]) -> PastState:
    """The room after `entries`, which follow `base` without a gap. Raises DocumentBroken.

    Costs about 0.1 ms per entry (small ones); belongs to one thread from beginning to end, as a document does.
    """
    shared = SharedState(limits, base)
    for entry in entries:
        shared.replay(entry)
    last = entries[-1] if entries else None
    seq, at_ms = (last.seq, last.at_ms) if last else (base.seq, base.at_ms) if base else (0, 0)
    return PastState(
        seq=seq,
        at_ms=at_ms,
        author=last.author if last else SERVER.author,
        run=last.run if last else None,
        story=story(shared),
        objects=shared.document.canvas.objects(),
        object_authors=dict(shared.objects.items()),
        talkers=frozenset(shared.document.side.people()),
        snapshot=shared.snapshot(seq, at_ms),
    )


def shown(moment: PastState) -> dict[str, Any]:
    """The answer to `GET .../history/{seq}`."""
    return {
        "seq": moment.seq,
        "at_ms": moment.at_ms,
        "author": moment.author,
        "run": moment.run,
        "story": [
            {
                "insert": piece.insert,
                "attributes": piece.attributes,
                "author": piece.owner.author,
                "run": piece.owner.run,
            }
            for piece in moment.story
        ],
        "characters": len(moment.text),
        "canvas": [
            {**fields, "id": key, **_makers(moment.object_authors.get(key))}
            for key, fields in moment.objects.items()
        ],
    }


def _makers(author: ObjectAuthor | None) -> dict[str, Any]:
    if author is None:
        return {}
    return {"creator": to_builtins(author.creator), "editor": to_builtins(author.editor)}
