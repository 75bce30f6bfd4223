"""Who wrote which bytes of the story: a run-length list folded from each applied delta with its true author.

Attributes that a client writes into the document prove nothing; this list is the truth, for plain y-websocket
clients too. It is cut into blocks of bounded length, so that an edit in a long text with thousands of spans costs a
walk over the blocks' totals and one block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

_BLOCK = 128
"""Spans per block; a block is halved at twice this."""


class Owner(Struct, frozen=True, array_like=True):
    """Who wrote something: a participant, and the run when it was the AI's hand."""

    author: str
    run: str | None = None


class Span(Struct, frozen=True, array_like=True):
    """`length` bytes by one owner."""

    length: int
    owner: Owner


class _Block:
    __slots__ = ("lengths", "owners", "total")

    def __init__(self, lengths: list[int], owners: list[int]) -> None:
        self.lengths = lengths
        self.owners = owners
        self.total = sum(lengths)


class Authorship:
    """The list. Offsets and lengths are bytes, as in `text_index`."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._owners: list[Owner] = []
        self._index: dict[Owner, int] = {}
        self._blocks: list[_Block] = []
        self._near = 0, 0
        """The block of the last place that was looked for, and where it begins: a change mostly goes on from there."""
        at = 0
        for span in spans:
            self.insert(at, span.length, span.owner)
            at += span.length

    def insert(self, at: int, length: int, owner: Owner) -> None:
        """`length` bytes by `owner` now stand at `at`."""
        if length < 1:
            return
        key = self._key(owner)
        if not self._blocks:
            self._blocks.append(_Block([length], [key]))
            return
        number, block, offset = self._find(at)
        i, inside = _span_at(block, offset)
        lengths, owners = block.lengths, block.owners
        if i < len(owners) and owners[i] == key:
            lengths[i] += length
        elif inside == 0 and i and owners[i - 1] == key:
            lengths[i - 1] += length
        elif inside == 0:
            lengths.insert(i, length)
            owners.insert(i, key)
        else:
            lengths[i : i + 1] = [inside, length, lengths[i] - inside]
            owners[i : i + 1] = [owners[i], key, owners[i]]
        block.total += length
        if len(lengths) > 2 * _BLOCK:
            self._halve(number)

    def delete(self, at: int, length: int) -> list[Span]:
        """The bytes [at, at + length) are gone; returns whose they were."""
        gone: list[Span] = []
        while length > 0 and self._blocks:
            number, block, offset = self._find(at)
            if offset >= block.total:
                if number + 1 >= len(self._blocks):
                    break
                number, block, offset = number + 1, self._blocks[number + 1], 0
            i, inside = _span_at(block, offset)
            taken = min(length, block.lengths[i] - inside)
            gone.append(Span(taken, self._owners[block.owners[i]]))
            block.lengths[i] -= taken
            block.total -= taken
            length -= taken
            if not block.lengths[i]:
                self._drop(number, i)
        return _merged(gone)

    def spans(self, start: int = 0, end: int | None = None) -> Iterator[Span]:
        """The spans of [start, end), cut to it; neighbours have different owners."""
        return iter(_merged(self._cut(start, self.length if end is None else end)))

    def ranges(self, run: str) -> list[tuple[int, int]]:
        """[start, end) of everything that stands there by `run`, in order."""
        keys = {key for key, owner in enumerate(self._owners) if owner.run == run}
        found: list[tuple[int, int]] = []
        at = 0
        for block in self._blocks:
            if keys.isdisjoint(block.owners):
                at += block.total
                continue
            for length, key in zip(block.lengths, block.owners, strict=True):
                if key in keys:
                    if found and found[-1][1] == at:
                        found[-1] = (found[-1][0], at + length)
                    else:
                        found.append((at, at + length))
                at += length
        return found

    def shares(self) -> dict[str, int]:
        """Bytes per author."""
        shares: dict[str, int] = {}
        for block in self._blocks:
            for length, key in zip(block.lengths, block.owners, strict=True):
                author = self._owners[key].author
                shares[author] = shares.get(author, 0) + length
        return shares

    @property
    def length(self) -> int:
        return sum(block.total for block in self._blocks)

    def serialise(self) -> bytes:
        pairs = [pair for block in self._blocks for pair in zip(block.lengths, block.owners, strict=True)]
        return msgspec.msgpack.encode((self._owners, pairs))

    @classmethod
    def restore(cls, data: bytes) -> Authorship:
        """Read the output of `serialise`. Raises msgspec.MsgspecError for anything else."""
        owners, pairs = msgspec.msgpack.decode(data, type=tuple[list[Owner], list[tuple[int, int]]])
        new = cls()
        for owner in owners:
            new._key(owner)
        for start in range(0, len(pairs), _BLOCK):
            part = pairs[start : start + _BLOCK]
            new._blocks.append(_Block([length for length, _ in part], [key for _, key in part]))
        return new

    def _key(self, owner: Owner) -> int:
        if (key := self._index.get(owner)) is None:
            key = self._index[owner] = len(self._owners)
            self._owners.append(owner)
        return key

    def _find(self, at: int) -> tuple[int, _Block, int]:
        """The block of byte `at` (the earlier one at a border, the last one beyond the end), and the offset in it."""
        number, start = self._near
        if at <= start or number >= len(self._blocks):
            number = start = 0
        while at - start > (total := self._blocks[number].total) and number + 1 < len(self._blocks):
            start += total
            number += 1
        self._near = number, start
        return number, self._blocks[number], min(at - start, total)

    def _halve(self, number: int) -> None:
        block = self._blocks[number]
        half = len(block.lengths) // 2
        self._blocks[number : number + 1] = [
            _Block(block.lengths[:half], block.owners[:half]),
            _Block(block.lengths[half:], block.owners[half:]),
        ]

    def _drop(self, number: int, i: int) -> None:
        """Remove an emptied span; join its neighbours when one owner has both, and the block when it is empty."""
        block = self._blocks[number]
        lengths, owners = block.lengths, block.owners
        del lengths[i], owners[i]
        if 0 < i < len(owners) and owners[i - 1] == owners[i]:
            lengths[i - 1] += lengths.pop(i)
            del owners[i]
        if not owners:
            del self._blocks[number]

    def _cut(self, start: int, end: int) -> Iterator[Span]:
        if not self._blocks:
            return
        first, _, offset = self._find(start)
        at = start - offset
        for block in self._blocks[first:]:
            if at >= end:
                return
            for length, key in zip(block.lengths, block.owners, strict=True):
                if at >= end:
                    return
                if (size := min(at + length, end) - max(at, start)) > 0:
                    yield Span(size, self._owners[key])
                at += length


def _span_at(block: _Block, offset: int) -> tuple[int, int]:
    """Number of the span that holds byte `offset`, and the offset in it; (count, 0) at the block's end."""
    for i, length in enumerate(block.lengths):
        if offset < length:
            return i, offset
        offset -= length
    return len(block.lengths), 0


def _merged(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for span in spans:
        if found and found[-1].owner == span.owner:
            found[-1] = Span(found[-1].length + span.length, span.owner)
        else:
            found.append(span)
    return found
