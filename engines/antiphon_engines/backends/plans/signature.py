"""The inputs and outputs of a network: named tensors, some of whose sizes differ between calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from antiphon_engines.api import InvalidRequest

Precision: TypeAlias = Literal["fp32", "fp16", "bf16"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "bf16")


class ShapeRefused(InvalidRequest):
    """The sizes of a call are outside the plan's bounds."""


class Dim(Struct, frozen=True):
    """A size that differs between calls: a multiple of `step` from `low` to `high`, mostly `best`."""

    name: str
    low: int
    best: int
    high: int
    step: int = 1

    def __post_init__(self) -> None:
        sizes = (self.low, self.best, self.high)
        if not 0 <= self.low <= self.best <= self.high or any(size % self.step for size in sizes):
            raise ValueError(f"{self.name}: {sizes} do not rise in steps of {self.step}")


class Port(Struct, frozen=True):
    """A named tensor. A size is a number or the name of a :class:`Dim`; `kind` "number" has the plan's precision."""

    name: str
    shape: tuple[int | str, ...]
    kind: Literal["number", "float32", "int64", "bool"] = "number"


class Signature(Struct, frozen=True):
    inputs: tuple[Port, ...]
    outputs: tuple[str, ...]
    dims: tuple[Dim, ...]
    sums: tuple[tuple[str, str, str], ...] = ()
    """(whole, first, second): the size `whole` is `first` + `second`, and no Dim of its own."""

    def sizes(self, shapes: Mapping[str, Sequence[int]]) -> dict[str, int]:
        """The sizes of a call, by Dim. Raises ShapeRefused for sizes that do not fit."""
        found: dict[str, int] = {}
        for port in self.inputs:
            shape = shapes.get(port.name)
            if shape is None or len(shape) != len(port.shape):
                raise ShapeRefused(f"{port.name} has the shape {shape}, not {port.shape}")
            for wanted, size in zip(port.shape, shape, strict=True):
                known = wanted if isinstance(wanted, int) else found.setdefault(wanted, size)
                if known != size:
                    raise ShapeRefused(f"{port.name} has the size {size} where {known} is wanted")
        for dim in self.dims:
            size = found[dim.name]
            if not dim.low <= size <= dim.high or size % dim.step:
                raise ShapeRefused(
                    f"{dim.name} is {size}; the plan takes {dim.low} to {dim.high} in steps of {dim.step}"
                )
        for whole, first, second in self.sums:
            if found[whole] != found[first] + found[second]:
                raise ShapeRefused(f"{whole} is {found[whole]}, not {found[first]} + {found[second]}")
        return found

    def shape(self, port: Port, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """Of one port, for the sizes of a call."""
        return tuple(size if isinstance(size, int) else self.size(size, sizes) for size in port.shape)

    def size(self, name: str, sizes: Mapping[str, int]) -> int:
        for whole, first, second in self.sums:
            if whole == name:
                return sizes[first] + sizes[second]
        return sizes[name]

    def at(self, which: Literal["low", "best", "high"]) -> dict[str, int]:
        """The sizes of the smallest, the usual and the largest call."""
        return {dim.name: getattr(dim, which) for dim in self.dims}
