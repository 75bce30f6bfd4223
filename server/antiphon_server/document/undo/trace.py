"""The changes of recent actions to the story, stretch by stretch, so that each can be undone and redone exactly.

The text is a row of stretches. Each carries the marks of the actions that wrote or formatted it. Deleted text stays in
the row as a stretch of no length that holds its words, until nothing can restore it: so it comes back in its place,
with its formats and its authors, and belongs to the same actions as before.

An action has a number n > 0. Text that it wrote has the mark n; text that it deleted was taken by n. Undoing the action
is an action of the number -n: it deletes text with the mark n and restores text that n took (except its own), which
gets the mark -n. Redoing it is the same with the signs changed.

Stretches stand in blocks of bounded length, as in `authorship`; lengths and places are bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Generator, Iterable, Iterator, Sequence
from typing import Any

from antiphon_server.document.deletions import OwnedPiece, StoredRemoval
from antiphon_server.document.text_index import size
from antiphon_server.document.undo.stretches import (
    Deletion,
    Insertion,
    Operation,
    Pieces,
    Stretch,
    join_pieces,
    joined,
    parted,
    reformatted,
    units_of,
    weight_of,
)

_NONE: frozenset[int] = frozenset()
_BLOCK = 128
"""Stretches per block; a block is halved at twice this."""
_RANGES = 48
_BLOCKS = 64
"""Ranges, and blocks, of the text that are looked at without a stop."""
_FORGETS = 16
"""The same of blocks whose marks are looked at."""


class _Block:
    __slots__ = ("stretches", "total")

    def __init__(self, stretches: list[Stretch]) -> None:
        self.stretches = stretches
        self.total = sum(one.length for one in stretches)


class Trace:
    """Of a text of `length` bytes that nobody can take back. `removals`: text that runs deleted in an earlier life."""

    def __init__(self, length: int = 0, removals: Iterable[StoredRemoval] = ()) -> None:
        self._blocks = [_Block([Stretch(length)] if length else [])]
        self._near = 0, 0
        """The block of the last place that was looked for, and where it begins: a change mostly goes on from there."""
        self.held = 0
        """Bytes of the deleted text that is held."""
        for removal in removals:
            self._hold(removal)

    @property
    def length(self) -> int:
        return sum(block.total for block in self._blocks)

    def __iter__(self) -> Iterator[Stretch]:
        for block in self._blocks:
            yield from block.stretches

    # Changes of the text --------------------------------------------------------------------------------

    def insert(self, at: int, length: int, mark: int = 0, origin: tuple[int, int] | None = None) -> None:
        """`length` bytes now stand at `at`: right after the text before it, or inside deleted text there that holds
        `origin`, their left neighbour as their writer saw it."""
        if length < 1:
            return
        marks = frozenset((mark,)) if mark else _NONE
        number, i, offset = self._find(at)
        if origin is not None and self._insert_inside(number, i, offset, Stretch(length, marks), origin):
            return
        block = self._blocks[number]
        row = block.stretches
        if i < len(row) and row[i].length and row[i].marks == marks:
            row[i].length += length
        elif i + 1 < len(row) and offset == row[i].length and row[i + 1].length and row[i + 1].marks == marks:
            row[i + 1].length += length
        elif i < len(row) and row[i].length and offset:
            rest = [row[i].cut(offset)] if offset < row[i].length else []
            row[i + 1 : i + 1] = [Stretch(length, marks), *rest]
        else:
            row.insert(i, Stretch(length, marks))
        block.total += length
        self._bound(number)

    def delete(
        self,
        at: int,
        length: int,
        pieces: Sequence[OwnedPiece],
        taker: int = 0,
        run: str | None = None,
        gone: tuple[int, int, int] | None = None,
    ) -> None:
        """The bytes [at, at + length) are gone; `pieces` is their content. Those that nobody can restore are
        forgotten. `gone` are their Yjs ids, where they are one range."""
        held = Pieces(pieces)
        end = at + length
        self._split(at)
        self._split(end)
        kept = bool(taker or run)
        for block, i, _ in self._living(at, end):
            stretch = block.stretches[i]
            block.total -= stretch.length
            part = held.take(stretch.length)
            stretch.length = 0
            if kept:
                self._kill(stretch, part, taker, run)
            if gone is not None:
                units = units_of(part)
                stretch.ids = ((gone[0], gone[1], units),)
                gone = gone[0], gone[1] + units, gone[2] - units
        self._tidy(at)

    def mark(self, start: int, end: int, mark: int) -> None:
        """[start, end) is the work of one more action."""
        self._split(start)
        self._split(end)
        for block, i, _ in self._living(start, end):
            block.stretches[i].marks |= {mark}

    # Back and again --------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """Stretches that it holds."""
        return sum(len(block.stretches) for block in self._blocks)

    def alive(self, mark: int) -> list[tuple[int, int]]:
        """[start, end) of the living text with this mark."""
        found: list[tuple[int, int]] = []
        at = 0
        for stretch in self:
            end = at + stretch.length
            if stretch.length and mark in stretch.marks:
                if found and found[-1][1] == at:
                    at = found.pop()[0]
                found.append((at, end))
            at = end
        return found

    def turn(
        self,
        gone: Sequence[tuple[int, int]],
        back: Callable[[Stretch], tuple[OwnedPiece, ...]],
        sign: int,
        pieces_of: Callable[[int, int], tuple[OwnedPiece, ...]],
        run: str | None = None,
    ) -> Generator[None, None, list[Operation]]:
        """Delete the ranges `gone`, in the name of `sign`, and restore the pieces that `back` returns, with the mark
        `sign`. `pieces_of` returns the content of a range. Stops now and then in long work; the text must not change
        until the end. Returns the operations on the text, in order."""
        for number, (start, end) in enumerate(gone, 1):
            self._split(start)
            self._split(end)
            if not number % _RANGES:
                yield
        ranges = iter(gone)
        current = next(ranges, None)
        operations: list[Operation] = []
        was = at = 0
        for count, block in enumerate(self._blocks, 1):
            if not count % _BLOCKS:
                yield
            for stretch in block.stretches:
                if length := stretch.length:
                    while current is not None and current[1] <= was:
                        current = next(ranges, None)
                    if current is not None and current[0] <= was:
                        block.total -= length
                        stretch.length = 0
                        self._kill(stretch, pieces_of(was, was + length), sign, run)
                        operations.append(Deletion(at, length))
                        if not len(operations) % _RANGES:
                            yield
                    else:
                        at += length
                    was += length
                elif pieces := back(stretch):
                    self._revive(stretch, pieces, sign)
                    block.total += stretch.length
                    operations.append(Insertion(at, pieces))
                    at += stretch.length
        self._near = 0, 0
        yield from self._tidied()
        return joined(operations)

    def reformat(
        self,
        mark: int,
        name: str,
        expected: object,
        target: object,
        pieces_of: Callable[[int, int], Iterable[tuple[Any, Any]]],
    ) -> Iterator[tuple[int, int]]:
        """Where the work of `mark` still has the value `expected` it gets the mark `-mark`, and deleted text the value
        `target`; yields the ranges of living text that are to get it, one after the other: formats may change between
        them, the text not. `pieces_of` returns the content of a range."""
        for block in self._blocks:
            row: list[Stretch] = []
            for stretch in block.stretches:
                row += [stretch] if stretch.length else reformatted(stretch, mark, name, expected, target)
            block.stretches = row
        self._near = 0, 0
        for start, end in self.alive(mark):
            at = start
            for content, attributes in pieces_of(start, end):
                stop = at + (size(content) if isinstance(content, str) else 1)
                if attributes.get(name) == expected:
                    self._remark(at, stop, mark)
                    yield at, stop
                at = stop

    # Restorable text -----------------------------------------------------------------------------------

    def of_runs(self) -> Iterator[tuple[int, Stretch]]:
        """(place, stretch) of text that runs deleted."""
        at = 0
        for stretch in self:
            if stretch.run is not None and not stretch.length:
                yield at, stretch
            at += stretch.length

    def reclaim(self, text: str, run: str) -> None:
        """`text`, which a run had deleted, came back: it must not come back again."""
        for _, stretch in list(self.of_runs()):
            taken = "".join(piece.text for piece in stretch.pieces if piece.owner.run != run)
            if stretch.run == run and taken and text.startswith(taken):
                text = text[len(taken) :]
                stretch.run = None

    def keep_runs(self, runs: Container[str]) -> None:
        """Other runs than these will not be undone."""
        for _, stretch in self.of_runs():
            if stretch.run not in runs:
                stretch.run = None
        self._tidy_all()

    def forget(self, numbers: Container[int], runs: Container[str] = ()) -> Iterator[None]:
        """The actions of these numbers, and these runs, will not be taken back. With stops; the text may change in
        between, and a piece cut meanwhile may keep a mark."""
        for count, block in enumerate(list(self._blocks), 1):
            for stretch in block.stretches:
                if any(abs(mark) in numbers for mark in stretch.marks):
                    stretch.marks = frozenset(m for m in stretch.marks if abs(m) not in numbers)
                if abs(stretch.taker) in numbers:
                    stretch.taker = 0
                if stretch.run is not None and stretch.run in runs:
                    stretch.run = None
            if not count % _FORGETS:
                yield
        yield from self._tidied()

    # Inside ----------------------------------------------------------------------------------------------

    def _remark(self, start: int, end: int, mark: int) -> None:
        """[start, end) has the mark `-mark` instead."""
        self._split(start)
        self._split(end)
        for block, i, _ in self._living(start, end):
            stretch = block.stretches[i]
            stretch.marks = stretch.marks - {mark} | {-mark}

    def _insert_inside(self, number: int, i: int, offset: int, new: Stretch, origin: tuple[int, int]) -> bool:
        """Put a stretch into the deleted text right behind a place, if that holds its origin."""
        block = self._blocks[number]
        row = block.stretches
        if i < len(row) and row[i].length:
            if offset and offset < row[i].length:
                return False
            i += 1 if offset else 0
        while i < len(row) and not row[i].length:
            before = 0
            for client, clock, units in row[i].ids:
                if client == origin[0] and clock <= origin[1] < clock + units:
                    first, rest = parted(row[i], before + origin[1] - clock + 1)
                    row[i : i + 1] = [*first, new, *rest]
                    block.total += new.length
                    self._bound(number)
                    return True
                before += units
            i += 1
        return False

    def _hold(self, removal: StoredRemoval) -> None:
        number, i, offset = self._find(removal.start)
        row = self._blocks[number].stretches
        dead = Stretch(0)
        self._kill(dead, removal.pieces, 0, removal.by.run)
        if i < len(row) and row[i].length and offset:
            rest = [row[i].cut(offset)] if offset < row[i].length else []
            at = i + 1
            while not rest and at < len(row) and not row[at].length:
                at += 1  # those of one place are stored in the order of the text
            row[at:at] = [dead, *rest]
        else:
            while i < len(row) and not row[i].length:
                i += 1
            row.insert(i, dead)
        self._bound(number)

    def _kill(self, stretch: Stretch, pieces: tuple[OwnedPiece, ...], taker: int, run: str | None) -> None:
        stretch.pieces, stretch.taker, stretch.run = pieces, taker, run
        self.held += weight_of(pieces)

    def _revive(self, stretch: Stretch, pieces: tuple[OwnedPiece, ...], sign: int) -> None:
        self.held -= weight_of(stretch.pieces)
        stretch.length = sum(size(piece.text) for piece in pieces)
        stretch.pieces, stretch.taker, stretch.run, stretch.ids = (), 0, None, ()
        stretch.marks |= {sign}

    def _find(self, at: int) -> tuple[int, int, int]:
        """Block and stretch that end at or after byte `at`, the first such, and the offset in it."""
        number, start = self._near
        if at <= start or number >= len(self._blocks):
            number = start = 0
        while at - start > self._blocks[number].total and number + 1 < len(self._blocks):
            start += self._blocks[number].total
            number += 1
        self._near = number, start
        at -= start
        if at == 0:
            return number, 0, 0
        for i, stretch in enumerate(self._blocks[number].stretches):
            if at <= stretch.length:
                return number, i, at
            at -= stretch.length
        return number, len(self._blocks[number].stretches), 0

    def _split(self, at: int) -> None:
        """Let a stretch end at `at`."""
        number, i, offset = self._find(at)
        row = self._blocks[number].stretches
        if i < len(row) and 0 < offset < row[i].length:
            row.insert(i + 1, row[i].cut(offset))
            self._bound(number)

    def _living(self, start: int, end: int) -> list[tuple[_Block, int, int]]:
        """(block, number, start) of the stretches within [start, end), where it was split."""
        found: list[tuple[_Block, int, int]] = []
        first = self._find(start)[0]
        at = self._near[1]
        for block in self._blocks[first:]:
            for i, stretch in enumerate(block.stretches):
                if at >= end:
                    return found
                if stretch.length and at >= start:
                    found.append((block, i, at))
                at += stretch.length
        return found

    def _bound(self, number: int) -> None:
        row = self._blocks[number].stretches
        if len(row) > 2 * _BLOCK:
            parts = [row[i : i + _BLOCK] for i in range(0, len(row), _BLOCK)]
            self._blocks[number : number + 1] = [_Block(part) for part in parts]
            self._renumbered(number)

    def _tidy(self, at: int) -> None:
        """Join equal neighbours around a place."""
        number = self._find(at)[0]
        for near in range(min(number + 1, len(self._blocks) - 1), max(number - 1, 0) - 1, -1):
            self._tidy_block(near)

    def _tidy_all(self) -> None:
        for _ in self._tidied():
            pass

    def _tidied(self) -> Iterator[None]:
        """Tidy all blocks, with stops."""
        for number in range(len(self._blocks) - 1, -1, -1):
            if number < len(self._blocks):
                self._tidy_block(number)
            if number and not number % _BLOCKS:
                yield

    def _tidy_block(self, number: int) -> None:
        block = self._blocks[number]
        row: list[Stretch] = []
        for stretch in block.stretches:
            if not stretch.length and not stretch.taker and stretch.run is None:
                self.held -= weight_of(stretch.pieces)
                continue
            last = row[-1] if row else None
            if last is None or last.marks != stretch.marks or bool(last.length) != bool(stretch.length):
                row.append(stretch)
            elif stretch.length:
                last.length += stretch.length
            elif (last.taker, last.run) == (stretch.taker, stretch.run):
                last.pieces = join_pieces((*last.pieces, *stretch.pieces))
                last.ids = (*last.ids, *stretch.ids) if last.ids and stretch.ids else ()
            else:
                row.append(stretch)
        block.stretches = row
        if not row and len(self._blocks) > 1:
            del self._blocks[number]
            self._renumbered(number)
        else:
            self._bound(number)

    def _renumbered(self, number: int) -> None:
        """Blocks behind this one have other numbers."""
        if number < self._near[0]:
            self._near = 0, 0
