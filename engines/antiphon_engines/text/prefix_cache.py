"""Which row of the arena holds which prompt, so that a document's common prefix is read only once.

A released row keeps its prompt until another job needs the row; the least recently used goes first. Only tokens read as
a prompt are kept: generated tokens were computed one at a time, and differ from the same tokens read as a prompt by
rounding, so that a text would depend on the cache's contents."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from antiphon_engines.text.model import TokenModel

WORTH = 16
"""Tokens in common below which a copy is not worth its while."""


class _Row:
    def __init__(self, index: int) -> None:
        self.index = index
        self.ids: list[int] = []
        """Prompt tokens that the row holds, exactly as a prompt leaves them."""
        self.busy = False
        self.used = 0


class PrefixCache:
    """The rows of `model`. Lengths of rows in use are the engine's business; `ids` follows through `extend`."""

    def __init__(self, model: TokenModel) -> None:
        self._model = model
        self._rows = [_Row(index) for index in range(model.rows)]
        self._clock = count(1)

    @property
    def free(self) -> int:
        return sum(not row.busy for row in self._rows)

    def take(self, ids: Sequence[int]) -> tuple[int, int]:
        """A free row for the prompt `ids`, and how many of them it already holds: so many that the last chunk is
        long enough to be exact. There must be a free row."""
        source, common = self._longest(ids)
        target = self._target(source, common)
        if common and target is not source:
            if common >= WORTH:
                self._model.copy_prefix(source.index, target.index, common)
            else:
                common = 0
        self._model.truncate(target.index, common)
        target.ids = list(ids[:common])
        target.busy = True
        target.used = next(self._clock)
        return target.index, common

    def follow(self, index: int, ids: Sequence[int], read: int) -> int:
        """The row in use has read so many of `ids`. Where another one has come further with the same beginning, take
        that over; returns how many are read then."""
        row = self._rows[index]
        source, common = self._longest(ids)
        if source is row or common - read < WORTH:
            return read
        self._model.copy_prefix(source.index, index, common)
        row.ids = list(ids[:common])
        return common

    def rewind(self, index: int, ids: Sequence[int]) -> int:
        """The row in use gets the new prompt `ids`: cut it to the common part; returns that length."""
        row = self._rows[index]
        row.ids = row.ids[: self._exact(_common(row.ids, ids), ids)]
        self._model.truncate(index, len(row.ids))
        return len(row.ids)

    def extend(self, index: int, read: int, ids: Sequence[int]) -> None:
        """The row in use, which had read so many tokens of its prompt, has read `ids` as a chunk of it."""
        # A shorter chunk is computed in another way (see the module's docstring), and ends the part that can be kept.
        row = self._rows[index]
        if len(ids) >= self._model.least and read == len(row.ids) and read % self._model.grain == 0:
            row.ids.extend(ids)

    def release(self, index: int) -> None:
        row = self._rows[index]
        row.busy = False
        row.used = next(self._clock)
        self._model.truncate(index, len(row.ids))

    def _longest(self, ids: Sequence[int]) -> tuple[_Row, int]:
        commons = [self._exact(_common(row.ids, ids), ids) for row in self._rows]
        best = max(range(len(commons)), key=lambda index: (commons[index], not self._rows[index].busy))
        return self._rows[best], commons[best]

    def _exact(self, common: int, ids: Sequence[int]) -> int:
        """As many of the common tokens as leave chunks that are exact."""
        common = max(min(common, len(ids) - self._model.least), 0)
        return common - common % self._model.grain

    def _target(self, source: _Row, common: int) -> _Row:
        """`source` itself where little of it would be lost; else the free row that was used longest ago."""
        if not source.busy and 2 * common >= len(source.ids):
            return source
        others = [row for row in self._rows if not row.busy and (row is not source or not common)] or [source]
        return min(others, key=lambda row: (bool(row.ids), row.used))


def _common(held: Sequence[int], wanted: Sequence[int]) -> int:
    """Length of the longest common prefix."""
    limit = min(len(held), len(wanted))
    if held[:limit] == wanted[:limit]:
        return limit
    return next(index for index in range(limit) if held[index] != wanted[index])
